"""Report words that the project's text does not use, each with the plain word to use instead.

`python .ci/words.py [FILE ...]` checks the given files, or all Python files and pages of the repository. Docstrings,
comments, strings and identifiers (split at underscores and capitals) are checked alike. Exit status 1 if one was found.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACES = ("bot", "tests", "docs", "deploy")
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "app_manifest.yaml", "config.example.yaml")
SUFFIXES = frozenset({".py", ".md", ".yaml", ".js", ".html", ".css"})

INSTEAD: Mapping[str, str] = {
    "told": "posted, announced, reported or rendered",
    "anew": "again",
    "mend|mends|mended|mending": "fix or repair",
    "wish|wishes|wished": "request",
    "deed|deeds": "action",
    "whoever|whomever": "the role: operator, approver, replica",
    "whatever": "any, or the thing itself",
    "nobody": "no one, or the role",
    "somebody": "a person, or the role",
    "graver|gravest": "more severe, most severe",
    "trouble|troubles|troubled": "error, problem or fault",
    "farewell": "shutdown notice",
    "bury|buried": "expire",
    "heir|heirs": "successor or replacement",
    "overtaken": "superseded",
    "lest": "so that … not",
    "hitherto": "until now",
    "thereof": "of it",
    "none the less|nevertheless": "still",
    "to and fro": "back and forth",
    "made good": "posted later, repeated",
    "ought": "should",
    "for ever": "without a limit, always",
    "look again": "check again",
    "of its own": "separate, or its",
}
"""Words and phrases (whole, in any case) and what to write in their place."""

RECORDED = ROOT / "tests" / "fixtures"
"""What an earlier version wrote, in its words."""

_UNIX_USER = "the Unix user `nobody`"

ALLOWED: Mapping[tuple[str, str], str] = {
    ("bot/runtime/job_problems.py", "trouble"): "the log event schedule.trouble keeps its name: log searches use it",
    ("CHANGELOG.md", "troubles"): "quotes a former name",
    ("tests/e2e/test_installation.py", "troubles"): "quotes a former name",
    ("tests/support/databases.py", "nobody"): _UNIX_USER,
    ("CHANGELOG.md", "overtaken"): "quotes a former word",
    ("CHANGELOG.md", "for ever"): "the entry of a released version stays",
    ("CHANGELOG.md", "mend"): "quotes a former name",
    ("docs/upgrading.md", "troubles"): "quotes a former name",
}
"""(path, word): the reason why the word stays there."""

_WORD = re.compile(rf"(?<![a-z])(?:{'|'.join(INSTEAD)})(?![a-z])", re.IGNORECASE)
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def found(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, word in lower case) of each unwanted word; `_` and inner capitals separate words."""
    for number, line in enumerate(text.splitlines(), 1):
        for match in _WORD.finditer(_CAPITAL.sub(" ", line)):
            yield number, match.group().lower()


def instead(word: str) -> str:
    """Return what to write in place of `word`."""
    return next(plain for pattern, plain in INSTEAD.items() if word in pattern.split("|"))


def _checked(path: Path) -> bool:
    return path.suffix in SUFFIXES and not path.is_relative_to(RECORDED)


def files() -> Iterator[Path]:
    """Yield the files to check."""
    for place in PLACES:
        yield from (path for path in sorted((ROOT / place).rglob("*")) if _checked(path))
    yield from (ROOT / page for page in PAGES)


def main(arguments: list[str]) -> int:
    """Check the files and print each finding as `path:line: word: use …`; return the exit status."""
    bad = 0
    for path in [Path(each).resolve() for each in arguments] or files():
        name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
        for number, word in found(path.read_text(encoding="utf-8")):
            if (name, word) not in ALLOWED:
                bad += 1
                print(f"{name}:{number}: {word}: use {instead(word)}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
