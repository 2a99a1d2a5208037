"""The leader's counters of disks, chunks and space, and whether they can be believed yet. Pure."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.cluster.models import Snapshot, SpaceStat, Stat
from bot.monitor.memory import Memory
from bot.monitor.rule import Limits, Reign, Scene, Threshold, Unit

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
