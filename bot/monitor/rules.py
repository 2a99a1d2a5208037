"""RULES: everything that the watch looks for, in one table; and which alert says enough to mute which others."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.monitor.disks import DISK_BROKEN
from bot.monitor.heartbeats import DISK_EXPIRED
from bot.monitor.membership import MEMBERSHIP_CHANGED
from bot.monitor.progress import DROP_STUCK, REPAIR_STUCK
from bot.monitor.raft import LEADER_CHANGED, NO_LEADER, PEER_DOWN, QUORUM_AT_RISK
from bot.monitor.reach import CLUSTER_UNREACHABLE, HOST_UNREACHABLE, READ_ONLY
from bot.monitor.rule import Rule
from bot.monitor.space import CHUNKS_LOW, VOLUMES_LOW, WRITABLE_LOW
from bot.monitor.switched import SWITCH_CHANGED
from bot.monitor.switches import SWITCH_MEANINGLESS, TASK_OFF_TOO_LONG, TASK_OFF_WITH_WORK

RULES: tuple[Rule, ...] = (
    CLUSTER_UNREACHABLE,
    HOST_UNREACHABLE,
    NO_LEADER,
    LEADER_CHANGED,
    PEER_DOWN,
    QUORUM_AT_RISK,
    MEMBERSHIP_CHANGED,
    READ_ONLY,
    DISK_BROKEN,
    DISK_EXPIRED,
    REPAIR_STUCK,
    DROP_STUCK,
    WRITABLE_LOW,
    CHUNKS_LOW,
    VOLUMES_LOW,
    TASK_OFF_WITH_WORK,
    TASK_OFF_TOO_LONG,
    SWITCH_MEANINGLESS,
    SWITCH_CHANGED,
)

INHIBITS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        CLUSTER_UNREACHABLE.key: frozenset({HOST_UNREACHABLE.key, NO_LEADER.key, PEER_DOWN.key, QUORUM_AT_RISK.key}),
        NO_LEADER.key: frozenset({PEER_DOWN.key, QUORUM_AT_RISK.key, READ_ONLY.key}),
        TASK_OFF_WITH_WORK.key: frozenset({TASK_OFF_TOO_LONG.key}),
    }
)
"""While the first is seen or open, the others are not told: that an unreachable cluster's hosts are silent is no
further news, without a leader nobody can say how its peers do, and a task that disks wait for is off for too long
however short that is."""

UNSPARED = frozenset({CLUSTER_UNREACHABLE.key, NO_LEADER.key, QUORUM_AT_RISK.key})
"""What a silence of all rules (`*`) does not mute: these must be named to be muted."""


def rule_named(key: str) -> Rule | None:
    """The rule of that key as it comes, before any settings; None when there is none."""
    return next((rule for rule in RULES if rule.key == key), None)
