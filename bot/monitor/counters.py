"""The leader's counters of disks, chunks and space, and whether they can be believed yet. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from bot.cluster.models import Snapshot, SpaceStat, Stat
from bot.monitor.alert import Alert
from bot.monitor.memory import Memory
from bot.monitor.rule import Limits, Reign, Scene, Threshold, Unit
from bot.monitor.verdict import verdict
from bot.monitor.words import plain

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


def fresh_until(memory: Memory) -> float:
    """Until when (Unix seconds) the leader has not counted as a leader, as far as its election was seen; else 0."""
    if not memory.changes or memory.changes[-1].at < memory.leader_since:
        return 0.0
    return memory.leader_since + SETTLED["settled"].default


def is_fresh(snapshot: Snapshot, noted: Mapping[str, Any]) -> bool:
    """True while the counters of this look's leader are those of a follower; `noted` is what the watch last noted."""
    if snapshot.leader is None or not noted.get("term"):
        return False
    raft = snapshot.leader[1].raft_status
    if raft.node_id != noted.get("leader"):
        # Elected since the watch looked last.
        return raft.term > int(noted["term"])
    return snapshot.at < float(noted.get("fresh_until") or 0.0)


def with_verdict(memory: Memory, snapshot: Snapshot, previous: Snapshot | None, alerts: Sequence[Alert] = ()) -> Memory:
    """The memory with the verdict on this look that no open alert contradicts."""
    fresh = snapshot.at < fresh_until(memory)
    if not alerts and not fresh:
        return memory
    found = verdict(snapshot, previous, alerts=alerts, fresh=fresh)
    return replace(memory, level=found.level.value, verdict=plain(found.sentence, 500))


def leaders_view(scene: Scene, limits: Limits) -> Stat | None:
    """What the leader says, once it has counted as a leader; None while nobody can say.

    A change of leader empties no disk: what the one before counted holds as long as the new one needs to count.
    """
    if scene.snapshot.leader is None:
        return None
    stat = scene.snapshot.leader[1]
    memory, raft = scene.memory, stat.raft_status
    # The memory may know a later leader than a cut-off one that still claims to be it.
    if (memory.leader, memory.term) != (raft.node_id, raft.term):
        return None
    if scene.now - memory.term_since >= limits["settled"]:
        return stat
    lately = scene.now - limits["settled"]
    counted = [reign for reign in scene.counted if reign.led >= limits["settled"] and reign.at >= lately]
    return max(counted, key=lambda reign: reign.at).stat if counted else None


def reigns(past: Sequence[Reign], memory: Memory, snapshot: Snapshot) -> tuple[Reign, ...]:
    """The last look at each leader lately, this one's included."""
    if snapshot.leader is None or memory.leader != snapshot.leader[1].raft_status.node_id:
        return tuple(past)
    stat = snapshot.leader[1]
    raft = stat.raft_status
    others = [reign for reign in past if _whose(reign.stat) != (raft.node_id, raft.term)]
    return (*others, Reign(snapshot.at, snapshot.at - memory.term_since, stat))[-_MOST_REIGNS:]


def _whose(stat: Stat) -> tuple[int, int]:
    return stat.raft_status.node_id, stat.raft_status.term


def leaders_space(scene: Scene, limits: Limits) -> SpaceStat | None:
    """The disks and the space as the leader counted them, None while nobody can say."""
    stat = leaders_view(scene, limits)
    return stat.space_stat if stat is not None else None
