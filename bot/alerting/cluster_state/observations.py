"""Observations kept of one cluster between polls: members, hosts, switches, disks, leader, forecast. No I/O."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.alerting.reports.trend import DAY, Sample, Sureness, trend
from bot.alerting.text import plain
from bot.clustermgr.models import Disk, RaftStatus, Snapshot, Stat
from bot.common.addresses import same_place
from bot.common.errors import AuthRejected

MAX_MEMBERS = 100


@dataclass(frozen=True, slots=True)
class MemberNote:
    """A raft member as its leader lists it; `host` is its raft address on one line, "" while it was never told."""

    id: int
    learner: bool = False
    host: str = ""

    @property
    def kind(self) -> str:
        """The word for what it is."""
        return "learner" if self.learner else "voter"


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A peer came, went, or became something else, noticed at `at`; `before_at` is the last look that knew the members.

    `was` and `now` are "voter", "learner" or "" (no member), `host_was` and `host` its raft address then and now.
    `away` are the seconds without a look before it (or 0), `op` is the operation that caused it (0: none), `approved`
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
    """The members by id, from a leader's own view; one that lists nobody tells nothing of them.

    Raft knows a newcomer a moment before its address is known: an address that is not told stays as it was.
    """
    known = {note.id: note.host for note in old}
    peers = sorted(leader.raft_status.peers, key=lambda peer: peer.id)[:MAX_MEMBERS]
    notes = {
        peer.id: MemberNote(peer.id, peer.is_learner, plain(peer.host) or known.get(peer.id, "")) for peer in peers
    }
    return tuple(notes.values()) or tuple(old)


def member_changes(
    old: Sequence[MemberNote], new: Sequence[MemberNote], *, at: float, before_at: float, away: float
) -> tuple[MemberChange, ...]:
    """What changed between the two, by peer id; who is seen for the first time of all is no change."""
    return tuple(_changes(old, new, at, before_at, away)) if old else ()


def _changes(
    old: Sequence[MemberNote], new: Sequence[MemberNote], at: float, before_at: float, away: float
) -> Iterator[MemberChange]:
    before, after = {note.id: note for note in old}, {note.id: note for note in new}
    for peer in sorted(before.keys() | after.keys()):
        was, now = before.get(peer, _NOBODY), after.get(peer, _NOBODY)
        was_kind, now_kind = was.kind if peer in before else "", now.kind if peer in after else ""
        # An address that becomes known at last, or is spelled in another way, did not change.
        moved = bool(was.host and now.host) and not same_place(was.host, now.host)
        if was_kind != now_kind or moved:
            yield MemberChange(at, peer, was_kind, now_kind, was.host, now.host, before_at, away)


_NOBODY = MemberNote(0)


@dataclass(frozen=True, slots=True)
class HostNote:
    """The peer that a host last answered as; what it had applied, and committed when that last moved (log indices)."""

    host: str
    peer: int
    applied: int = 0
    commit: int = 0

    def stalled(self, raft: RaftStatus) -> bool:
        """Whether nothing was applied since, though more was committed."""
        return self.commit < raft.commit and self.applied == applied(raft) < raft.commit


def applied(raft: RaftStatus) -> int:
    """The index up to which a node has applied its log; a release may tell one of the two only."""
    told = [index for index in (raft.applied, raft.raft_applied) if index]
    return min(told, default=0)


def host_notes(old: Sequence[HostNote], snapshot: Snapshot) -> tuple[HostNote, ...]:
    """The notes of the hosts that are configured now; one that is silent keeps what is known of it."""
    known = {note.host: note for note in old}
    for host, stat in snapshot.answered:
        raft, note = stat.raft_status, known.get(host)
        waits = note is not None and note.peer == raft.node_id and note.applied == applied(raft) < raft.commit
        if not waits:
            known[host] = HostNote(host, raft.node_id, applied(raft), raft.commit)
    return tuple(known[look.host] for look in snapshot.looks if look.host in known)


def refusing(old: Sequence[str], snapshot: Snapshot) -> tuple[str, ...]:
    """The configured hosts that rejected the request token when they last told; silence or an error keeps them."""
    refused = {look.host for look in snapshot.looks if isinstance(look.error, AuthRejected)}
    if isinstance(snapshot.disks_error, AuthRejected):
        refused.add(snapshot.disks_error.host)
    kept = {look.host for look in snapshot.looks if look.stat is None and look.host in old}
    return tuple(look.host for look in snapshot.looks if look.host in refused | kept)


def peer_at(notes: Iterable[HostNote], host: str) -> int:
    """The peer whose host that is, 0 when it was never told."""
    return next((note.peer for note in notes if note.host == host), 0)


def hosts_of(notes: Iterable[HostNote], peer: int) -> tuple[str, ...]:
    """The configured hosts that last answered as that peer."""
    return tuple(note.host for note in notes if note.peer == peer)


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


WINDOW = 14 * DAY
"""Seconds of measurements that count."""
FORECAST_EVERY = 3600.0
"""Seconds between two reckonings: a day changes little."""
LASTS = DAY
"""Seconds for which a forecast counts."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Reckoned at `at` that it is full at `full_at`; Unix seconds, 0 for never, or not known well enough."""

    at: float = 0.0
    full_at: float = 0.0

    def due(self, now: float) -> bool:
        """Whether it is to be reckoned anew."""
        return now - self.at >= FORECAST_EVERY

    def days_left(self, now: float) -> float | None:
        """Days until it is full, None when that is not known."""
        if not self.full_at or now - self.at > LASTS:
            return None
        return max(0.0, self.full_at - now) / DAY


def forecast(samples: Sequence[Sample], now: float) -> Forecast:
    """By the trend of these measurements, if it is not a mere rough one."""
    found = trend(samples)
    if found.full_in is None or found.sure not in {Sureness.FAIR, Sureness.GOOD}:
        return Forecast(now)
    return Forecast(now, found.until + found.full_in * DAY)


@dataclass(frozen=True, slots=True)
class Sighting:
    """`peer` leads in `term`, as the peer `by` sees it."""

    peer: int
    term: int
    by: int


def named_leader(snapshot: Snapshot, members: Collection[MemberNote], *, leader: int, term: int) -> Sighting | None:
    """The leader that a follower names beside the known one (`leader` in `term`); None where that is not certain.

    A host that was removed is no member, and one that is cut off names a leader of a term that is over: neither is
    enough. Nor is a follower whom any other member contradicts, by naming another leader or by a higher term.
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
    return Sighting(first.leader, first.term, first.node_id)


def _contradicts(raft: RaftStatus, first: RaftStatus) -> bool:
    """Whether a member says something else: another leader, a later term, or that it does not lead itself."""
    denies = raft.node_id == first.leader and raft.leader != first.leader
    return raft.leader not in {0, first.leader} or raft.term > first.term or denies
