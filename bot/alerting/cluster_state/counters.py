"""The leader's counters of disks, chunks and space, and when they are reliable. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from bot.alerting.cluster_state.state import ClusterState, risk_fact
from bot.alerting.cluster_status import StatusContext, StatusLevel
from bot.alerting.model import Alert
from bot.alerting.rules.base import LeaderTerm, Rule, RuleConfig, RuleContext, Threshold, Unit
from bot.alerting.rules.chunks import zones_of
from bot.alerting.text import one_line
from bot.clustermgr.models import Snapshot, SpaceStat, Stat

COUNTED = 300.0
"""Seconds after which a server counts its disks again (docs/clustermgr.md)."""
_MAX_TERMS = 8
SETTLED: Mapping[str, Threshold] = MappingProxyType(
    {
        "settled": Threshold(
            360,
            Unit.SECONDS,
            "how long one peer must have led in one term before its counters are believed: a new leader still shows "
            "what it counted as a follower, who hears no heartbeats",
        )
    }
)


SETTLED_SECONDS = SETTLED["settled"].default


def is_fresh(snapshot: Snapshot, state: ClusterState, settled: float = SETTLED_SECONDS) -> bool:
    """True while the counters of the snapshot's leader are those of a follower, which hears no heartbeats.

    If the leader already led at the first poll, its election time is unknown: then its counters count as a follower's
    if they look like a follower's.
    """
    if snapshot.leader is None:
        return False
    stat = snapshot.leader[1]
    if not state.leader:
        return _as_of_follower(stat.space_stat)
    if (stat.raft_status.node_id, stat.raft_status.term) != (state.leader, state.term):
        # Elected since the last poll.
        return stat.raft_status.term > state.term
    if state.elected_at:
        return snapshot.at < state.elected_at + settled
    return snapshot.at < state.term_since + settled and _as_of_follower(stat.space_stat)


def _as_of_follower(space: SpaceStat) -> bool:
    """True for the counters of a follower, as recorded: nothing is writable, and every available disk is expired."""
    zones = [zone for zone in space.disk_stat_infos if zone.available > 0]
    silent = bool(zones) and all(zone.expired >= zone.available for zone in zones)
    return silent and space.writable_space <= 0 < space.free_space


def may_be_kept(state: ClusterState, snapshot: Snapshot, settled: float) -> bool:
    """True if the counters are worth a sample: those of the known leader, which has counted them itself."""
    if snapshot.leader is None:
        return False
    raft = snapshot.leader[1].raft_status
    known = (raft.node_id, raft.term) == (state.leader, state.term)
    return known and not is_fresh(snapshot, state, settled)


def status_context(
    state: ClusterState,
    snapshot: Snapshot,
    rules: Sequence[Rule],
    alerts: Sequence[Alert] = (),
) -> StatusContext:
    """Facts beyond the snapshot that its status depends on; `rules` as configured."""
    fresh = is_fresh(snapshot, state, settled_of(rules))
    zones = zones_of(state.zones, state.zones_at, snapshot.at)
    others = _hosts_without_voter(state, snapshot)
    return StatusContext(alerts, fresh, len(state.voters), smallest_of(rules), zones, others, risk_fact(state))


def _hosts_without_voter(state: ClusterState, snapshot: Snapshot) -> frozenset[str]:
    """Hosts known to run no voter; a host that never answered is one of them once every voter's host is known."""
    peers = {note.host: note.peer for note in state.hosts}
    all_known = bool(state.voters) and set(state.voters) <= set(peers.values())
    hosts = {answer.host for answer in snapshot.answers} if all_known else peers.keys()
    return frozenset(host for host in hosts if state.voters and peers.get(host) not in state.voters)


def settled_of(rules: Sequence[Rule]) -> float:
    """Seconds that a leader must have led before its counters count, as configured."""
    return _configured(rules, "writable_low", "settled", SETTLED_SECONDS)


def smallest_of(rules: Sequence[Rule]) -> float:
    """The smallest group of voters that raises no warning, as configured."""
    return _configured(rules, "quorum_at_risk", "smallest_group", StatusContext().smallest)


def _configured(rules: Sequence[Rule], rule: str, name: str, default: float) -> float:
    return next((each.values.get(name, default) for each in rules if each.key == rule), default)


def with_status(state: ClusterState, level: StatusLevel, sentence: str) -> ClusterState:
    """The state with the cluster status of its snapshot, which is stored as a level and a sentence."""
    word, verdict = str(level), one_line(sentence, 500)
    return state if (word, verdict) == (state.level, state.verdict) else replace(state, level=word, verdict=verdict)


def leaders_view(context: RuleContext, limits: RuleConfig) -> Stat | None:
    """The leader's view with reliable counters, None while there is none.

    A new leader empties no disk: the counters of its predecessor count until the new leader has counted.
    """
    if context.snapshot.leader is None:
        return None
    stat = context.snapshot.leader[1]
    state, raft = context.state, stat.raft_status
    # The state may know a later leader than a cut-off one that still claims to be it.
    if (state.leader, state.term) != (raft.node_id, raft.term):
        return None
    if context.now - state.term_since >= limits["settled"]:
        return stat
    lately = context.now - limits["settled"]
    terms = [term_seen for term_seen in context.terms if term_seen.led >= limits["settled"] and term_seen.at >= lately]
    return max(terms, key=lambda term_seen: term_seen.at).stat if terms else None


def leader_terms(past: Sequence[LeaderTerm], state: ClusterState, snapshot: Snapshot) -> tuple[LeaderTerm, ...]:
    """The last snapshot of each recent leader term, this one included."""
    if snapshot.leader is None or state.leader != snapshot.leader[1].raft_status.node_id:
        return tuple(past)
    stat = snapshot.leader[1]
    raft = stat.raft_status
    here = (raft.node_id, raft.term)
    others = [seen for seen in past if (seen.stat.raft_status.node_id, seen.stat.raft_status.term) != here]
    return (*others, LeaderTerm(snapshot.at, snapshot.at - state.term_since, stat))[-_MAX_TERMS:]


def leaders_space(context: RuleContext, limits: RuleConfig) -> SpaceStat | None:
    """The disks and the space as the leader counted them, None while that is unknown."""
    stat = leaders_view(context, limits)
    return stat.space_stat if stat is not None else None
