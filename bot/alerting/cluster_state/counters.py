"""The leader's counters of disks, chunks and space, and whether they can be believed yet. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.cluster_status import StatusContext, cluster_status
from bot.alerting.model import Alert, Wording, unworded
from bot.alerting.rules.base import Reign, Rule, RuleConfig, RuleContext, Threshold, Unit
from bot.alerting.rules.chunks import zones_of
from bot.alerting.text import plain
from bot.clustermgr.models import Snapshot, SpaceStat, Stat, ZoneChunks

COUNTED = 300.0
"""Seconds after which a server counts its disks anew, as it comes (docs/clustermgr.md)."""
_MOST_REIGNS = 8
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


def is_fresh(snapshot: Snapshot, notes: Mapping[str, Any], settled: float = SETTLED_SECONDS) -> bool:
    """True while the counters of this look's leader are those of a follower, who hears no heartbeats.

    `notes` are what the watch last noted: fields of Memory, or those of `reign_notes` under "reign". When a leader was
    elected that led at the first look is not known: its counters are a follower's if they say what a follower's do.
    """
    if snapshot.leader is None:
        return False
    stat, notes = snapshot.leader[1], notes.get("reign", notes)
    reign = (int(notes.get("leader") or 0), int(notes.get("term") or 0))
    if not reign[0]:
        return _as_of_follower(stat.space_stat)
    if (stat.raft_status.node_id, stat.raft_status.term) != reign:
        # Elected since the watch looked last.
        return stat.raft_status.term > reign[1]
    if elected_at := float(notes.get("elected_at") or 0.0):
        return snapshot.at < elected_at + settled
    since = float(notes.get("term_since") or 0.0)
    return snapshot.at < since + settled and _as_of_follower(stat.space_stat)


def _as_of_follower(space: SpaceStat) -> bool:
    """True for the counters of a follower, as recorded: nothing is writable, and every available disk is expired."""
    zones = [zone for zone in space.disk_stat_infos if zone.available > 0]
    silent = bool(zones) and all(zone.expired >= zone.available for zone in zones)
    return silent and space.writable_space <= 0 < space.free_space


def reign_notes(memory: ClusterState) -> Mapping[str, Any]:
    """The notes by which `is_fresh` and `known_of` judge."""
    names = ("leader", "term", "term_since", "elected_at", "voters", "zones_at")
    return {**{name: getattr(memory, name) for name in names}, "zones": [asdict(zone) for zone in memory.zones]}


def may_be_kept(memory: ClusterState, snapshot: Snapshot, settled: float) -> bool:
    """True if the counters of a look are worth a sample: those of the leader that is known, who has counted."""
    if snapshot.leader is None:
        return False
    raft = snapshot.leader[1].raft_status
    known = (raft.node_id, raft.term) == (memory.leader, memory.term)
    return known and not is_fresh(snapshot, reign_notes(memory), settled)


def known_of(
    notes: Mapping[str, Any],
    snapshot: Snapshot,
    rules: Sequence[Rule],
    alerts: Sequence[Alert] = (),
    wording: Wording = unworded,
) -> StatusContext:
    """Facts beyond the look that a verdict on it rests on; `notes` as in `is_fresh`, `rules` as configured."""
    fresh = is_fresh(snapshot, notes, settled_of(rules))
    held = notes.get("reign", notes)
    listed = [ZoneChunks(zone["idc"], zone["free"], zone["total"]) for zone in held.get("zones", ())]
    zones = zones_of(listed, float(held.get("zones_at") or 0.0), snapshot.at)
    return StatusContext(alerts, fresh, len(held.get("voters", ())), smallest_of(rules), zones, wording)


def settled_of(rules: Sequence[Rule]) -> float:
    """How long a leader must have led before its counters are judged, as configured (seconds)."""
    return _configured(rules, "writable_low", "settled", SETTLED_SECONDS)


def smallest_of(rules: Sequence[Rule]) -> float:
    """The smallest group of voters that is not accepted as it is, as configured."""
    return _configured(rules, "quorum_at_risk", "smallest_group", StatusContext().smallest)


def _configured(rules: Sequence[Rule], rule: str, name: str, default: float) -> float:
    return next((each.values.get(name, default) for each in rules if each.key == rule), default)


def with_verdict(
    memory: ClusterState, snapshot: Snapshot, previous: Snapshot | None, known: StatusContext
) -> ClusterState:
    """The memory with the verdict on this look that no open alert contradicts."""
    found = cluster_status(snapshot, previous, known)
    return replace(memory, level=found.level.value, verdict=plain(found.sentence, 500))


def leaders_view(context: RuleContext, limits: RuleConfig) -> Stat | None:
    """What the leader says, once it has counted as a leader; None while nobody can say.

    A change of leader empties no disk: what the one before counted holds as long as the new one needs to count.
    """
    if context.snapshot.leader is None:
        return None
    stat = context.snapshot.leader[1]
    memory, raft = context.memory, stat.raft_status
    # The memory may know a later leader than a cut-off one that still claims to be it.
    if (memory.leader, memory.term) != (raft.node_id, raft.term):
        return None
    if context.now - memory.term_since >= limits["settled"]:
        return stat
    lately = context.now - limits["settled"]
    counted = [reign for reign in context.counted if reign.led >= limits["settled"] and reign.at >= lately]
    return max(counted, key=lambda reign: reign.at).stat if counted else None


def reigns(past: Sequence[Reign], memory: ClusterState, snapshot: Snapshot) -> tuple[Reign, ...]:
    """The last look at each leader lately, this one's included."""
    if snapshot.leader is None or memory.leader != snapshot.leader[1].raft_status.node_id:
        return tuple(past)
    stat = snapshot.leader[1]
    raft = stat.raft_status
    others = [reign for reign in past if _whose(reign.stat) != (raft.node_id, raft.term)]
    return (*others, Reign(snapshot.at, snapshot.at - memory.term_since, stat))[-_MOST_REIGNS:]


def _whose(stat: Stat) -> tuple[int, int]:
    return stat.raft_status.node_id, stat.raft_status.term


def leaders_space(context: RuleContext, limits: RuleConfig) -> SpaceStat | None:
    """The disks and the space as the leader counted them, None while nobody can say."""
    stat = leaders_view(context, limits)
    return stat.space_stat if stat is not None else None
