"""The reasons of a cluster status, from one snapshot and the open alerts; see also quorum.py. No I/O."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.alerting.model import Alert, AlertState, Severity
from bot.alerting.risk_facts import RiskFact
from bot.alerting.status_facts import (
    AlertFires,
    DisksBad,
    FormerMember,
    LittleWritable,
    NoUsableAnswer,
    OtherLeader,
    ReportsReadOnly,
    SlowLeader,
    StatusFact,
    VolumesStand,
)
from bot.alerting.text import one_line
from bot.alerting.topics import Topic, place_of, topic_of
from bot.alerting.volume_risk import RiskLevel
from bot.clustermgr.health import learners, voters
from bot.clustermgr.models import DiskStatus, Snapshot, SpaceStat, Stat
from bot.common.frozen import frozen

LOW_WRITABLE = 0.1
"""Share of all space that should be writable."""
VERY_LOW_WRITABLE = 0.05
"""Share of all space below which it is critical that so little is writable."""
SLOW_SECONDS = 2.0
"""An answer of the leader that takes longer is slow."""
_UNHEARD = ("host_unreachable", "api_error", "auth_rejected")
_ODD = ("stale_host", "hosts_disagree")
_NOT_OF_THE_CLUSTER = frozenset({"own_network", "watch_blind"})
REFUTED_BY_A_LEADER = frozenset({"no_leader", "cluster_unreachable"})
"""Rules whose alerts are refuted by a snapshot with a leader."""


@frozen
class StatusReason:
    """One problem: a fact with its severity and topic.

    `rules` are the keys of the alerts with the same meaning for this `subject` ("" for any). `unsure` is True if hosts
    contradict it, so that a second poll must confirm it.
    """

    severity: Severity
    topic: Topic
    fact: StatusFact
    rules: tuple[str, ...] = ()
    subject: str = ""
    unsure: bool = False

    def says(self, alert: Alert) -> bool:
        """True if an alert adds nothing to this reason but its severity."""
        return alert.rule in self.rules and (not self.subject or alert.subject in {"", self.subject})


def firing(alerts: Sequence[Alert]) -> list[Alert]:
    """The alerts that make a status worse: posted ones above info."""
    states = {AlertState.FIRING, AlertState.ACKNOWLEDGED}
    # An alert whose finding is gone only waits to be resolved.
    return [
        alert for alert in alerts if alert.state in states and alert.severity > Severity.INFO and not alert.clear_since
    ]


def of_clusters(alerts: Sequence[Alert]) -> list[Alert]:
    """The alerts about the cluster, without those about cmbot itself."""
    return [alert for alert in alerts if alert.rule not in _NOT_OF_THE_CLUSTER]


def with_alerts(found: Sequence[StatusReason], alerts: Sequence[Alert]) -> list[StatusReason]:
    """The reasons, as severe as the alerts with the same meaning, and all other alerts as reasons."""
    reasons = list(found)
    for alert in firing(alerts):
        same = [place for place, reason in enumerate(reasons) if reason.says(alert)]
        for place in same:
            severity = max(reasons[place].severity, alert.severity)
            reasons[place] = replace(reasons[place], severity=severity)
        if not same:
            reasons.append(StatusReason(alert.severity, topic_of(alert.rule), AlertFires(alert), (alert.rule,)))
    # Sorting keeps the order of equals.
    return sorted(reasons, key=lambda reason: (-reason.severity, reason.topic, _place(reason)))


def _place(reason: StatusReason) -> int:
    return min(map(place_of, reason.rules), default=0)


def silent_hosts(snapshot: Snapshot) -> tuple[NoUsableAnswer, ...]:
    """One fact for each host that gave no usable answer."""
    return tuple(
        NoUsableAnswer(answer.host, one_line(answer.error.sentence).rstrip(".") if answer.error else "")
        for answer in snapshot.silent
    )


def look_reasons(snapshot: Snapshot, leader: Stat, *, fresh: bool) -> Iterator[StatusReason]:
    """The reasons about the hosts, disks and space of a cluster with a leader."""
    for fact in silent_hosts(snapshot):
        yield StatusReason(Severity.WARNING, Topic.REACH, fact, _UNHEARD, fact.host)
    yield from _odd_views(snapshot, leader)
    yield from _slow(snapshot)
    yield from _disk_reasons(snapshot, leader, fresh=fresh)
    yield from _space_reasons(leader, fresh=fresh)


def risk_reasons(fact: RiskFact | None) -> tuple[StatusReason, ...]:
    """The volumes that lost data, cannot be read or are near that, as severe as the rules about them by default.

    An alert may have to hold before it is posted; the status says at once what is known.
    """
    if fact is None:
        return ()
    risk = fact.risk
    found = (
        (RiskLevel.LOST, risk.lost, Severity.CRITICAL, "volumes_lost"),
        (RiskLevel.NONE_LEFT, risk.none_left, Severity.CRITICAL, "volumes_at_risk"),
        (RiskLevel.UNKNOWN, risk.unknown, Severity.CRITICAL, "volumes_at_risk"),
        (RiskLevel.UNREADABLE, risk.unreadable, Severity.CRITICAL, "volumes_unreachable"),
        (RiskLevel.ONE_LEFT, risk.one_left, Severity.WARNING, "volumes_at_risk"),
    )
    return tuple(
        StatusReason(severity, Topic.DATA, VolumesStand(standing, number), (rule,))
        for standing, number, severity, rule in found
        if number
    )


def _slow(snapshot: Snapshot) -> Iterator[StatusReason]:
    host = snapshot.leader[0] if snapshot.leader else ""
    for answer in snapshot.answers:
        if answer.host == host and answer.took > SLOW_SECONDS:
            slow = SlowLeader(host, answer.took)
            yield StatusReason(Severity.WARNING, Topic.REACH, slow, ("slow_answers",), host)


def _odd_views(snapshot: Snapshot, leader: Stat) -> Iterator[StatusReason]:
    leads = (leader.raft_status.leader, leader.raft_status.term)
    members = {peer.id for peer in (*voters(leader), *learners(leader))}
    for host, stat in snapshot.answered:
        raft = stat.raft_status
        if members and raft.node_id not in members:
            yield StatusReason(Severity.WARNING, Topic.REACH, FormerMember(host, raft.node_id), _ODD, host)
        elif (raft.leader, raft.term) != leads:
            other = OtherLeader(host, raft.leader, raft.term)
            yield StatusReason(Severity.WARNING, Topic.REACH, other, _ODD, host)


def _disk_reasons(snapshot: Snapshot, leader: Stat, *, fresh: bool) -> Iterator[StatusReason]:
    counted = snapshot.bad_disks is None
    if snapshot.bad_disks is None:
        zones = () if fresh else leader.space_stat.disk_stat_infos
        broken, repairing = sum(zone.broken for zone in zones), sum(zone.repairing for zone in zones)
    else:
        broken = sum(disk.status == DiskStatus.BROKEN for disk in snapshot.bad_disks)
        repairing = len(snapshot.bad_disks) - broken
    for fact in (DisksBad(broken, counted=counted), DisksBad(repairing, repairing=True, counted=counted)):
        if fact.number:
            yield StatusReason(Severity.WARNING, Topic.DATA, fact, ("disk_broken",))


def _space_reasons(leader: Stat, *, fresh: bool) -> Iterator[StatusReason]:
    if leader.read_only:
        # From its configuration: no recorded server that says so refuses changes.
        yield StatusReason(Severity.WARNING, Topic.SETTINGS, ReportsReadOnly(), ("read_only",))
    space = leader.space_stat
    if not fresh and low_writable(space, LOW_WRITABLE):
        severity = Severity.CRITICAL if low_writable(space, VERY_LOW_WRITABLE) else Severity.WARNING
        little = LittleWritable(space.writable_space, space.total_space)
        yield StatusReason(severity, Topic.SPACE, little, ("writable_low",))


def low_writable(space: SpaceStat, share: float) -> bool:
    """True if less than `share` of all space is writable; False for a cluster without space."""
    return space.total_space > 0 and space.writable_space < share * space.total_space
