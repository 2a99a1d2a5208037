"""A scripted day: every message of the channels, word for word."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.day.channel import Entry, fold_alike, fold_edits, merge_lines, shown_time
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


def edit(text: str, *, at: float, ts: str = "1.2") -> Entry:
    return Entry(at, "edit", ts, text, since=at)


def reply(text: str, *, at: float, kind: str = "reply", thread: str = "1.2") -> Entry:
    return Entry(at, kind, f"{at}", text, thread=thread)


def test_line_in_the_thread_is_named_with_the_edit_that_says_the_same() -> None:
    merged = merge_lines([edit("Resolved.", at=NOON), reply("Resolved.", at=NOON), reply("Alice.", at=NOON)])
    assert [entry.shown for entry in merged] == [
        "`12:00` ✎ edited, and in its thread: Resolved.",
        "`12:00` in its thread: Alice.",
    ]


def test_reply_in_another_thread_stays() -> None:
    assert len(merge_lines([edit("Resolved.", at=NOON), reply("Resolved.", at=NOON, thread="3.4")])) == 2


def test_edits_between_two_events_are_one_line() -> None:
    """An edit that is also a reply stays, because people were notified of it; so does the last one before an event."""
    happens = Entry(NOON + 300, "happens", "", "Alice acknowledges.")
    entries = [
        edit("8 disks.", at=NOON),
        edit("1 disk.", at=NOON + 30, ts="3.4"),
        replace(edit("16 disks.", at=NOON + 60), also="broadcast"),
        edit("24 disks.", at=NOON + 120),
        happens,
        edit("24 disks (Alice).", at=NOON + 360),
    ]
    assert [entry.shown for entry in fold_edits(entries)] == [
        "`12:00` ✎ edited: 1 disk.",
        "`12:01` ✎ edited (2 times since 12:00), and in its thread and the channel: 16 disks.",
        "`12:02` ✎ edited: 24 disks.",
        "*12:05 · Alice acknowledges.*",
        "`12:06` ✎ edited: 24 disks (Alice).",
    ]


def test_messages_alike_at_one_time_are_counted() -> None:
    texts = ["Task `balance` is off.", "Task `disk_drop` is off.", "Task `disk_repair` is off.", "Disk 3 is broken."]
    folded = fold_alike([entry(text) for text in texts])
    assert [each.shown for each in folded] == [
        "`12:00` Task `balance` is off.",
        "`12:00` … and 2 more messages like it, with other names and numbers",
        "`12:00` Disk 3 is broken.",
    ]
    assert len(fold_alike([entry(texts[0]), replace(entry(texts[1]), at=NOON + 60)])) == 2


def test_long_list_shows_its_first_lines() -> None:
    shown = entry("*8 disks*\n" + "\n".join(f"• disk {number}" for number in range(8)) + "\nNext: wait").shown
    assert shown.split("\n")[2:] == [
        "> - disk 0",
        "> - disk 1",
        "> - disk 2",
        "> - … 5 more lines",
        ">",
        "> Next: wait",
    ]


def test_time_of_another_day_names_the_day() -> None:
    day = 86400.0
    assert [shown_time(at, 10 * day + NOON) for at in (10 * day, 9 * day + NOON, 11 * day)] == [
        "00:00",
        "yesterday 12:00",
        "tomorrow 00:00",
    ]
    assert shown_time(0.0, 10 * day) == "1970-01-01 00:00"
