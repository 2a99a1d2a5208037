"""One finding of `cmbot check`, and the table of all findings."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.cli.terminal.mrkdwn import terminal_words
from bot.common.frozen import frozen
from bot.common.text import count
from bot.views.text import clean


@frozen
class CheckRow:
    """The result of one check; `fix` says what to do about a failure or a warning.

    A warning (`warns`) is no failure: cmbot works as it is set, and an admin should know it.
    """

    what: str
    well: bool
    found: str
    fix: str = ""
    warns: bool = False


def table(rows: Sequence[CheckRow]) -> RenderableType:
    """Render one finding a line, the problems first, then their number; foreign text cannot steer the terminal."""
    shown = Table.grid(padding=(0, 2, 0, 0))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for row in sorted(rows, key=lambda each: (each.well, not each.warns)):
        fix = (f" → {clean(terminal_words(row.fix))}", "yellow") if row.fix else ""
        shown.add_row(_mark(row), Text.assemble((clean(row.what), "bold"), f": {clean(row.found)}", fix))
    return Group(shown, Text(_total(rows), style="bold"))


def _mark(row: CheckRow) -> Text:
    if not row.well:
        return Text("✗ failed", style="bold red")
    return Text("! warning", style="yellow") if row.warns else Text("✓ ok", style="green")


def _total(rows: Sequence[CheckRow]) -> str:
    bad, warned = sum(not row.well for row in rows), sum(row.well and row.warns for row in rows)
    total = f"{bad} of {count(len(rows), 'check')} failed" if bad else f"All {count(len(rows), 'check')} passed"
    return f"{total}, {count(warned, 'warning')}." if warned else f"{total}."
