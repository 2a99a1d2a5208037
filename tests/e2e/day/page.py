"""Run the day once and write its page."""

from pathlib import Path

from tests.e2e.day.script import A_DAY, live
from tests.e2e.day.world import ARCHIVE, STORAGE, Day, new_day

PAGE = Path(__file__).parents[3] / "docs" / "a-day.md"
_HEAD = """# A day

Two clusters, `prod` with five nodes and 240 disks and `archive` with three nodes, go through a bad day. Below is every
message that their channels saw, and in between, in italics, what happened. All of it ran: the program against simulated
clusters and a local Slack workspace over real sockets, with a clock that was moved by hand, one look at each cluster
every two minutes. `make docs` writes this page, and a test fails when the program would say anything else.

To keep it short, several edits of one message between two events are one line (the last text, with their number), a
line in the thread that says the same as its edit is named with it, messages that came at once and differ in names and
numbers only are counted, and of a list the first three lines are shown.
"""


async def lived(folder: Path) -> Day:
    """Run the day; return its world."""
    async with new_day(folder) as day:
        await live(day, A_DAY)
    return day


def page_of(day: Day) -> str:
    """The page of a day."""
    return "\n".join([_HEAD, *(day.channels[name].page(title_of(name)) for name in (STORAGE, ARCHIVE))])


def title_of(channel: str) -> str:
    """The name under which the page shows a channel."""
    return f"#{channel.removeprefix('C0').lower()}"
