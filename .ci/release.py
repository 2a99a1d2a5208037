"""Check that a version can be released, then print the command that tags it; nothing is tagged or pushed.

    python .ci/release.py 1.2.3

Run it with the Python of .venv: the schema is checked by a test of the suite.
"""

import datetime as dt
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
SECTION = re.compile(r"^## \[?([^\]\s]+)\]?(?: - (\S+))?[ \t]*$", re.MULTILINE)
ENTRY = re.compile(r"^- ", re.MULTILINE)
NAMED = re.compile(r"\bcmbot:(\d+\.\d+\.\d+)\b|\bnewTag: (\S+)|org\.opencontainers\.image\.version=\"([^\"]*)\"")
"""The version of an image in a Dockerfile, a manifest or a command of the manual."""
NAMING = ("Dockerfile", "README.md", "deploy/**/*.yaml", "docs/**/*.md")
"""Files that name the image; docs/upgrading.md may name any version."""
NOTES = "docs/upgrading.md"
PROGRAMS = "tests/fixtures/releases"
"""Programs of earlier releases, with which the tests upgrade and go back."""
SCHEMA_TEST = "tests/component/store/test_opening.py::test_migrations_create_the_expected_schema"
Check = Callable[[Path, str], Iterator[str]]
"""Yields a sentence for each reason against the release."""


def number(version: str) -> tuple[int, ...]:
    """Order versions by their numbers."""
    return tuple(int(part) for part in version.split("."))


def git(root: Path, *arguments: str) -> str:
    """Return what git prints; raises CalledProcessError."""
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603


def project_version(root: Path, version: str) -> Iterator[str]:
    """Compare the version with pyproject.toml."""
    written = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if written != version:
        yield f"pyproject.toml has version {written}: write {version} there."


def newest_tag(root: Path) -> str | None:
    """Version of the newest release that is tagged."""
    released = [tag[1:] for tag in git(root, "tag", "--list", "v*").split() if VERSION.fullmatch(tag[1:])]
    return max(released, key=number, default=None)


def tags(root: Path, version: str) -> Iterator[str]:
    """Compare the version with the tags of earlier releases."""
    newest = newest_tag(root)
    if newest is not None and number(version) <= number(newest):
        yield f"{version} is not greater than the newest tag, v{newest}: choose a greater version."


def images(root: Path, version: str) -> Iterator[str]:
    """Compare the version with those of the image in the Dockerfile, the manifests and the manual."""
    for path in sorted({path for pattern in NAMING for path in root.glob(pattern)} - {root / NOTES}):
        written = {"".join(found.groups("")) for found in NAMED.finditer(path.read_text(encoding="utf-8"))}
        if others := ", ".join(sorted(written - {version})):
            yield f"{path.relative_to(root)} names the image of version {others}: write {version} there."


def upgrade_notes(root: Path, version: str) -> Iterator[str]:
    """Look for what an operator must know and do at the upgrade to this version."""
    path = root / NOTES
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found = re.search(rf"^## To {re.escape(version)}\b[^\n]*\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None or not found[1].strip():
        yield f"{NOTES} has no notes for {version}: write ## To {version}, and what an operator must do."


def former_program(root: Path, _version: str) -> Iterator[str]:
    """Look for the program of the newest release, with which the tests of the upgrade begin."""
    newest = newest_tag(root)
    if newest is not None and not (root / PROGRAMS / f"{newest}.tar.xz").exists():
        yield f"{PROGRAMS} has no program of {newest}, with which upgrades are tested: its README.md says how."


def changelog(root: Path, version: str) -> Iterator[str]:
    """Look for the version's dated section in CHANGELOG.md, and for changes that are in no version."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    found = list(SECTION.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    sections = {match[1]: (match[2], text[match.end() : end]) for match, end in zip(found, ends, strict=True)}
    date, changes = sections.get(version, (None, None))
    if changes is None:
        yield f"CHANGELOG.md has no section for {version}: write ## [{version}] - {today()}."
    else:
        if not is_past(date):
            yield f"The date of {version} in CHANGELOG.md is {date or 'missing'}: write ## [{version}] - {today()}."
        if not ENTRY.search(changes):
            yield f"The section of {version} in CHANGELOG.md lists no change."
    if ENTRY.search(sections.get("Unreleased", ("", ""))[1]):
        yield f"CHANGELOG.md lists changes under Unreleased: move them to {version}."


def today() -> dt.date:
    """Return the date in UTC."""
    return dt.datetime.now(dt.UTC).date()


def is_past(date: str | None) -> bool:
    """Tell whether a date is written as YYYY-MM-DD and not after tomorrow, which it is already in some places."""
    try:
        return dt.date.fromisoformat(date or "") <= today() + dt.timedelta(days=1)
    except ValueError:
        return False


def working_tree(root: Path, _version: str) -> Iterator[str]:
    """Look for files that are not committed."""
    if changed := git(root, "status", "--porcelain").splitlines():
        names = ", ".join(line[3:] for line in changed[:5])
        yield f"The working tree has changes that are not committed ({names}): commit or remove them."


def schema(root: Path) -> Iterator[str]:
    """Migrate an empty database and compare it with bot/store/schema.py."""
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", SCHEMA_TEST)
    result = subprocess.run(command, check=False, cwd=root, capture_output=True, text=True)  # noqa: S603
    if result.returncode != 0:
        print(result.stdout + result.stderr, file=sys.stderr)
        yield "The migrations do not lead to the schema of bot/store/schema.py (see above): add a migration."


CHECKS: tuple[Check, ...] = (project_version, images, tags, changelog, upgrade_notes, former_program, working_tree)


def main(root: Path, arguments: list[str]) -> int:
    """Print every reason against the release, or the command that tags it; return the exit status."""
    version = arguments[0] if len(arguments) == 1 else ""
    if not VERSION.fullmatch(version):
        print("Name the version as three numbers: make release VERSION=1.2.3", file=sys.stderr)
        return 2
    # The schema takes the longest and is looked at last, when nothing else is left to do.
    reasons = [reason for check in CHECKS for reason in check(root, version)] or list(schema(root))
    for reason in reasons:
        print(f"refused: {reason}", file=sys.stderr)
    if not reasons:
        commit = git(root, "rev-parse", "HEAD").strip()
        print(f"{version} can be released. To tag it:\n")
        print(shlex.join(["git", "tag", "--annotate", f"v{version}", "--message", f"cmbot {version}", commit]))
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[1], sys.argv[1:]))
