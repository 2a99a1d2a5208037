"""docs/phrasebook.md has every message of every view, as the views render it now."""

import ast
import difflib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType

import pytest

from tests.docgen.phrasebook.book import PAGE, book

VIEWS = Path(__file__).parents[3] / "bot" / "views"
RENDERS = ("Message", "Report", "BlockJson", "Mapping[str, Any]", "ConfirmationDialogue")
"""What a function of a view returns that people read."""
PARTS = frozenset({"blocks.py", "tables.py", "charts.py", "text.py", "inputs.py", "plain_forms.py"})
"""Modules of building blocks: views use them, people do not read them alone."""
OTHER_FORM = frozenset({"plainer", "without_tables", "unfolded", "titles_only"})
"""Functions that make another form of a message of the page."""


def rendering() -> Iterator[tuple[str, str]]:
    """Yield (module, function) of every public function of a view that returns what people read."""
    for path in sorted(VIEWS.rglob("*.py")):
        if path.name in PARTS:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.returns is not None:
                returned = ast.unparse(node.returns)
                if any(kind in returned for kind in RENDERS) and node.name not in OTHER_FORM:
                    yield path.name, node.name


@pytest.fixture(scope="module")
def rendered() -> tuple[str, frozenset[tuple[str, str]]]:
    """The page, and (module, function) of all that ran to make it."""
    ran: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            ran.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        page = book()
    finally:
        sys.setprofile(before)
    return page, frozenset((Path(code.co_filename).name, code.co_name) for code in ran)


def test_page_equals_what_the_views_render(rendered: tuple[str, frozenset[tuple[str, str]]]) -> None:
    page, written = rendered[0], PAGE.read_text(encoding="utf-8")
    difference = difflib.unified_diff(written.split("\n"), page.split("\n"), "docs/phrasebook.md", "rendered now", n=2)
    assert written == page, "\n".join(["run `make docs` and review:", *list(difference)[:200]])


def test_page_has_every_view(rendered: tuple[str, frozenset[tuple[str, str]]]) -> None:
    assert set(rendering()) - rendered[1] == set()
