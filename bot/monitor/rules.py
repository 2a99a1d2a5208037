"""RULES: everything that the watch looks for, in one table; and which alert says enough to mute which others."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.monitor.answers import API_ERROR, AUTH_REJECTED, SLOW_ANSWERS
from bot.monitor.blind import WATCH_BLIND
from bot.monitor.disks import DISK_BROKEN
from bot.monitor.heartbeats import DISK_EXPIRED
from bot.monitor.leadership import LEADER_CHANGED, LEADER_FLAPPING, NO_LEADER
from bot.monitor.membership import MEMBERSHIP_CHANGED
from bot.monitor.network import OWN_NETWORK
from bot.monitor.progress import DROP_STUCK, REPAIR_STUCK
from bot.monitor.raft import PEER_DOWN, QUORUM_AT_RISK
from bot.monitor.reach import CLUSTER_UNREACHABLE, HOST_UNREACHABLE, READ_ONLY
from bot.monitor.replication import APPLY_STALLED, LEARNER_READY, PEER_LAGGING
from bot.monitor.rule import Rule
from bot.monitor.space import CHUNKS_LOW, NO_VOLUME, VOLUMES_LOW, WRITABLE_LOW
from bot.monitor.switched import SWITCH_CHANGED
from bot.monitor.switches import SWITCH_MEANINGLESS, TASK_OFF_TOO_LONG, TASK_OFF_WITH_WORK
from bot.monitor.views_differ import HOSTS_DISAGREE, LEADER_UNSEEN, STALE_HOST

RULES: tuple[Rule, ...] = (
    CLUSTER_UNREACHABLE,
    HOST_UNREACHABLE,
    API_ERROR,
    AUTH_REJECTED,
    SLOW_ANSWERS,
    NO_LEADER,
    LEADER_CHANGED,
    LEADER_FLAPPING,
    PEER_DOWN,
    PEER_LAGGING,
    QUORUM_AT_RISK,
    HOSTS_DISAGREE,
    STALE_HOST,
    LEADER_UNSEEN,
    APPLY_STALLED,
    LEARNER_READY,
    MEMBERSHIP_CHANGED,
    READ_ONLY,
    DISK_BROKEN,
    DISK_EXPIRED,
    REPAIR_STUCK,
    DROP_STUCK,
    WRITABLE_LOW,
    CHUNKS_LOW,
    VOLUMES_LOW,
    NO_VOLUME,
    TASK_OFF_WITH_WORK,
    TASK_OFF_TOO_LONG,
    SWITCH_MEANINGLESS,
    SWITCH_CHANGED,
    WATCH_BLIND,
    OWN_NETWORK,
)

_BY_THE_LEADER = frozenset(
    rule.key for rule in (PEER_DOWN, PEER_LAGGING, QUORUM_AT_RISK, STALE_HOST, LEARNER_READY, LEADER_UNSEEN)
)
INHIBITS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        CLUSTER_UNREACHABLE.key: _BY_THE_LEADER
        | {API_ERROR.key, HOST_UNREACHABLE.key, NO_LEADER.key, APPLY_STALLED.key, HOSTS_DISAGREE.key, SLOW_ANSWERS.key},
        NO_LEADER.key: _BY_THE_LEADER | {READ_ONLY.key},
        LEADER_FLAPPING.key: frozenset({LEADER_CHANGED.key}),
    }
)
"""While the first is seen or open, the others are not told of any subject: only what holds for the whole cluster may
stand here. That an unreachable cluster's hosts are silent is no further news, without a leader nobody can say how its
peers do, and a leader that does not stay is each of its changes. What a finding says of single subjects of other rules
is in its data (covering.py)."""

UNSPARED = frozenset({CLUSTER_UNREACHABLE.key, NO_LEADER.key, QUORUM_AT_RISK.key, WATCH_BLIND.key, OWN_NETWORK.key})
"""What a silence of all rules (`*`) does not mute: these must be named to be muted."""


def rule_named(key: str) -> Rule | None:
    """The rule of that key as it comes, before any settings; None when there is none."""
    return next((rule for rule in RULES if rule.key == key), None)
