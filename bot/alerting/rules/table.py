"""RULES: everything that the watch looks for, in one table; and which alert says enough to mute which others."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.rules.background_tasks import SWITCH_MEANINGLESS, TASK_OFF_TOO_LONG, TASK_OFF_WITH_WORK
from bot.alerting.rules.base import Rule
from bot.alerting.rules.capacity import CHUNKS_LOW, NO_VOLUME, VOLUMES_LOW, WRITABLE_LOW
from bot.alerting.rules.disk_heartbeats import DISK_EXPIRED
from bot.alerting.rules.disk_progress import DROP_STUCK, REPAIR_STUCK
from bot.alerting.rules.disks import DISK_BROKEN
from bot.alerting.rules.diverging_views import HOSTS_DISAGREE, LEADER_UNSEEN, STALE_HOST
from bot.alerting.rules.host_answers import API_ERROR, AUTH_REJECTED, SLOW_ANSWERS
from bot.alerting.rules.leadership import LEADER_CHANGED, LEADER_FLAPPING, NO_LEADER
from bot.alerting.rules.membership import MEMBERSHIP_CHANGED
from bot.alerting.rules.own_network import OWN_NETWORK
from bot.alerting.rules.raft import PEER_DOWN, QUORUM_AT_RISK
from bot.alerting.rules.reachability import CLUSTER_UNREACHABLE, HOST_UNREACHABLE, READ_ONLY
from bot.alerting.rules.replication import APPLY_STALLED, LEARNER_READY, PEER_LAGGING
from bot.alerting.rules.switch_changes import SWITCH_CHANGED
from bot.alerting.rules.watchdog import WATCH_BLIND

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

NEVER_WILDCARD_SILENCED = frozenset(
    {CLUSTER_UNREACHABLE.key, NO_LEADER.key, QUORUM_AT_RISK.key, WATCH_BLIND.key, OWN_NETWORK.key}
)
"""What a silence of all rules (`*`) does not mute: these must be named to be muted."""


def rule_named(key: str) -> Rule | None:
    """The rule of that key as it comes, before any settings; None when there is none."""
    return next((rule for rule in RULES if rule.key == key), None)
