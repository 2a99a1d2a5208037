"""The emoji that the demo page can draw on a machine without a font of coloured ones."""

import re
import unicodedata
from pathlib import Path

from tests.docgen.phrasebook.book import sections
from tests.gallery.__main__ import drawn

PICTURES = Path(__file__).parents[3] / "bot" / "playground" / "web" / "pictures.js"
SELECTOR = "\N{VARIATION SELECTOR-16}"


def emoji_in(text: str) -> set[str]:
    """Characters that fonts of text have no coloured form of: wide symbols, and those with the selector of emoji."""
    wide = {char for char in text if unicodedata.category(char) == "So" and unicodedata.east_asian_width(char) == "W"}
    return wide | set(re.findall(f"(.){SELECTOR}", text))


def test_every_emoji_of_the_views_has_a_drawing() -> None:
    """A view with a new emoji needs a drawing, else the page shows its general one."""
    used = emoji_in(str([drawn(each.state, each.content) for section in sections() for each in section.samples]))
    has_drawing = set(re.findall(r'^  "(.)": ', PICTURES.read_text(encoding="utf-8"), re.MULTILINE))

    assert used
    assert used - has_drawing == set()
