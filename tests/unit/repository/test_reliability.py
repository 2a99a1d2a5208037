"""docs/reliability.md names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_page_of_reliability_names_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py|docs/\w+\.md)`", (ROOT / "docs/reliability.md").read_text())
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
