"""`make check` finds words that the project's text does not use."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / ".ci" / "words.py"
WORD = "nobo" + "dy"
"""A word of the list, written so that this file passes the check."""


def check(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(path)]
    return subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603


@pytest.mark.parametrize(
    "line",
    [
        f"# {WORD} answers",
        f'"{WORD.capitalize()} answers."',
        f"def when_{WORD}_answers():",
        f"class {WORD.title()}Answers:",
    ],
)
def test_listed_word_is_reported_with_its_line(tmp_path: Path, line: str) -> None:
    page = tmp_path / "page.py"
    page.write_text(f"\n{line}\n")
    answer = check(page)
    assert answer.returncode == 1
    assert answer.stdout == f"{page}:2: {WORD}: use no one, or the role\n"


def test_longer_word_is_not_reported(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"The {WORD}x of the world.\n")
    answer = check(page)
    assert (answer.returncode, answer.stdout) == (0, "")
