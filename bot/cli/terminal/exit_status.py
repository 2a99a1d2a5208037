"""The exit status of a reading command, by what it found. No I/O."""

from collections.abc import Callable, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from bot.alerting.cluster_status import StatusLevel, cluster_status, level_of
from bot.alerting.task_activity import ActivityKind
from bot.alerting.volume_risk import RiskLevel, at_risk
from bot.clustermgr.disk_states import DiskState
from bot.clustermgr.models import DiskStatus
from bot.interactions.facts import OneDisk, OpenAlerts, OperationRows, Polled, TaskStates
from bot.operations.model import OpState
from bot.views.clusters import ClusterLine
from bot.views.disk_list import DiskList
from bot.views.risk import RiskReport


class Exit(IntEnum):
    """Exit status; of several clusters the highest counts."""

    HEALTHY = 0
    DEGRADED = 1
    USAGE = 2
    CRITICAL = 3
    UNKNOWN = 4


_OF_LEVEL: Mapping[str, Exit] = {
    StatusLevel.HEALTHY: Exit.HEALTHY,
    StatusLevel.DEGRADED: Exit.DEGRADED,
    StatusLevel.CRITICAL: Exit.CRITICAL,
    StatusLevel.NO_LEADER: Exit.CRITICAL,
    StatusLevel.CONTRADICTION: Exit.CRITICAL,
    StatusLevel.UNREACHABLE: Exit.UNKNOWN,
}
_BAD_DISKS = (DiskState.UNKNOWN, DiskState.BROKEN, DiskState.REPAIRING, DiskState.EXPIRED)
_IDLE_TASKS = frozenset(
    {ActivityKind.NOT_REGISTERED, ActivityKind.SILENT, ActivityKind.FAILING, ActivityKind.SWITCH_UNKNOWN}
)


def of_level(level: str) -> Exit:
    """Return the status of a level of a cluster; a cluster that was not polled is unknown."""
    return _OF_LEVEL.get(level, Exit.UNKNOWN)


def exit_status(facts: object) -> Exit:
    """Return the status of what a command found."""
    if isinstance(facts, tuple):
        return max((of_level(line.level) for line in facts if isinstance(line, ClusterLine)), default=Exit.UNKNOWN)
    known = _OF_FACTS.get(type(facts))
    return known(facts) if known else Exit.UNKNOWN


def _of_poll(found: Polled) -> Exit:
    return of_level(cluster_status(found.snapshot, found.previous, found.known).level)


def _of_disk(found: OneDisk) -> Exit:
    normal = found.disk.status == DiskStatus.NORMAL and not found.dropping
    return Exit.HEALTHY if normal else Exit.DEGRADED


def _of_alerts(found: OpenAlerts) -> Exit:
    return max((of_level(level_of(alert.severity)) for alert in found.alerts), default=Exit.HEALTHY)


def _of_disks(found: DiskList) -> Exit:
    counts = found.listing.counts()
    if any(counts[state] for state in _BAD_DISKS) or found.listing.expired:
        return Exit.DEGRADED
    return Exit.HEALTHY if found.listing.by_leader and found.listing.complete else Exit.UNKNOWN


def _of_tasks(found: TaskStates) -> Exit:
    if found.snapshot.leader is None or found.detected.dialect is None:
        return Exit.UNKNOWN
    waits = (each.kind is ActivityKind.OFF and each.disks for each in found.activities.values())
    hindered = any(each.kind in _IDLE_TASKS for each in found.activities.values()) or any(waits)
    return Exit.DEGRADED if hindered else Exit.HEALTHY


def _of_risk(found: RiskReport) -> Exit:
    worst = max((each.standing for each in at_risk(found.risks)), default=None)
    if worst is not None:
        return Exit.CRITICAL if worst >= RiskLevel.UNREADABLE else Exit.DEGRADED
    return Exit.HEALTHY if found.survey.known and found.survey.complete else Exit.UNKNOWN


def _of_operations(found: OperationRows) -> Exit:
    if any(op.state is OpState.UNKNOWN for op in found.operations):
        return Exit.CRITICAL
    waits = any(not op.final for op in found.operations) or found.undelivered
    return Exit.DEGRADED if waits else Exit.HEALTHY


_OF_FACTS: Mapping[type, Callable[[Any], Exit]] = MappingProxyType(
    {
        Polled: _of_poll,
        DiskList: _of_disks,
        OneDisk: _of_disk,
        TaskStates: _of_tasks,
        RiskReport: _of_risk,
        OpenAlerts: _of_alerts,
        OperationRows: _of_operations,
    }
)
