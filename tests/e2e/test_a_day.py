"""A scripted day: every message of the channels, word for word."""

from pathlib import Path

import pytest

from tests.e2e.day.channel import Entry
from tests.e2e.day.differences import differences, messages
from tests.e2e.day.page import PAGE, lived, page_of, title_of


@pytest.mark.fast_time
async def test_day_messages_equal_the_page(tmp_path: Path) -> None:
    """When this fails, run `make docs` and review the change of docs/a-day.md: people would read those messages."""
    page = PAGE.read_text(encoding="utf-8")
    day = await lived(tmp_path)
    found = [
        each
        for name, channel in day.channels.items()
        for each in differences(title_of(name), messages(page, title_of(name)), channel.folded)
    ]
    if found:
        pytest.fail("\n\n".join(found), pytrace=False)
    assert page_of(day) == page
    assert (day.answers, day.events) == (1360, 1613)


NOON = 12 * 3600.0
PAGE_OF_TWO = """# A day

## #storage

*12:00 · A disk breaks.*

`12:00` **Warning**
>
> Disk 3 is broken.

## #archive

`12:00` Nothing.
"""


def entry(text: str, *, kind: str = "post") -> Entry:
    return Entry(NOON, kind, "1.2", text, key="alert:7")


def test_page_that_agrees_has_no_difference() -> None:
    written = messages(PAGE_OF_TWO, "#storage")
    seen = [Entry(NOON, "happens", "", "A disk breaks."), entry("*Warning*\nDisk 3 is broken.")]
    assert differences("#storage", written, seen) == []


def test_message_that_differs_shows_time_channel_key_and_lines() -> None:
    written = messages(PAGE_OF_TWO, "#storage")
    seen = [Entry(NOON, "happens", "", "A disk breaks."), entry("*Warning*\nDisk 4 is broken.")]
    [found] = differences("#storage", written, seen)
    assert found.split("\n") == [
        "12:00 in #storage, key alert:7: differs",
        "--- docs/a-day.md",
        "+++ seen",
        "@@ -2,2 +2,2 @@",
        " >",
        "-> Disk 3 is broken.",
        "+> Disk 4 is broken.",
    ]


@pytest.mark.parametrize(
    ("seen", "what"),
    [
        ([], ["12:00 in #archive: not seen"]),
        ([entry("Nothing."), entry("A reply.", kind="reply")], ["12:00 in #archive, key alert:7: not on the page"]),
    ],
)
def test_message_that_one_side_lacks_is_named(seen: list[Entry], what: list[str]) -> None:
    found = differences("#archive", messages(PAGE_OF_TWO, "#archive"), seen)
    assert [each.partition("\n")[0] for each in found] == what
