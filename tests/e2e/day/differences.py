"""The difference between the page of a day and what its channels saw, message by message."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher, unified_diff
from itertools import zip_longest

from tests.e2e.day.channel import Entry

MAX_SHOWN = 5
"""Maximum number of differing messages shown for a channel: one change often moves all later ones."""


def messages(page: str, title: str) -> list[str]:
    """The lines of a channel on the page, in order: what happened, posts, replies, edits."""
    _, _, section = f"\n{page}".partition(f"\n## {title}\n")
    return section.partition("\n## ")[0].strip("\n").split("\n\n")


def differences(title: str, written: Sequence[str], seen: Sequence[Entry]) -> list[str]:
    """List each message that only the page or only the channel has; "" for none."""
    shown = [entry.shown for entry in seen]
    found: list[str] = []
    for kind, first, last, start, end in SequenceMatcher(None, written, shown, autojunk=False).get_opcodes():
        if kind != "equal":
            found += _each(title, written[first:last], seen[start:end])
    more = [f"… and {len(found) - MAX_SHOWN} more in {title}"] if len(found) > MAX_SHOWN else []
    return found[:MAX_SHOWN] + more


def _each(title: str, written: Sequence[str], seen: Sequence[Entry]) -> Iterator[str]:
    for text, entry in zip_longest(written, seen):
        key = f", key {entry.key}" if entry is not None and entry.key else ""
        now = entry.shown if entry is not None else ""
        what = "not on the page" if text is None else "not seen" if entry is None else "differs"
        lines = unified_diff((text or "").split("\n"), now.split("\n"), "docs/a-day.md", "seen", n=1, lineterm="")
        yield "\n".join([f"{_time(text or now)} in {title}{key}: {what}", *lines])


def _time(line: str) -> str:
    """The time of the day with which a line begins."""
    return line.lstrip("`*")[:5]
