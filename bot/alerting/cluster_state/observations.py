"""Observations kept of one cluster between polls: members, hosts, switches, disks, leader, forecast. No I/O."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from bot.alerting.progress import LeftCount, total_after, with_count
from bot.alerting.reports.trend import DAY, Sample, Sureness, trend
from bot.alerting.text import one_line
from bot.clustermgr.models import Disk, DiskStatus, RaftStatus, Snapshot, Stat
from bot.common.addresses import same_place
from bot.common.errors import AuthRejected
from bot.common.frozen import frozen
from bot.common.periods import Due, elapsed

MAX_MEMBERS = 100


@frozen
class MemberNote:
    """A raft member as its leader lists it; `host` is its raft address on one line, "" while unknown."""

    id: int
    learner: bool = False
    host: str = ""

    @property
    def kind(self) -> str:
        """Its kind, as text."""
        return "learner" if self.learner else "voter"


@frozen
class MemberChange:
    """A member joined, left, or changed its kind or address, seen at `at`; `before_at` is the last poll with members.

    `was` and `now` are "voter", "learner" or "" (no member), `host_was` and `host` its raft address then and now.
    `away` are the seconds without a poll before it (or 0), `op` is the operation that caused it (0: none), `approved`
    who approved that (Slack user ids, a space between).
    """

    at: float
    peer: int
    was: str
    now: str
    host_was: str = ""
    host: str = ""
    before_at: float = 0.0
    away: float = 0.0
    op: int = 0
    approved: str = ""


def member_notes(old: Sequence[MemberNote], leader: Stat) -> tuple[MemberNote, ...]:
    """The members by id, from the leader's view; an empty list changes nothing.

    Raft knows a new member before its address: an unknown address stays as it was.
    """
    known = {note.id: note.host for note in old}
    peers = sorted(leader.raft_status.peers, key=lambda peer: peer.id)[:MAX_MEMBERS]
    notes = {
        peer.id: MemberNote(peer.id, peer.is_learner, one_line(peer.host) or known.get(peer.id, "")) for peer in peers
    }
    return tuple(notes.values()) or tuple(old)


def member_changes(
    old: Sequence[MemberNote], new: Sequence[MemberNote], *, at: float, before_at: float, away: float
) -> tuple[MemberChange, ...]:
    """Changes between the two, by peer id; the first list of a cluster is no change."""
    return tuple(_changes(old, new, at, before_at, away)) if old else ()


def _changes(
    old: Sequence[MemberNote], new: Sequence[MemberNote], at: float, before_at: float, away: float
) -> Iterator[MemberChange]:
    before, after = {note.id: note for note in old}, {note.id: note for note in new}
    for peer in sorted(before.keys() | after.keys()):
        was, now = before.get(peer, _NO_MEMBER), after.get(peer, _NO_MEMBER)
        was_kind, now_kind = was.kind if peer in before else "", now.kind if peer in after else ""
        # An address that becomes known, or is only spelled differently, did not change.
        moved = bool(was.host and now.host) and not same_place(was.host, now.host)
        if was_kind != now_kind or moved:
            yield MemberChange(at, peer, was_kind, now_kind, was.host, now.host, before_at, away)


_NO_MEMBER = MemberNote(0)


@frozen
class HostNote:
    """The peer that last answered on a host; its applied index, and the commit index when that last moved."""

    host: str
    peer: int
    applied: int = 0
    commit: int = 0

    def stalled(self, raft: RaftStatus) -> bool:
        """True if nothing was applied since, although more was committed."""
        return self.commit < raft.commit and self.applied == applied(raft) < raft.commit


def applied(raft: RaftStatus) -> int:
    """The index up to which a node has applied its log; some releases report only one of the two."""
    reported = [index for index in (raft.applied, raft.raft_applied) if index]
    return min(reported, default=0)


def host_notes(old: Sequence[HostNote], snapshot: Snapshot) -> tuple[HostNote, ...]:
    """The notes of the configured hosts; a silent host keeps its note."""
    known = {note.host: note for note in old}
    for host, stat in snapshot.answered:
        raft, note = stat.raft_status, known.get(host)
        waits = note is not None and note.peer == raft.node_id and note.applied == applied(raft) < raft.commit
        if not waits:
            known[host] = HostNote(host, raft.node_id, applied(raft), raft.commit)
    return tuple(known[answer.host] for answer in snapshot.answers if answer.host in known)


def refusing(old: Sequence[str], snapshot: Snapshot) -> tuple[str, ...]:
    """The configured hosts that rejected the request token at their last answer; silence or an error keeps them."""
    refused = {answer.host for answer in snapshot.answers if isinstance(answer.error, AuthRejected)}
    if isinstance(snapshot.disks_error, AuthRejected):
        refused.add(snapshot.disks_error.host)
    kept = {answer.host for answer in snapshot.answers if answer.stat is None and answer.host in old}
    return tuple(answer.host for answer in snapshot.answers if answer.host in refused | kept)


def peer_at(notes: Iterable[HostNote], host: str) -> int:
    """The peer on that host, 0 if unknown."""
    return next((note.peer for note in notes if note.host == host), 0)


def hosts_of(notes: Iterable[HostNote], peer: int) -> tuple[str, ...]:
    """The configured hosts that last answered as that peer."""
    return tuple(note.host for note in notes if note.peer == peer)


MAX_NOTES = 200
_MAX_VALUE = 80


@frozen
class SwitchNote:
    """The stored value of a key (None: nothing), and when it was first seen; one line of text, bounded."""

    value: str | None
    since: float


@frozen
class DiskBreak:
    """A disk that became broken, seen at `at`; `before_at` is the last list of broken disks without it.

    `op` is the operation that declared it (0: none), `approved` who approved that (Slack user ids, a space between).
    """

    at: float
    disk: int
    before_at: float
    op: int = 0
    approved: str = ""


@frozen
class SwitchChange:
    """The value of a key changed, seen at `at`; `before_at` is the last time it was read before.

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


@frozen
class Progress:
    """Progress of a disk that is repaired or dropped: in `status` since `since`, last progress at `moved_at`.

    `left` is the lowest number of chunks on it so far, None if unknown. `counts` are the last counts of its chunks,
    `total` is the number of chunks at the beginning (None: not known).
    """

    id: int
    status: int
    since: float
    moved_at: float
    left: int | None = None
    total: int | None = None
    counts: tuple[LeftCount, ...] = ()


def switch_notes(old: Mapping[str, SwitchNote], snapshot: Snapshot) -> dict[str, SwitchNote]:
    """The notes after this snapshot; a key that was not read keeps its note."""
    notes = dict(old)
    for key, raw in (snapshot.switches or {}).items():
        value = None if raw is None else one_line(raw, _MAX_VALUE)
        if key not in notes or notes[key].value != value:
            notes[key] = SwitchNote(value, snapshot.at)
    return notes


def switch_changes(
    old: Mapping[str, SwitchNote], new: Mapping[str, SwitchNote], *, at: float, before_at: float, away: float
) -> tuple[SwitchChange, ...]:
    """Changes between the two; a key seen for the first time is no change."""
    return tuple(
        SwitchChange(at, key, old[key].value, note.value, before_at, away)
        for key, note in new.items()
        if key in old and old[key].value != note.value
    )


def progress(old: Sequence[Progress], disks: Sequence[Disk], snapshot: Snapshot) -> tuple[Progress, ...]:
    """Progress of these disks after this snapshot; a disk that is no longer listed is dropped."""
    known = {note.id: note for note in old}
    listed = sorted(disks, key=lambda disk: disk.disk_id)[:MAX_NOTES]
    return tuple(_moved(known.get(disk.disk_id), disk, snapshot) for disk in listed)


def _moved(old: Progress | None, disk: Disk, snapshot: Snapshot) -> Progress:
    left = _units_left(disk.disk_id, snapshot)
    if old is None or old.status != disk.status:
        # A repair begins with the units that the broken disk had.
        begun = old.total if old is not None and disk.status == DiskStatus.REPAIRING else None
        old = Progress(disk.disk_id, disk.status, snapshot.at, snapshot.at, left, begun)
    return old if left is None else _counted(old, left, snapshot.at)


def _units_left(disk: int, snapshot: Snapshot) -> int | None:
    """The units counted on a disk in this poll, None if they were not counted."""
    if snapshot.chunks is not None and disk in snapshot.chunks:
        return snapshot.chunks[disk]
    count = snapshot.volumes.units.get(disk) if snapshot.volumes is not None else None
    return count.units if count is not None and count.at == snapshot.at else None


MIN_APART = 50.0
"""Least seconds between two counts of a disk that are kept: each changes what people see of its progress."""


def _counted(old: Progress, left: int, at: float) -> Progress:
    if old.counts and left and at - old.counts[-1].at < MIN_APART:
        return old
    new = replace(old, total=total_after(old.total, left), counts=with_count(old.counts, at, left))
    if old.left is not None and left >= old.left:
        return new
    # The first count is no progress.
    return replace(new, left=left, moved_at=old.moved_at if old.left is None else at)


WINDOW = 14 * DAY
"""Seconds of measurements that count."""
FORECAST_EVERY = 3600.0
"""Seconds between two forecasts."""
LASTS = DAY
"""Seconds for which a forecast counts."""


@frozen
class Forecast:
    """Forecast made at `at`: full at `full_at` (Unix seconds, 0: never, or not known well enough)."""

    at: float = 0.0
    full_at: float = 0.0

    def due(self, now: float, due: Due = elapsed) -> bool:
        """True if a new forecast is due."""
        return due(self.at, now, FORECAST_EVERY)

    def days_left(self, now: float) -> float | None:
        """Days until it is full, None if unknown."""
        if not self.full_at or now - self.at > LASTS:
            return None
        return max(0.0, self.full_at - now) / DAY


def forecast(samples: Sequence[Sample], now: float) -> Forecast:
    """Forecast by the trend of these measurements, unless that is only rough."""
    found = trend(samples)
    if found.full_in is None or found.sure not in {Sureness.FAIR, Sureness.GOOD}:
        return Forecast(now)
    return Forecast(now, found.until + found.full_in * DAY)


@frozen
class ReportedLeader:
    """`peer` leads in `term`, by the word of the peer `by`."""

    peer: int
    term: int
    by: int


def reported_leader(
    snapshot: Snapshot, members: Collection[MemberNote], *, leader: int, term: int
) -> ReportedLeader | None:
    """The new leader that a follower names instead of the known one (`leader` in `term`); None if that is not certain.

    A new leader can delay its answers for ten seconds, while its followers name it at once. A follower of a higher term
    has heard from that leader, so one follower is enough. A removed host, a host that names a leader of an old term,
    and a follower contradicted by another member do not count.
    """
    voters = {member.id for member in members if not member.learner}
    known = {member.id for member in members}
    said = [stat.raft_status for _, stat in snapshot.answered if stat.raft_status.node_id in known]
    higher = [raft for raft in said if raft.leader and raft.term > term]
    if not leader or not higher or snapshot.leader is not None:
        return None
    first = max(higher, key=lambda raft: (raft.term, -raft.node_id))
    if first.leader == leader or first.leader not in voters or any(_contradicts(raft, first) for raft in said):
        return None
    return ReportedLeader(first.leader, first.term, first.node_id)


def _contradicts(raft: RaftStatus, first: RaftStatus) -> bool:
    """True if a member names another leader, has a later term, or denies that it leads."""
    denies = raft.node_id == first.leader and raft.leader != first.leader
    return raft.leader not in {0, first.leader} or raft.term > first.term or denies
