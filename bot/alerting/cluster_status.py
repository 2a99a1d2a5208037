"""ClusterStatus: level and reasons of a cluster, the most severe reason first; all views use it. No I/O."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from bot.alerting.model import Alert, Severity
from bot.alerting.quorum import lost, proven_health, quorum_of, quorum_reasons, same_term
from bot.alerting.reasons import (
    REFUTED_BY_A_LEADER,
    firing,
    look_reasons,
    of_clusters,
    risk_reasons,
    silent_hosts,
    with_alerts,
)
from bot.alerting.risk_facts import RiskFact
from bot.alerting.rules.chunks import NOT_LISTED, Zones
from bot.alerting.status_facts import (
    AlertFires,
    AllSilent,
    Leader,
    LedWell,
    MajorityGone,
    NamedLeaderDenies,
    NamedLeaderSilent,
    NoneKnown,
    SeveralClaim,
    SeveralNamed,
    StatusFact,
)
from bot.alerting.topics import most_severe_first
from bot.clustermgr.health import VoterHealth, quorum
from bot.clustermgr.models import Snapshot, Stat
from bot.common.frozen import frozen


class StatusLevel(StrEnum):
    """The condition of a cluster."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    CRITICAL = "critical"
    NO_LEADER = "no leader"
    UNREACHABLE = "unreachable"
    CONTRADICTION = "contradiction"


@frozen
class ClusterStatus:
    """The condition of a cluster: its level, the fact of its headline, and all reasons, the most severe first.

    `unsure` is True if hosts contradict this snapshot: a second poll must confirm an outage. `leader` is None if no
    host leads, or hosts contradict each other about it.
    """

    cluster: str
    level: StatusLevel
    headline: StatusFact
    reasons: tuple[StatusFact, ...] = ()
    unsure: bool = False
    leader: Leader | None = None


@frozen
class StatusContext:
    """Facts beyond the snapshots.

    `alerts` are those of the cluster. `fresh`: the leader has not counted disks and space yet since its election.
    `voters` is how many voters the last leader listed (0: not known); a group of fewer than `smallest` is accepted.
    `zones` are the usable chunks as last counted from the disk list. `others` are the hosts known to run no voter.
    `risk` is the risk of volumes as the watch judged it last, None if there is nothing to say.
    """

    alerts: Sequence[Alert] = ()
    fresh: bool = False
    voters: int = 0
    smallest: float = 2
    zones: Zones = NOT_LISTED
    others: frozenset[str] = frozenset()
    risk: RiskFact | None = None


NOTHING_KNOWN = StatusContext()


def cluster_status(
    snapshot: Snapshot,
    previous: Snapshot | None = None,
    known: StatusContext = NOTHING_KNOWN,
    health: Mapping[int, VoterHealth] | None = None,
) -> ClusterStatus:
    """Evaluate a snapshot of a cluster; `previous` is the snapshot before it, if there is one.

    `health` is that of the voters by these two, if it is known already.

    The status is never milder than the most severe firing alert, nor than the risk of the volumes. A fresh leader's
    counters are not evaluated.
    """
    if not snapshot.answered:
        return _unreachable(snapshot)
    alerts = of_clusters(known.alerts)
    if contradiction := tuple(_contradictions(snapshot)):
        return _raised(_contradictory(snapshot, contradiction, previous), alerts, known.risk)
    if snapshot.leader is None:
        return _raised(_leaderless(snapshot, previous, known), alerts, known.risk)
    if health is None or not same_term(previous, snapshot):
        health = proven_health(snapshot, previous)
    return _led(snapshot, snapshot.leader[1], previous, known, health)


def worse_alert(level: str, alerts: Sequence[Alert]) -> Alert | None:
    """The most severe firing alert if it is more severe than a level, else None."""
    most_severe = min(firing(alerts), key=most_severe_first, default=None)
    if most_severe is None or _RANK[level_of(most_severe.severity)] <= _RANK.get(level, 0):
        return None
    return most_severe


def _raised(found: ClusterStatus, alerts: Sequence[Alert], risk: RiskFact | None) -> ClusterStatus:
    """Raise a status that is milder than the most severe firing alert or volume, which becomes its first reason."""
    alert = worse_alert(found.level, alerts)
    if alert is not None:
        found = _with_first(found, AlertFires(alert), alert.severity)
    volumes = max(risk_reasons(risk), key=lambda reason: reason.severity, default=None)
    if volumes is not None and _RANK[level_of(volumes.severity)] > _RANK[found.level]:
        found = _with_first(found, volumes.fact, volumes.severity)
    return found


def _with_first(found: ClusterStatus, fact: StatusFact, severity: Severity) -> ClusterStatus:
    return replace(found, level=level_of(severity), headline=fact, reasons=(fact, *found.reasons))


_RANK: Mapping[str, int] = {level: min(place, 2) for place, level in enumerate(StatusLevel)}
"""How severe each level is; any other word (as of a cluster that was not polled yet) has no rank."""


def level_of(severity: Severity) -> StatusLevel:
    """The level of a cluster whose most severe problem has this severity."""
    return {Severity.INFO: StatusLevel.HEALTHY, Severity.WARNING: StatusLevel.DEGRADED}.get(
        severity, StatusLevel.CRITICAL
    )


def _unreachable(snapshot: Snapshot) -> ClusterStatus:
    headline = AllSilent(len(snapshot.answers))
    return ClusterStatus(snapshot.cluster, StatusLevel.UNREACHABLE, headline, silent_hosts(snapshot))


def _contradictory(snapshot: Snapshot, found: tuple[StatusFact, ...], previous: Snapshot | None) -> ClusterStatus:
    """Evaluate hosts that contradict each other; one poll is no proof, because hosts answer one after the other."""
    unsure = previous is None or not any(_contradictions(previous))
    level = StatusLevel.DEGRADED if unsure else StatusLevel.CONTRADICTION
    return ClusterStatus(snapshot.cluster, level, found[0], (*found, *silent_hosts(snapshot)), unsure)


def _contradictions(snapshot: Snapshot) -> Iterator[StatusFact]:
    claims: dict[int, list[str]] = {}
    for host, stat in snapshot.answered:
        if stat.claims_leadership:
            claims.setdefault(stat.raft_status.term, []).append(host)
    if claims and len(claims[max(claims)]) > 1:
        yield SeveralClaim(tuple(claims[max(claims)]), max(claims))
    if len(snapshot.named_leaders) > 1:
        yield SeveralNamed(tuple(sorted(snapshot.named_leaders)), snapshot.term)


def _leaderless(snapshot: Snapshot, previous: Snapshot | None, known: StatusContext) -> ClusterStatus:
    if snapshot.named_leaders:
        return _led_by_report(snapshot, min(snapshot.named_leaders), previous, known)
    fact = NoneKnown(len(snapshot.answered), len(snapshot.answers))
    return ClusterStatus(snapshot.cluster, StatusLevel.NO_LEADER, fact, (fact, *silent_hosts(snapshot)))


def _led_by_report(snapshot: Snapshot, peer: int, previous: Snapshot | None, known: StatusContext) -> ClusterStatus:
    """Evaluate a snapshot whose hosts name a leader that does not claim to lead."""
    size, named, silent = known.voters or len(snapshot.answers), _named_leader(snapshot, peer), silent_hosts(snapshot)
    needed = quorum(size)
    if size - lost(snapshot, previous, known.others) < needed:
        # Without a majority there is no leader, even if a host still names one.
        gone = MajorityGone(len(snapshot.answered), len(snapshot.answers), needed, size)
        return ClusterStatus(snapshot.cluster, StatusLevel.NO_LEADER, gone, (gone, *silent))
    mute = sum(answer.host not in known.others for answer in snapshot.silent)
    unsure = isinstance(named, NamedLeaderDenies) or size - mute < needed
    return ClusterStatus(snapshot.cluster, StatusLevel.DEGRADED, named, (named, *silent), unsure)


def _named_leader(snapshot: Snapshot, peer: int) -> NamedLeaderDenies | NamedLeaderSilent:
    """The named leader's own answer, or that it gave none."""
    own = next((stat for _, stat in snapshot.answered if stat.raft_status.node_id == peer), None)
    if own is not None:
        return NamedLeaderDenies(peer, snapshot.term, own.raft_status.term)
    return NamedLeaderSilent(peer, snapshot.term, len(snapshot.answered), len(snapshot.answers))


def _led(
    snapshot: Snapshot,
    leader: Stat,
    previous: Snapshot | None,
    known: StatusContext,
    health: Mapping[int, VoterHealth],
) -> ClusterStatus:
    found = (
        *quorum_reasons(snapshot, leader, previous, health, known.smallest, known.others),
        *look_reasons(snapshot, leader, fresh=known.fresh),
        *risk_reasons(known.risk),
    )
    unsure = any(reason.unsure for reason in found)
    alerts = [each for each in of_clusters(known.alerts) if each.rule not in REFUTED_BY_A_LEADER]
    ordered = with_alerts(found, alerts)
    raft = leader.raft_status
    leads = Leader(raft.node_id, raft.term)
    if not ordered:
        well = LedWell(raft.node_id, raft.term, quorum_of(health))
        return ClusterStatus(snapshot.cluster, StatusLevel.HEALTHY, well, leader=leads)
    reasons = tuple(reason.fact for reason in ordered)
    return ClusterStatus(snapshot.cluster, level_of(ordered[0].severity), reasons[0], reasons, unsure, leads)
