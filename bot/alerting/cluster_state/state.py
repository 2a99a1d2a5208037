"""ClusterState: what is kept of one cluster between polls and restarts, and how a poll updates it. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, fields, replace
from operator import attrgetter
from typing import Self, TypeVar

from bot.alerting.cluster_state.background import BackgroundNote, updated_background
from bot.alerting.cluster_state.disk_drops import MAX_DISKS, DiskDrop, disk_drops
from bot.alerting.cluster_state.observations import (
    DiskBreak,
    Forecast,
    HostNote,
    MemberChange,
    MemberNote,
    Progress,
    SwitchChange,
    SwitchNote,
    host_notes,
    hosts_of,
    member_changes,
    member_notes,
    progress,
    refusing,
    reported_leader,
    switch_changes,
    switch_notes,
)
from bot.alerting.risk_facts import LostDisk, RiskCaveats, RiskFact, RiskNote, lost_disks
from bot.alerting.text import one_line
from bot.clustermgr.health import learners, voters
from bot.clustermgr.models import Disk, Snapshot, Stat, ZoneChunks
from bot.common.frozen import frozen
from bot.common.periods import Due, elapsed

MAX_CHANGES = 20
JUDGED_FOR = 900.0
"""Seconds for which the last judgement of volumes counts while polls cannot make another one."""
NOTE_EVERY = 60.0
"""Seconds after which an unchanged state is stored again, at the latest."""
_QUIET = frozenset(
    {"at", "leader_at", "disks_at", "dropping_at", "switches_at", "hosts", "zones_at", "risk_at", "judged_at"}
)


@frozen
class DiskNote:
    """A disk as it was last listed; text is raw, on one line and bounded."""

    id: int
    status: int = 0
    idc: str = ""
    host: str = ""
    path: str = ""


@frozen
class LeaderChange:
    """Leadership moved from one peer id to another, seen at `at`, after `away` seconds without a poll (or 0).

    `before_at` is the last poll that saw the previous leader. `op` is the operation that caused it (0: none),
    `approved` who approved that (Slack user ids, a space between). `seen_by` is the follower that named the
    new leader, until that leader confirms it (then 0).
    """

    at: float
    before: int
    after: int
    term: int
    away: float = 0.0
    op: int = 0
    approved: str = ""
    before_at: float = 0.0
    seen_by: int = 0


@frozen
class ClusterState:
    """State of one cluster; times in Unix seconds, 0 for never.

    `at` is the last poll, `leader_at` the last poll with a leader, `leader_since` the first poll of this leader,
    `term_since` the first poll of this leader in this term, `elected_at` the same if an earlier leader or term was
    seen before (0: it led when it was first seen), `disks_at` the poll that listed `disks`.
    `verdict` is its sentence, `level` its word.
    `dropping` are the disks being emptied as listed at `dropping_at`, `dropping_before` the ids in the list before;
    `repairs` and `drops` are their progress.
    `switches` are the stored switches by key, last read at `switches_at` in `dialect` ("": not known).
    `members` are the peers that the last known leader listed, by id; `hosts` map the configured hosts to peers.
    `refusing` are the hosts that rejected the request token at their last answer.
    `forecast` is when it will be full. `zones` are the usable chunks of each zone, counted at `zones_at`.
    `background` is what is known of the schedulers.
    `lost_disks` are the disks whose units are lost, and those listed as repaired or dropped; `risk` is the risk of
    volumes as of the oldest read at `risk_at`, judged last at `judged_at`. `disk_breaks` are the breaks of the disks
    that are still bad, `disk_drops` the drops that the watch saw begin, until some time after their end.
    By the leader's counters `expired` disks have no heartbeat, and these have none since `expired_since` at the latest.
    """

    at: float = 0.0
    leader: int = 0
    leader_host: str = ""
    term: int = 0
    leader_at: float = 0.0
    leader_since: float = 0.0
    term_since: float = 0.0
    elected_at: float = 0.0
    voters: tuple[int, ...] = ()
    learners: tuple[int, ...] = ()
    disks: tuple[DiskNote, ...] = ()
    disks_at: float = 0.0
    level: str = ""
    verdict: str = ""
    changes: tuple[LeaderChange, ...] = ()
    sampled_at: float = 0.0
    forecast: Forecast = field(default_factory=Forecast)
    dropping: tuple[DiskNote, ...] = ()
    dropping_at: float = 0.0
    dropping_before: tuple[int, ...] = ()
    repairs: tuple[Progress, ...] = ()
    drops: tuple[Progress, ...] = ()
    dialect: str = ""
    switches: Mapping[str, SwitchNote] = field(default_factory=dict)
    switches_at: float = 0.0
    switch_changes: tuple[SwitchChange, ...] = ()
    members: tuple[MemberNote, ...] = ()
    member_changes: tuple[MemberChange, ...] = ()
    hosts: tuple[HostNote, ...] = ()
    refusing: tuple[str, ...] = ()
    zones: tuple[ZoneChunks, ...] = ()
    zones_at: float = 0.0
    background: BackgroundNote = field(default_factory=BackgroundNote)
    lost_disks: tuple[LostDisk, ...] = ()
    risk: RiskNote = field(default_factory=RiskNote)
    risk_at: float = 0.0
    judged_at: float = 0.0
    disk_breaks: tuple[DiskBreak, ...] = ()
    disk_drops: tuple[DiskDrop, ...] = ()
    expired: int = 0
    expired_since: float = 0.0


_noticeable = attrgetter(*(item.name for item in fields(ClusterState) if item.name not in _QUIET))
"""The values of a state whose change is stored at once."""


@frozen
class ClusterNote:
    """The last known condition of a cluster, for lists and commands; `at` is 0 before the first poll.

    `leader` (peer id, 0: none), `leader_host` and `term` are those of the last snapshot, `answered` is how many hosts
    answered it (None if another process polled). `state` is the cluster state after it.
    """

    at: float = 0.0
    level: str = ""
    verdict: str = ""
    leader: int = 0
    leader_host: str = ""
    term: int = 0
    answered: int | None = None
    state: ClusterState = field(default_factory=ClusterState)

    @classmethod
    def of(cls, state: ClusterState) -> Self:
        """The note of a stored state."""
        return cls(state.at, state.level, state.verdict, state.leader, state.leader_host, state.term, None, state)


def risk_fact(state: ClusterState) -> RiskFact | None:
    """The risk of volumes, None if there is nothing to say; with bad disks, no judgement yet is something to say."""
    if not state.risk_at:
        return RiskFact(RiskNote(caveats=RiskCaveats(judged=False)), 0.0) if state.disks else None
    risk = state.risk
    if state.at - max(state.risk_at, state.judged_at) > JUDGED_FOR:
        risk = replace(risk, caveats=replace(risk.caveats, judged=False))
    return RiskFact(risk, state.risk_at) if risk.notable else None


def update(
    state: ClusterState,
    snapshot: Snapshot,
    *,
    interval: float = 15.0,
    resumed: bool = False,
) -> ClusterState:
    """Update the state with this snapshot; `interval` is the time between polls (seconds).

    `resumed` marks the first poll of a process: earlier changes happened unobserved. A leader is a peer id: the same
    peer in a higher term is an election, not a change.
    """
    new = replace(
        state,
        at=snapshot.at,
        hosts=host_notes(state.hosts, snapshot),
        refusing=refusing(state.refusing, snapshot),
        background=updated_background(state.background, snapshot),
    )
    unseen = unwatched_for(state, snapshot.at, interval, resumed=resumed)
    new = update_leader(new, snapshot, away=unseen)
    if snapshot.bad_disks is not None:
        repairs = progress(state.repairs, snapshot.bad_disks, snapshot)
        watched = 0 < snapshot.at - state.disks_at <= NOTE_EVERY + 3 * interval and not unseen
        new = replace(
            new,
            disks=_noted(snapshot.bad_disks),
            disks_at=snapshot.at,
            repairs=repairs,
            lost_disks=lost_disks(state.lost_disks, snapshot, watched=watched),
            disk_breaks=disk_breaks(state, snapshot.bad_disks, snapshot.at),
        )
    if snapshot.dropping is not None:
        drops = progress(state.drops, snapshot.dropping, snapshot)
        before = tuple(note.id for note in state.dropping)
        survey = snapshot.volumes
        began = disk_drops(
            state.disk_drops,
            before,
            [disk.disk_id for disk in snapshot.dropping],
            at=snapshot.at,
            before_at=state.dropping_at,
            earlier=state.dropping_before,
            gone=survey.disks.gone if survey is not None and survey.disks.listed else (),
        )
        new = replace(
            new,
            dropping=_noted(snapshot.dropping),
            dropping_at=snapshot.at,
            dropping_before=before,
            drops=drops,
            disk_drops=began,
        )
    if snapshot.zones is not None:
        new = replace(new, zones=snapshot.zones, zones_at=snapshot.at)
    return _with_switches(new, snapshot, away=unseen) if snapshot.switches else new


def update_leader(state: ClusterState, snapshot: Snapshot, *, away: float) -> ClusterState:
    """Update only the leader; works on a snapshot that some hosts have not answered yet.

    Without the leader's own answer a follower's word counts, except after a gap in polling: then a removed host cannot
    be distinguished from a member.
    """
    if snapshot.leader is not None:
        return _with_leader(state, snapshot, *snapshot.leader, away=away)
    seen = reported_leader(snapshot, state.members, leader=state.leader, term=state.term)
    if seen is None or away:
        return state
    change = LeaderChange(snapshot.at, state.leader, seen.peer, seen.term, before_at=state.leader_at, seen_by=seen.by)
    return replace(
        state,
        leader=seen.peer,
        leader_host=next(iter(hosts_of(state.hosts, seen.peer)), ""),
        term=seen.term,
        leader_since=snapshot.at,
        term_since=snapshot.at,
        elected_at=snapshot.at,
        changes=(*state.changes, change)[-MAX_CHANGES:],
    )


def _confirmed(changes: tuple[LeaderChange, ...], peer: int) -> tuple[LeaderChange, ...]:
    """The changes, confirmed by the new leader itself."""
    return tuple(replace(change, seen_by=0) if change.after == peer else change for change in changes)


def _noted(disks: Iterable[Disk]) -> tuple[DiskNote, ...]:
    return tuple(note_of(disk) for disk in sorted(disks, key=lambda disk: disk.disk_id)[:MAX_DISKS])


def disk_breaks(state: ClusterState, bad: Sequence[Disk], at: float) -> tuple[DiskBreak, ...]:
    """The breaks of the disks that are bad now; a disk that was bad at the first poll has none."""
    ids = [disk.disk_id for disk in bad]
    kept = tuple(each for each in state.disk_breaks if each.disk in ids)
    if not state.disks_at:
        return kept
    known = {each.disk for each in kept} | {note.id for note in state.disks}
    new = (DiskBreak(at, disk, state.disks_at) for disk in sorted(ids) if disk not in known)
    return (*kept, *new)[-MAX_DISKS:]


def _with_switches(state: ClusterState, snapshot: Snapshot, *, away: float) -> ClusterState:
    dialect = snapshot.dialect.value if snapshot.dialect else state.dialect
    notes = switch_notes(state.switches, snapshot)
    changes = switch_changes(state.switches, notes, at=snapshot.at, before_at=state.switches_at, away=away)
    return replace(
        state,
        dialect=dialect,
        switches=notes,
        switches_at=snapshot.at,
        switch_changes=(*state.switch_changes, *changes)[-MAX_CHANGES:],
    )


def unwatched_for(state: ClusterState, now: float, interval: float, *, resumed: bool = False) -> float:
    """Seconds without a poll before `now`, or 0 if that is no longer than the usual interval.

    A process that `resumed` did not poll before, however short the gap; `at` may be stored NOTE_EVERY late.
    """
    gap = now - state.at
    return gap if state.at and (resumed or gap > NOTE_EVERY + 3 * interval) else 0.0


def worth_writing(old: ClusterState, new: ClusterState, due: Due = elapsed) -> bool:
    """True if the state changed noticeably, or is to be stored again."""
    return due(old.at, new.at, NOTE_EVERY) or _noticeable(old) != _noticeable(new)


def note_of(disk: Disk) -> DiskNote:
    """The note of a disk."""
    return DiskNote(
        disk.disk_id, disk.status, one_line(disk.idc, 60), one_line(disk.host, 100), one_line(disk.path, 120)
    )


def _with_leader(state: ClusterState, snapshot: Snapshot, host: str, stat: Stat, *, away: float) -> ClusterState:
    peer, term = stat.raft_status.node_id, stat.raft_status.term
    if term < state.term and (snapshot.silent or snapshot.term > term):
        # A cut-off old leader still claims a term that is over, while the new leader does not answer. Or its answer
        # was made before a change that another host of this poll knows already.
        return state
    changed = state.leader not in {0, peer}
    same_term = (state.leader, state.term) == (peer, term)
    change = LeaderChange(snapshot.at, state.leader, peer, term, away, before_at=state.leader_at)
    members = member_notes(state.members, stat)
    moves = member_changes(state.members, members, at=snapshot.at, before_at=state.leader_at, away=away)
    return replace(
        state,
        leader=peer,
        leader_host=one_line(host),
        term=term,
        leader_at=snapshot.at,
        leader_since=state.leader_since if state.leader == peer else snapshot.at,
        term_since=state.term_since if same_term else snapshot.at,
        elected_at=state.elected_at if same_term else snapshot.at if state.leader else 0.0,
        voters=tuple(voter.id for voter in voters(stat)),
        learners=tuple(learner.id for learner in learners(stat)),
        changes=(*state.changes, change)[-MAX_CHANGES:] if changed else _confirmed(state.changes, peer),
        members=members,
        member_changes=(*state.member_changes, *moves)[-MAX_CHANGES:],
    )


Change = LeaderChange | MemberChange | SwitchChange | DiskBreak | DiskDrop
"""A change has the time it was seen (`at`), of the poll before (`before_at`), and the operation behind it (`op`)."""
Causes = Mapping[Change, tuple[int, str]]
"""The operation that caused a change, and its approvers (Slack user ids, separated by a space)."""
C = TypeVar("C", LeaderChange, MemberChange, SwitchChange, DiskBreak, DiskDrop)


def new_changes(past: ClusterState, state: ClusterState) -> tuple[Change, ...]:
    """Changes in `state` that `past` does not have."""
    known = {_settled(change) for change in _all_changes(past)}
    return tuple(change for change in _all_changes(state) if _settled(change) not in known)


def _all_changes(state: ClusterState) -> tuple[Change, ...]:
    return (*state.changes, *state.member_changes, *state.switch_changes, *state.disk_breaks, *state.disk_drops)


def _settled(change: Change) -> Change:
    """The change without its confirmation or its end: with them it is not a new one."""
    if isinstance(change, DiskDrop):
        return replace(change, ended_at=0.0)
    return replace(change, seen_by=0) if isinstance(change, LeaderChange) else change


def explained(state: ClusterState, causes: Causes) -> ClusterState:
    """The state with the operation and the approvers of each change.

    One request has one effect: an operation explains one change only.
    """
    if not causes:
        return state

    def named(changes: tuple[C, ...]) -> tuple[C, ...]:
        spent = {change.op for change in changes if change.op}
        found = list(changes)
        for place, change in enumerate(changes):
            op, approved = causes.get(change, (0, ""))
            if op and op not in spent:
                found[place] = replace(change, op=op, approved=approved)
                spent.add(op)
        return tuple(found)

    return replace(
        state,
        changes=named(state.changes),
        member_changes=named(state.member_changes),
        switch_changes=named(state.switch_changes),
        disk_breaks=named(state.disk_breaks),
        disk_drops=named(state.disk_drops),
    )
