"""Report which Chinese pages lag behind their English page: `python -m tests.docgen.chinese` (`make docs-zh`)."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.alerting.rules.table import RULES
from bot.chatops.commands.registry import COMMANDS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "zh"
_FRONT = re.compile(r"^本页对应英文文档 \[[^\]]+\]\(([^)]+)\)\uff0c提交 `([0-9a-f]{40})`$")
_NONE = "0" * 40


@dataclass(frozen=True, slots=True)
class Follows:
    """A Chinese page, the English page that it follows, and the commit up to which it does."""

    page: str
    english: str
    commit: str


@dataclass(frozen=True, slots=True)
class Lag:
    """The commits of the English page since the one that its Chinese page follows, oldest first, and what it lacks."""

    follows: Follows
    commits: tuple[str, ...]
    lacks: tuple[str, ...] = ()


def pages(folder: Path = FOLDER) -> list[Path]:
    """The Chinese pages."""
    return sorted(folder.glob("*.md"))


def follows(page: Path, root: Path = ROOT) -> Follows:
    """Read the front line of a page; raises ValueError if it names no English page or no commit."""
    front = page.read_text(encoding="utf-8").partition("\n")[0]
    found = _FRONT.match(front)
    name = page.relative_to(root).as_posix()
    if found is None:
        raise ValueError(f"{name}: the first line names no English page and commit: {front[:80]}")
    english = (page.parent / found[1]).resolve()
    if not english.is_file() or found[2] == _NONE:
        raise ValueError(f"{name}: {found[1]} at {found[2]} is no page of this folder")
    return Follows(name, english.relative_to(root.resolve()).as_posix(), found[2])


def has_history(root: Path = ROOT) -> bool:
    """True in a whole clone; False in an export without Git, in a shallow clone, and without the program git."""
    top = _git(root, "rev-parse", "--show-toplevel")
    # An export may have been unpacked inside a clone of something else.
    own = top is not None and Path(top).resolve() == root.resolve()
    return own and _git(root, "rev-parse", "--is-shallow-repository") == "false"


def is_known(commit: str, root: Path = ROOT) -> bool:
    """True if the commit is part of the history that leads here."""
    return _git(root, "merge-base", commit, "HEAD") == commit


def lag(each: Follows, root: Path = ROOT) -> Lag:
    """List what changed in the English page since; nothing where there is no history."""
    lines = _git(root, "log", "--reverse", "--format=%h %s", f"{each.commit}..HEAD", "--", each.english)
    return Lag(each, tuple(lines.splitlines()) if lines else (), lacking(each, root))


def lacking(each: Follows, root: Path = ROOT) -> tuple[str, ...]:
    """The rules, commands or settings that a page does not have."""
    wanted = _WANTED.get(Path(each.page).name)
    if wanted is None:
        return ()
    text = (root / each.page).read_text(encoding="utf-8")
    return tuple(
        name for name, written in wanted((root / each.english).read_text(encoding="utf-8")) if not written(text)
    )


Wanted = Iterator[tuple[str, Callable[[str], bool]]]


def _rules(_: str) -> Wanted:
    for rule in RULES:
        yield rule.key, lambda text, key=rule.key: f"### {key}\n" in text  # type: ignore[misc]


def _commands(_: str) -> Wanted:
    for name in (" ".join(command.path) for command in COMMANDS if command.path):
        yield f"/cm {name}", lambda text, name=name: f"| `/cm {name}" in text  # type: ignore[misc]


def _settings(english: str) -> Wanted:
    rows = re.findall(r"^\| (`[^|]*`) \|", english, re.MULTILINE)
    for key in sorted({key for row in rows for key in re.findall(r"`([^`]+)`", row)}):
        last = re.escape(key.rpartition(".")[2])
        yield key, lambda text, last=last: re.search(rf"[`.]{last}`", text) is not None  # type: ignore[misc]


_WANTED: Mapping[str, Callable[[str], Wanted]] = {
    "alerts.md": _rules,
    "commands.md": _commands,
    "configuration.md": _settings,
}


def report(lags: Sequence[Lag]) -> Iterator[str]:
    """One line a page, and below it the commits to translate."""
    for each in lags:
        number = len(each.commits)
        state = f"{number} commit{'s' if number > 1 else ''} behind" if number else "up to date"
        yield f"{each.follows.page}: {state} ({each.follows.english} since {each.follows.commit[:12]})"
        yield from (f"    {commit}" for commit in each.commits)
        yield from (f"    lacks {name}" for name in each.lacks)


def _git(root: Path, *words: str) -> str | None:
    """The output of git without its line end; None where git fails or is missing."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, no shell
            ["git", "-C", str(root), *words],  # noqa: S607 - git of the path
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def words() -> str:
    """The whole report."""
    if not has_history():
        return "There is no whole history here (an export, or a shallow clone): what lags behind is not known."
    return "\n".join(report([lag(follows(page)) for page in pages()]))


if __name__ == "__main__":
    sys.stdout.write(f"{words()}\n")
