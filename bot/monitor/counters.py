"""The leader's counters of disks, chunks and space, and whether they can be believed yet. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.cluster.models import SpaceStat, Stat
from bot.monitor.rule import Limits, Scene, Threshold, Unit

COUNTED = 300.0
"""Seconds after which a server counts its disks anew, as it comes (docs/clustermgr.md)."""
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
    """What the leader says, once it has counted as a leader; None while nobody can say."""
    if scene.snapshot.leader is None:
        return None
    stat = scene.snapshot.leader[1]
    memory, raft = scene.memory, stat.raft_status
    # The memory may know a later leader than a cut-off one that still claims to be it.
    known = (memory.leader, memory.term) == (raft.node_id, raft.term)
    return stat if known and scene.now - memory.term_since >= limits["settled"] else None


def leaders_space(scene: Scene, limits: Limits) -> SpaceStat | None:
    """The disks and the space as the leader counted them, None while nobody can say."""
    stat = leaders_view(scene, limits)
    return stat.space_stat if stat is not None else None
