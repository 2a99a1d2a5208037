"""Maintenance of a host: the alerts that are expected of it, and what lifts it early. No I/O.

A maintenance mutes what stopping this host explains alone. When anything else fails it ends, because the margin that
was judged before the host was stopped holds no more.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from bot.alerting.details import (
    ChunksLow,
    DisksExpired,
    LeaderChanged,
    QuorumAtRisk,
    VolumesUnreachable,
    WritableLow,
)
from bot.alerting.model import Alert, AlertState, MaintenanceScope, Severity, Silence
from bot.alerting.transition import Transition, TransitionReason
from bot.alerting.volume_risk import infer_expired, volume_risk
from bot.clustermgr.volume_survey import VolumeSurvey
from bot.common.frozen import frozen

_NEWS = frozenset({TransitionReason.FIRED, TransitionReason.WORSE})
_AWAY_RULES = frozenset({"host_unreachable", "peer_down"})


@frozen
class LiftReason:
    """Reason why a maintenance ends early."""


@frozen
class OtherAlert(LiftReason):
    """An alert fires, or gets worse, that stopping the host does not explain."""

    alert: Alert


@frozen
class MarginFell(LiftReason):
    """A volume with units on the host can lose fewer units (`left`) than at the start (`promised`)."""

    vid: int
    left: int
    promised: int


@frozen
class LiftedMaintenance:
    """A maintenance that ends early, and why; `muted` is the number of open alerts that it muted."""

    silence: Silence
    reason: LiftReason
    muted: int = 0


@frozen
class EndedMaintenance:
    """A maintenance that is over: by its time, or by a person.

    `open_alerts` are the alerts that it muted until now. `pending` are those that it would have muted later.
    """

    silence: Silence
    open_alerts: tuple[Alert, ...] = ()
    pending: tuple[Alert, ...] = ()

    @property
    def away(self) -> bool:
        """True if the host itself is seen away, or all its disks are."""
        scope = self.silence.scope
        return scope is not None and any(_away(scope, alert) for alert in (*self.open_alerts, *self.pending))


def _of_host(scope: MaintenanceScope, alert: Alert) -> bool:
    return alert.subject in scope.hosts


def _of_peer(scope: MaintenanceScope, alert: Alert) -> bool:
    return alert.subject in {str(peer) for peer in scope.peers}


def _quorum(scope: MaintenanceScope, alert: Alert) -> bool:
    detail = alert.detail
    return isinstance(detail, QuorumAtRisk) and bool(detail.sick) and {v.peer for v in detail.sick} <= {*scope.peers}


def _leader(scope: MaintenanceScope, alert: Alert) -> bool:
    detail = alert.detail
    return (
        isinstance(detail, LeaderChanged) and bool(detail.moves) and all(m.before in scope.peers for m in detail.moves)
    )


def _fits(scope: MaintenanceScope, alert: Alert) -> bool:
    """True if the count and the zones of lost heartbeats fit the host; another host of its zones can fit as well."""
    detail = alert.detail
    return (
        isinstance(detail, DisksExpired)
        and bool(scope.disks)
        and detail.lost <= len(scope.disks) + scope.expired
        and {*(alert.parts or ())} <= {*scope.zones}
        and {*detail.whole} <= {*scope.whole}
    )


def _heartbeats(scope: MaintenanceScope, alert: Alert) -> bool:
    """True if lost heartbeats are known to be the host's, and no more others are lost than at the start.

    An alert that only disks of other hosts explain is not the host's.
    """
    detail = alert.detail
    if not isinstance(detail, DisksExpired) or not _fits(scope, alert):
        return False
    others = _of_others(scope, detail)
    return others <= scope.expired and others < detail.lost


def _of_others(scope: MaintenanceScope, detail: DisksExpired) -> int:
    """The number of lost heartbeats that are not known to be the host's.

    They are its own if its disks are named, or its members give no answer, or every disk of other hosts is known to
    have its heartbeat.
    """
    away = {*detail.away}
    stopped = bool(scope.hosts) and {*scope.hosts} <= {*detail.silent_hosts}
    others = len(away - {*scope.disks}) if stopped else detail.lost - len(away & {*scope.disks})
    if detail.doubtful is not None:
        # Every other disk has its heartbeat, because a volume on it is healthy.
        others = min(others, len({*detail.doubtful} - {*scope.disks}))
    return others


def _unreachable(scope: MaintenanceScope, alert: Alert) -> bool:
    """True if all units that are away are on the host, and no volume is below what was accepted at the start."""
    detail = alert.detail
    if not isinstance(detail, VolumesUnreachable) or scope.margin is None or detail.total != len(detail.volumes):
        return False
    return all(
        each.left is not None
        and not each.unnamed
        and each.left - len(each.unreachable) >= scope.margin
        and {*each.unreachable} <= {*scope.disks}
        for each in detail.volumes
    )


def _space(scope: MaintenanceScope, alert: Alert) -> bool:
    """True if no more space is short than the disks of the host take away; a forecast has other causes too."""
    detail = alert.detail
    return _space_fits(scope, alert) and not (isinstance(detail, WritableLow) and detail.days is not None)


def _space_fits(scope: MaintenanceScope, alert: Alert) -> bool:
    """True if the space is not below what was expected at the start."""
    detail = alert.detail
    if isinstance(detail, WritableLow):
        return scope.writable is not None and detail.share >= scope.writable and not (detail.none and scope.writable)
    return isinstance(detail, ChunksLow) and detail.share >= dict(scope.chunks).get(detail.zone, 101)


_EXPECTED: Mapping[str, Callable[[MaintenanceScope, Alert], bool]] = MappingProxyType(
    {
        "host_unreachable": _of_host,
        "api_error": _of_host,
        "slow_answers": _of_host,
        "apply_stalled": _of_host,
        "peer_down": _of_peer,
        "peer_lagging": _of_peer,
        "quorum_at_risk": _quorum,
        "leader_changed": _leader,
        "disk_expired": _heartbeats,
        "volumes_unreachable": _unreachable,
        "writable_low": _space,
        "chunks_low": _space,
    }
)
"""The rules whose alerts may be expected, each with its test; an alert of any other rule is never expected."""


def expected(scope: MaintenanceScope, alert: Alert) -> bool:
    """True if stopping the host explains the alert alone."""
    test = _EXPECTED.get(alert.rule)
    return test is not None and test(scope, alert)


def _possible(scope: MaintenanceScope, alert: Alert) -> bool:
    """True if stopping the host may explain the alert: then it does not end the maintenance; in doubt it is posted."""
    return expected(scope, alert) or _fits(scope, alert) or _space_fits(scope, alert)


def lifted_maintenances(
    silences: Iterable[Silence],
    transitions: Sequence[Transition],
    survey: VolumeSurvey | None,
    expired_disks: int,
    now: float,
) -> tuple[LiftedMaintenance, ...]:
    """The maintenances that end with this step, each with its reason; alerts below a warning lift none.

    `expired_disks` is the number of disks without a heartbeat by the leader's counters.
    """
    held = [silence for silence in silences if silence.scope is not None and silence.until > now]
    scopes = [silence.scope for silence in held if silence.scope is not None]
    lifted = []
    for silence in held:
        reason = _reason(silence, scopes, transitions) or _margin(silence, scopes, survey, expired_disks)
        if reason is not None:
            lifted.append(LiftedMaintenance(silence, reason))
    return tuple(lifted)


def _reason(
    silence: Silence, scopes: Iterable[MaintenanceScope], transitions: Sequence[Transition]
) -> OtherAlert | None:
    """The first alert that the stop of this host does not explain, nor that of another host in maintenance."""
    others = [scope for scope in scopes if scope is not silence.scope]
    for transition in transitions:
        alert = transition.new
        news = transition.reason in _NEWS and alert.severity >= Severity.WARNING
        if not news or silence.scope is None or _possible(silence.scope, alert):
            continue
        if not any(expected(scope, alert) for scope in others):
            return OtherAlert(alert)
    return None


def _margin(
    silence: Silence, scopes: Sequence[MaintenanceScope], survey: VolumeSurvey | None, expired_disks: int
) -> MarginFell | None:
    """Judge the volumes with units on the host as if all its disks were away, whether they are or not."""
    scope = silence.scope
    if scope is None or scope.margin is None or survey is None or not survey.known:
        return None
    away = frozenset(disk for each in scopes for disk in each.disks)
    others = frozenset[int]()
    if expired_disks > len(away) + scope.expired:
        # The units on hosts in maintenance are explained.
        explained = replace(survey.disks, readonly=survey.disks.readonly | away)
        others = infer_expired(survey.volumes.values(), explained)
    for volume in survey.volumes.values():
        if not {*scope.disks}.isdisjoint(volume.disks):
            left = volume_risk(volume, survey.disks, away | others, survey.extended).left_if_unreachable_stay
            if left is not None and left < scope.margin:
                return MarginFell(volume.vid, left, scope.margin)
    return None


def ended_maintenance(silence: Silence, alerts: Iterable[Alert]) -> EndedMaintenance:
    """The end of a maintenance with the alerts that it mutes and whose finding is still there."""
    scope = silence.scope
    found = [
        alert
        for alert in alerts
        if scope is not None
        and alert.cluster == silence.cluster
        and alert.state is not AlertState.RESOLVED
        and not alert.clear_since
        and expected(scope, alert)
    ]
    return EndedMaintenance(
        silence,
        tuple(alert for alert in found if is_due(alert)),
        tuple(alert for alert in found if not is_due(alert)),
    )


def is_due(alert: Alert) -> bool:
    """True if the alert is posted, or only a silence holds it back; a pending alert may still go away unannounced."""
    return alert.state is not AlertState.PENDING or alert.notes.muted is not None


def _away(scope: MaintenanceScope, alert: Alert) -> bool:
    """True if the alert, which the host explains, shows that the host itself is away, or all its disks."""
    detail = alert.detail
    if isinstance(detail, DisksExpired):
        return detail.lost - _of_others(scope, detail) >= len(scope.disks)
    return alert.rule in _AWAY_RULES


def muted_counts(silences: Iterable[Silence], alerts: Iterable[Alert]) -> Mapping[int, int]:
    """Number of open alerts that each silence mutes now, by its id; alerts held back before they fire count too."""
    muted = [alert.notes.muted.id for alert in alerts if alert.open and alert.notes.muted is not None]
    return {silence.id: muted.count(silence.id) for silence in silences}
