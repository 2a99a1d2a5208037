"""What the watch notes of switches and of disks on the move: as stored and when first seen so; how it learns. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.alerting.text import plain
from bot.clustermgr.models import Disk, Snapshot

MAX_NOTES = 200
_MAX_VALUE = 80


@dataclass(frozen=True, slots=True)
class SwitchNote:
    """What is stored under a key (None: nothing), and when it was first seen so; the text is on one line, bounded."""

    value: str | None
    since: float


@dataclass(frozen=True, slots=True)
class SwitchChange:
    """The value under a key went from one to another, noticed at `at`; `before_at` is when it was last read before.

    `op` is the operation that caused it (0: none), `approved` who approved that (Slack user ids, a space between).
    """

    at: float
    key: str
    before: str | None
    after: str | None
    before_at: float
    away: float = 0.0
    op: int = 0
    approved: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a disk has come that is repaired or dropped: in `status` since `since`, last moved at `moved_at`.

    `left` are the chunks that were on it at the least so far, None while nobody told.
    """

    id: int
    status: int
    since: float
    moved_at: float
    left: int | None = None


def switch_notes(old: Mapping[str, SwitchNote], snapshot: Snapshot) -> dict[str, SwitchNote]:
    """The notes after this look; a key that was not read keeps what is known of it."""
    notes = dict(old)
    for key, raw in (snapshot.switches or {}).items():
        value = None if raw is None else plain(raw, _MAX_VALUE)
        if key not in notes or notes[key].value != value:
            notes[key] = SwitchNote(value, snapshot.at)
    return notes


def switch_changes(
    old: Mapping[str, SwitchNote], new: Mapping[str, SwitchNote], *, at: float, before_at: float, away: float
) -> tuple[SwitchChange, ...]:
    """What changed between the two; what is seen for the first time has not."""
    return tuple(
        SwitchChange(at, key, old[key].value, note.value, before_at, away)
        for key, note in new.items()
        if key in old and old[key].value != note.value
    )


def progress(old: Sequence[Progress], disks: Sequence[Disk], snapshot: Snapshot) -> tuple[Progress, ...]:
    """How far each of these disks has come by this look; a disk that is listed no more is forgotten."""
    known = {note.id: note for note in old}
    listed = sorted(disks, key=lambda disk: disk.disk_id)[:MAX_NOTES]
    return tuple(_moved(known.get(disk.disk_id), disk, snapshot) for disk in listed)


def _moved(old: Progress | None, disk: Disk, snapshot: Snapshot) -> Progress:
    left = (snapshot.chunks or {}).get(disk.disk_id)
    if old is None or old.status != disk.status:
        return Progress(disk.disk_id, disk.status, snapshot.at, snapshot.at, left)
    if left is None or (old.left is not None and left >= old.left):
        return old
    # The first count is no movement.
    return replace(old, left=left, moved_at=old.moved_at if old.left is None else snapshot.at)
