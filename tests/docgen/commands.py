"""Write docs/commands.md from the commands' specs: `python -m tests.docgen.commands`. Keep what is above the mark."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.chatops.commands.help import topic
from bot.chatops.commands.registry import COMMANDS
from bot.interactions.command import Command
from bot.views.help import HelpTopic

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
MARK = "<!-- Below this line the page is made by `make docs` from the commands' specs. -->"


def page(existing: str, commands: Sequence[Command]) -> str:
    """The whole page: what `existing` has above the mark, then every command."""
    written = existing.partition(MARK)[0].rstrip()
    topics = [topic(command) for command in commands if command.path]
    return "\n".join((written, "", MARK, "", *_overview(topics), *(line for one in topics for line in _section(one))))


def _overview(topics: Sequence[HelpTopic]) -> Iterator[str]:
    yield "| command | what it does | for |"
    yield "|---|---|---|"
    for one in topics:
        yield f"| [`{one.name}`](#{_anchor(one)}) | {one.summary} | {one.who} |"
    yield ""


def _anchor(one: HelpTopic) -> str:
    return one.name.replace("/", "").replace(" ", "-")


def _section(one: HelpTopic) -> Iterator[str]:
    yield f"## {one.name}"
    yield ""
    yield one.summary
    yield ""
    yield f"    {one.usage}"
    yield ""
    if one.arguments:
        yield "| argument | what it means |"
        yield "|---|---|"
        for written, describes in one.arguments:
            yield f"| `{_cell(written)}` | {_cell(describes)} |"
        yield ""
    if one.notes:
        yield one.notes
        yield ""
    if one.manual:
        yield f"More: [{one.manual}]({one.manual})"
        yield ""
    if one.examples:
        yield f"For example: {', '.join(f'`{example}`' for example in one.examples)}"
        yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), COMMANDS), encoding="utf-8")


if __name__ == "__main__":
    main()
