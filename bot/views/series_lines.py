"""The disks of one operation on several: one line each, which ends with whether the disk may be pulled. No I/O."""

from collections.abc import Iterable, Iterator

from bot.clustermgr.models import DiskStatus
from bot.interactions.message import BlockJson
from bot.operations.disk_series import SERIES, SeriesParts, parts_of
from bot.operations.model import DiskCount, Operation
from bot.operations.preflight.facts.disks import DiskSituation
from bot.views.blocks import MAX_TEXT, code, context, count, date, section
from bot.views.preflight_text.disks import state_text

_MAX_SECTIONS = 20
"""Limit of the sections of one card: room for a node of 256 disks, and for the other blocks of the message."""
_GONE = frozenset({DiskStatus.DROPPED, DiskStatus.REPAIRED})


def series_lines(op: Operation) -> list[BlockJson]:
    """Render the disks of a series that has begun; nothing for another operation."""
    parts = parts_of(op) if op.kind in SERIES else None
    if parts is None or not (parts.begun or parts.skipped):
        return []
    texts = _texts(_lines(op, parts))
    hidden = sum(text.count("\n") + 1 for text in texts[_MAX_SECTIONS:])
    more = f"… and {count(hidden, 'more disk')}: *do not pull* before {code('/cm disk <id>')} says that it is safe"
    return [
        *map(section, texts[:_MAX_SECTIONS]),
        *([section(more)] if hidden else []),
        context(f"To count the units again: {code('/cm disk <id>')}"),
    ]


def _texts(lines: Iterable[str]) -> list[str]:
    """Join lines to texts that a section shows whole."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + 1 + len(line) <= MAX_TEXT:
            texts[-1] += f"\n{line}"
        else:
            texts.append(line)
    return texts


def _lines(op: Operation, parts: SeriesParts) -> Iterator[str]:
    counts = {each.disk_id: each for each in op.seen.counts}
    for disk in parts.disks:
        name = f"• disk #{disk}"
        if disk in parts.skipped:
            yield f"{name}, left out: *do not pull* before `/cm disk {disk}` says that it is safe"
        elif disk not in parts.begun:
            yield f"{name}, not begun: *do not pull*"
        elif disk in counts:
            yield f"{name}, {_state(counts[disk])}, as of {date(counts[disk].at, 'minute')}: {_pull(counts[disk])}"
        else:
            yield f"{name}, operation #{parts.begun[disk]}: *do not pull*: its units are not counted yet"


def _state(found: DiskCount) -> str:
    return state_text(DiskSituation(found.disk_id, found.status, readonly=False, dropping=found.dropping))


def _pull(found: DiskCount) -> str:
    if found.left:
        return f"*do not pull: {count(found.left, 'unit')}*"
    if found.status in _GONE:
        return "*safe to pull*: no unit left"
    # Without a unit, a disk that is not dropped yet may take new ones.
    return "*do not pull yet*: no unit left, but it is not dropped"
