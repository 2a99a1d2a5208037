"""RULES: all rules of the watch in one table, and which alert makes which others superfluous."""

from collections.abc import Mapping

from bot.alerting.causes import WHOLE_RULES
from bot.alerting.rules.background_tasks import (
    SWITCH_CHANGED,
    SWITCH_MEANINGLESS,
    TASK_OFF_TOO_LONG,
    TASK_OFF_WITH_WORK,
)
from bot.alerting.rules.base import Rule
from bot.alerting.rules.capacity import CHUNKS_LOW, NO_VOLUME, VOLUMES_LOW, WRITABLE_LOW
from bot.alerting.rules.disk_drops import DISK_DROPPING
from bot.alerting.rules.disk_progress import DROP_STUCK, REPAIR_STUCK
from bot.alerting.rules.disks import DISK_BROKEN, DISK_EXPIRED
from bot.alerting.rules.diverging_views import HOSTS_DISAGREE, LEADER_UNSEEN, STALE_HOST
from bot.alerting.rules.external import EXTERNAL
from bot.alerting.rules.leadership import LEADER_CHANGED, LEADER_FLAPPING, NO_LEADER
from bot.alerting.rules.raft import MEMBERSHIP_CHANGED, PEER_DOWN, QUORUM_AT_RISK
from bot.alerting.rules.reachability import (
    API_ERROR,
    AUTH_REJECTED,
    CLUSTER_UNREACHABLE,
    HOST_UNREACHABLE,
    READ_ONLY,
    SLOW_ANSWERS,
)
from bot.alerting.rules.replication import APPLY_STALLED, LEARNER_READY, PEER_LAGGING
from bot.alerting.rules.schedulers import SCHEDULER_SILENT, TASKS_FAILING
from bot.alerting.rules.volumes import DISK_NOT_EMPTY, VOLUMES_AT_RISK, VOLUMES_LOST, VOLUMES_UNREACHABLE
from bot.alerting.rules.watchdog import OWN_NETWORK, WATCH_BLIND

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
    VOLUMES_LOST,
    VOLUMES_AT_RISK,
    VOLUMES_UNREACHABLE,
    DISK_NOT_EMPTY,
    DISK_BROKEN,
    DISK_EXPIRED,
    REPAIR_STUCK,
    DROP_STUCK,
    DISK_DROPPING,
    WRITABLE_LOW,
    CHUNKS_LOW,
    VOLUMES_LOW,
    NO_VOLUME,
    SCHEDULER_SILENT,
    TASKS_FAILING,
    TASK_OFF_WITH_WORK,
    TASK_OFF_TOO_LONG,
    SWITCH_MEANINGLESS,
    SWITCH_CHANGED,
    WATCH_BLIND,
    OWN_NETWORK,
    EXTERNAL,
)

INHIBITS: Mapping[str, frozenset[str]] = WHOLE_RULES
"""Which rule holds back which whole rules (causes.py)."""

NEVER_WILDCARD_SILENCED = frozenset(
    {
        CLUSTER_UNREACHABLE.key,
        NO_LEADER.key,
        QUORUM_AT_RISK.key,
        VOLUMES_LOST.key,
        DISK_NOT_EMPTY.key,
        WATCH_BLIND.key,
        OWN_NETWORK.key,
    }
)
"""Rules that a silence of all rules (`*`) does not mute: these must be named to be muted."""


def rule_named(key: str) -> Rule | None:
    """The rule of that key with its defaults, before any settings; None if there is none."""
    return next((rule for rule in RULES if rule.key == key), None)
