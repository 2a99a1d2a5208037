"""The pages of the project: every link leads to a heading, and the overviews name every command."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bot.chatops.commands.registry import COMMANDS
from bot.cli.options import parser as _parser

ROOT = Path(__file__).parents[3]
PAGES = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")))
_CODE = re.compile(r"```.*?```|``.*?``|`[^`\n]*`", re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_MARKS = re.compile(r"[^\w\- ]")


def links(page: Path) -> Iterator[str]:
    """Yield the targets of a page's links to files and headings."""
    for target in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
        if "://" not in target and not target.startswith("mailto:"):
            yield target


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ +(.*?) *$", text, re.MULTILINE)
    return {_MARKS.sub("", heading.lower().replace("`", "")).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_of_a_page_lead_to_a_heading(page: Path) -> None:
    dead = []
    for target in links(page):
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            dead.append(target)
    assert dead == []


def test_pages_link_to_each_other() -> None:
    """The check above finds links at all."""
    assert sum(len(list(links(page))) for page in PAGES) > len(PAGES)


def test_every_page_is_in_the_manual() -> None:
    named = {target.partition("#")[0] for target in links(ROOT / "README.md")}
    assert {page.relative_to(ROOT).as_posix() for page in PAGES if page.parent != ROOT} - named == set()


def _names(cell: Sequence[str], path: Sequence[str]) -> bool:
    """True if the words of a cell, such as `op cancel|settle <id>`, begin with those of the command."""
    return len(cell) >= len(path) and all(own in given.split("|") for own, given in zip(path, cell, strict=False))


def test_readme_names_every_command() -> None:
    cells = re.findall(r"`/cm ([^`]*)`", (ROOT / "README.md").read_text(encoding="utf-8"))
    words = [cell.replace("\\", "").split() for cell in cells]
    missing = [command.path for command in COMMANDS if not any(_names(cell, command.path) for cell in words)]
    assert missing == []


def test_running_page_names_every_subcommand() -> None:
    page = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    [choices] = [action.choices for action in _parser()._actions if action.choices]
    assert [name for name in choices if f"| `cmbot {name}" not in page] == []
