"""ClusterStatus: level and reasons of a cluster, the most severe reason first; all views use it. No I/O."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.alerting.model import Alert, Severity, Wording, unworded
from bot.alerting.quorum import NEXT_LOOK, lost, proven_health, quorum_of, quorum_reasons
from bot.alerting.reasons import (
    REFUTED_BY_A_LEADER,
    firing,
    look_reasons,
    of_alert,
    of_clusters,
    silent_hosts,
    with_alerts,
)
from bot.alerting.rules.chunks import NOT_LISTED, Zones
from bot.alerting.text import count, listed
from bot.alerting.topics import topic_of
from bot.clustermgr.health import quorum
from bot.clustermgr.models import Snapshot, Stat


class StatusLevel(StrEnum):
    """The condition of a cluster."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    CRITICAL = "critical"
    NO_LEADER = "no leader"
    UNREACHABLE = "unreachable"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """The condition of a cluster: one sentence that names it, and the reasons.

    Both hold raw text of the cluster, on one line and bounded, but not escaped. `unsure` is True if hosts
    contradict this snapshot: a second poll must confirm an outage.
    """

    level: StatusLevel | str
    sentence: str
    reasons: tuple[str, ...] = ()
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class StatusContext:
    """Facts beyond the snapshots.

    `alerts` are those of the cluster. `fresh`: the leader has not counted disks and space yet since its election.
    `voters` is how many voters the last leader listed (0: not known); a group of fewer than `smallest` is accepted.
    `zones` are the usable chunks as last counted from the disk list. `wording` puts the alerts into words.
    """

    alerts: Sequence[Alert] = ()
    fresh: bool = False
    voters: int = 0
    smallest: float = 2
    zones: Zones = NOT_LISTED
    wording: Wording = unworded


NOTHING_KNOWN = StatusContext()


def cluster_status(
    snapshot: Snapshot, previous: Snapshot | None = None, known: StatusContext = NOTHING_KNOWN
) -> ClusterStatus:
    """Evaluate a snapshot of a cluster; `previous` is the snapshot before it, if there is one.

    The status is never milder than the most severe firing alert. A fresh leader's counters are not judged.
    """
    if not snapshot.answered:
        return _unreachable(snapshot)
    if contradiction := tuple(_contradictions(snapshot)):
        return raised(
            _contradictory(snapshot, contradiction, previous),
            snapshot.cluster,
            of_clusters(known.alerts),
            known.wording,
        )
    if snapshot.leader is None:
        return raised(
            _leaderless(snapshot, previous, known), snapshot.cluster, of_clusters(known.alerts), known.wording
        )
    return _led(snapshot, snapshot.leader[1], previous, known)


def raised(found: ClusterStatus, cluster: str, alerts: Sequence[Alert], wording: Wording) -> ClusterStatus:
    """Raise a status that is milder than the most severe firing alert, which becomes its first reason."""
    most_severe = min(
        firing(alerts), key=lambda alert: (-alert.severity, topic_of(alert.rule), alert.since), default=None
    )
    level = _level(most_severe.severity) if most_severe else StatusLevel.HEALTHY
    if most_severe is None or _RANK[level] <= _RANK.get(found.level, 0):
        return found
    why = of_alert(most_severe, wording).text
    return replace(found, level=level, sentence=f"{cluster} is {level}: {why}.", reasons=(why, *found.reasons))


_RANK: Mapping[str, int] = {level: min(place, 2) for place, level in enumerate(StatusLevel)}
"""How severe each level is; any other word (as of a cluster that was not polled yet) has no rank."""


def _level(severity: Severity) -> StatusLevel:
    return {Severity.INFO: StatusLevel.HEALTHY, Severity.WARNING: StatusLevel.DEGRADED}.get(
        severity, StatusLevel.CRITICAL
    )


def _unreachable(snapshot: Snapshot) -> ClusterStatus:
    hosts = len(snapshot.answers)
    which = "its only host did not answer" if hosts == 1 else f"none of its {hosts} hosts answered"
    return ClusterStatus(
        StatusLevel.UNREACHABLE, f"{snapshot.cluster} is unreachable: {which}.", silent_hosts(snapshot)
    )


def _contradictory(snapshot: Snapshot, found: tuple[str, ...], previous: Snapshot | None) -> ClusterStatus:
    """Evaluate hosts that contradict each other; one poll is no proof, because hosts answer one after the other."""
    reasons = (*found, *silent_hosts(snapshot))
    if previous is None or not any(_contradictions(previous)):
        sentence = f"{snapshot.cluster} is degraded: at one poll {found[0]}; the next poll decides."
        return ClusterStatus(StatusLevel.DEGRADED, sentence, reasons, unsure=True)
    return ClusterStatus(StatusLevel.CONTRADICTION, f"{snapshot.cluster} contradicts itself: {found[0]}.", reasons)


def _contradictions(snapshot: Snapshot) -> Iterator[str]:
    claims: dict[int, list[str]] = {}
    for host, stat in snapshot.answered:
        if stat.claims_leadership:
            claims.setdefault(stat.raft_status.term, []).append(host)
    if claims and len(claims[max(claims)]) > 1:
        yield f"{listed(claims[max(claims)])} each claim to lead in term {max(claims)}"
    named = sorted(snapshot.named_leaders)
    if len(named) > 1:
        yield f"in term {snapshot.term} some hosts name peer {listed([str(peer) for peer in named])} as leader"


def _leaderless(snapshot: Snapshot, previous: Snapshot | None, known: StatusContext) -> ClusterStatus:
    answered = f"{len(snapshot.answered)} of {count(len(snapshot.answers), 'host')}"
    named = sorted(snapshot.named_leaders)
    verb = "answers" if len(snapshot.answered) == 1 else "answer"
    if named:
        return _led_by_report(snapshot, named[0], previous, known)
    sentence = f"{snapshot.cluster} has no leader: {answered} {verb} and none knows one, so nothing can be written."
    reasons = ("no voter has won an election: a majority of voters must be up and reach each other",)
    return ClusterStatus(StatusLevel.NO_LEADER, sentence, (*reasons, *silent_hosts(snapshot)))


def _led_by_report(snapshot: Snapshot, peer: int, previous: Snapshot | None, known: StatusContext) -> ClusterStatus:
    """Evaluate a snapshot whose hosts name a leader that does not claim to lead."""
    cluster, size = snapshot.cluster, known.voters or len(snapshot.answers)
    answered = f"{len(snapshot.answered)} of {count(len(snapshot.answers), 'host')}"
    needed, silent = quorum(size), silent_hosts(snapshot)
    if size - lost(snapshot, previous) < needed:
        # Without a majority there is no leader, even if a host still names one.
        verb = "answers" if len(snapshot.answered) == 1 else "answer"
        sentence = f"{cluster} has no quorum: {answered} {verb}, so nothing can be written."
        reason = f"{needed} of {size} voters must be up and reach each other"
        return ClusterStatus(StatusLevel.NO_LEADER, sentence, (reason, *silent))
    own = next((stat for _, stat in snapshot.answered if stat.raft_status.node_id == peer), None)
    if own is not None:
        raft = own.raft_status
        sentence = (
            f"{cluster} is degraded: hosts name peer {peer} as leader in term {snapshot.term}, but its own answer does "
            f"not say so (term {raft.term}); the next poll decides."
        )
        reason = f"peer {peer} is named as leader in term {snapshot.term}, and answers as no leader in term {raft.term}"
        return ClusterStatus(StatusLevel.DEGRADED, sentence, (reason, *silent), unsure=True)
    unsure = size - len(snapshot.silent) < needed
    more = "; the next poll decides whether the quorum is lost" if unsure else ""
    sentence = (
        f"{cluster} is degraded: {answered} answered, and peer {peer}, which leads by what they say, did not{more}."
    )
    reason = f"peer {peer} leads in term {snapshot.term} but did not answer itself"
    return ClusterStatus(StatusLevel.DEGRADED, sentence, (reason, *silent), unsure)


def _led(snapshot: Snapshot, leader: Stat, previous: Snapshot | None, known: StatusContext) -> ClusterStatus:
    arithmetic = quorum_of(proven_health(snapshot, previous))
    found = (
        *quorum_reasons(snapshot, leader, previous, known.smallest),
        *look_reasons(snapshot, leader, fresh=known.fresh),
    )
    unsure = any(reason.text.endswith(NEXT_LOOK) for reason in found)
    alerts = [each for each in of_clusters(known.alerts) if each.rule not in REFUTED_BY_A_LEADER]
    ordered = with_alerts(found, alerts, known.wording)
    reasons = tuple(reason.text for reason in ordered)
    peer, term = leader.raft_status.node_id, leader.raft_status.term
    leads = f"peer {peer} leads in term {term}"
    if not reasons:
        return ClusterStatus(StatusLevel.HEALTHY, f"{snapshot.cluster} is healthy: {leads}, {arithmetic.words}.")
    level = _level(ordered[0].severity)
    more = f" (and {count(len(reasons) - 1, 'more reason')})" if len(reasons) > 1 else ""
    quorum_text = "" if arithmetic.words in reasons[0] else f", {arithmetic.words}"
    sentence = f"{snapshot.cluster} is {level}: {reasons[0]}{more}; {leads}{quorum_text}."
    return ClusterStatus(level, sentence, reasons, unsure)
