"""Rules about hosts and what they answer: silence, errors, refused tokens, slowness, read_only."""

from types import MappingProxyType

from bot.alerting.cluster_state.observations import peer_at
from bot.alerting.details import (
    AnswerFault,
    ClusterSilent,
    FaultKind,
    HostFault,
    HostSilent,
    OthersView,
    ReadOnly,
    SlowHost,
    TokenRejected,
    UselessAnswer,
)
from bot.alerting.model import Alert, Finding, Outcome, Severity
from bot.alerting.outcomes import AnswersAgain, HostOutcome, HostState
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleConfig, RuleContext, Threshold, Unit, ended
from bot.alerting.rules.raft import quorum_only_unproven, why_down
from bot.clustermgr.models import HostAnswer
from bot.common.errors import (
    AuthRejected,
    ClusterBadAnswer,
    ClusterError,
    ClusterFailed,
    ClusterTimeout,
    ClusterUnreachable,
)

_KINDS: tuple[tuple[type[ClusterError], FaultKind], ...] = (
    (ClusterUnreachable, FaultKind.UNREACHABLE),
    (ClusterTimeout, FaultKind.TIMEOUT),
    (AuthRejected, FaultKind.REJECTED),
    (ClusterBadAnswer, FaultKind.BAD_ANSWER),
    (ClusterFailed, FaultKind.FAILED),
)


def fault_of(error: ClusterError | None) -> AnswerFault:
    """The kind of an error; the sentence of the error differs from poll to poll, and each would be an edit."""
    if error is None:
        return AnswerFault(FaultKind.NOTHING)
    kind = next((kind for known, kind in _KINDS if isinstance(error, known)), FaultKind.REFUSED)
    return AnswerFault(kind, error.status)


def is_silent(answer: HostAnswer) -> bool:
    """True if the host gave no answer at all; other rules report useless answers."""
    return answer.stat is None and (
        answer.error is None or isinstance(answer.error, ClusterUnreachable | ClusterTimeout)
    )


def host_outcome(context: RuleContext, alert: Alert) -> Outcome:
    """State of the alert's host at this poll."""
    host = alert.subject
    answer = next((answer for answer in context.snapshot.answers if answer.host == host), None)
    if answer is None:
        return HostOutcome(host, HostState.NOT_CONFIGURED)
    if answer.stat is None:
        return HostOutcome(host, HostState.SILENT, fault_of(answer.error))
    return HostOutcome(host, HostState.GOOD, peer=peer_at(context.state.hosts, host))


def _host_unreachable(context: RuleContext, limits: RuleConfig) -> Answer:
    return tuple(_silent(context, answer, limits) for answer in context.snapshot.answers if is_silent(answer))


def _silent(context: RuleContext, answer: HostAnswer, limits: RuleConfig) -> Finding:
    peer, members = peer_at(context.state.hosts, answer.host), context.state.members
    if peer and members and peer not in {member.id for member in members}:
        # Its member was removed, and stopping it then is right.
        left = HostSilent(answer.host, fault_of(answer.error), peer, removed=True)
        return Finding("host_unreachable", answer.host, limits.at_most(Severity.INFO), left)
    others = _view_of_others(context, peer) if peer else OthersView.NOTHING
    detail = HostSilent(answer.host, fault_of(answer.error), peer, others=others)
    return Finding("host_unreachable", answer.host, limits.severity, detail, covers=quorum_only_unproven(context))


def _view_of_others(context: RuleContext, peer: int) -> OthersView:
    if context.snapshot.leader is None:
        return OthersView.NAMED_LEADER if peer in context.snapshot.named_leaders else OthersView.NOTHING
    leader = context.snapshot.leader[1]
    seen = next((each for each in leader.raft_status.peers if each.id == peer), None)
    return OthersView.NOTHING if seen is None or why_down(seen, leader) else OthersView.STILL_HEARD


def _cluster_unreachable(context: RuleContext, limits: RuleConfig) -> Answer:
    snapshot = context.snapshot
    if snapshot.answered or not snapshot.answers:
        return ()
    detail = ClusterSilent(tuple(HostFault(answer.host, fault_of(answer.error)) for answer in snapshot.answers))
    rejected = all(isinstance(answer.error, AuthRejected) for answer in snapshot.answers)
    covers = () if rejected else (("auth_rejected", ""),)
    return (Finding("cluster_unreachable", "", limits.severity, detail, covers=covers),)


def _cluster_answers(context: RuleContext, _: Alert) -> Outcome:
    return AnswersAgain(len(context.snapshot.answered), len(context.snapshot.answers))


def _read_only(context: RuleContext, limits: RuleConfig) -> Answer:
    leader = context.snapshot.leader
    if leader is None or leader[1].read_only is None:
        return CANNOT_TELL
    return (Finding("read_only", "", limits.severity, ReadOnly()),) if leader[1].read_only else ()


def _api_error(context: RuleContext, limits: RuleConfig) -> Answer:
    snapshot = context.snapshot
    useless = [
        UselessAnswer(answer.host, fault_of(answer.error))
        for answer in snapshot.silent
        if not is_silent(answer) and not isinstance(answer.error, AuthRejected)
    ]
    error = snapshot.disks_error
    if snapshot.leader is not None and error is not None and not isinstance(error, AuthRejected):
        # Asked of the leader; without one this is no news, as the disks are read through the quorum.
        useless.append(UselessAnswer(snapshot.leader[0], fault_of(error), disks_only=True))
    covers = quorum_only_unproven(context) if useless else ()
    return tuple(Finding("api_error", detail.host, limits.severity, detail, covers=covers) for detail in useless)


def _auth_rejected(context: RuleContext, limits: RuleConfig) -> Answer:
    snapshot = context.snapshot
    rejecting = [answer.host for answer in snapshot.answers if isinstance(answer.error, AuthRejected)]
    if not rejecting and isinstance(snapshot.disks_error, AuthRejected):
        rejecting = [snapshot.disks_error.host or context.cluster]
    if not rejecting:
        # A silent host may reject the token all the same: only one that accepts it shows that it is right.
        return () if snapshot.answered and not context.state.refusing else CANNOT_TELL
    detail = TokenRejected(tuple(rejecting), len(snapshot.answers))
    return (
        Finding(
            rule="auth_rejected",
            subject="",
            severity=limits.severity if detail.everywhere else limits.at_most(Severity.WARNING),
            detail=detail,
            weight=len(rejecting),
            parts=detail.hosts,
            covers=(("cluster_unreachable", ""),) if detail.everywhere else quorum_only_unproven(context),
        ),
    )


def _slow_answers(context: RuleContext, limits: RuleConfig) -> Answer:
    limit = limits["limit"]
    return tuple(
        Finding("slow_answers", answer.host, limits.severity, SlowHost(answer.host, limit))
        for answer in context.snapshot.answers
        if answer.stat is not None and answer.took > limit
    )


HOST_UNREACHABLE = Rule(
    key="host_unreachable",
    about="A configured host gives no answer while others do; one alert for each host.",
    severity=Severity.WARNING,
    for_seconds=30,
    clear=30,
    remind=14400,
    finds=_host_unreachable,
    resolved=host_outcome,
)

CLUSTER_UNREACHABLE = Rule(
    key="cluster_unreachable",
    about="No configured host gives a usable answer: the state of the cluster is unknown.",
    severity=Severity.CRITICAL,
    for_seconds=20,
    clear=30,
    remind=1800,
    finds=_cluster_unreachable,
    resolved=_cluster_answers,
)

READ_ONLY = Rule(
    key="read_only",
    about="The leader reports read_only, which it takes from its configuration.",
    severity=Severity.WARNING,
    for_seconds=0,
    clear=0,
    remind=86400,
    finds=_read_only,
    resolved=ended,
)

API_ERROR = Rule(
    key="api_error",
    about="A host answers with errors or unreadable data, or answers /stat alone; one alert for each host.",
    severity=Severity.WARNING,
    for_seconds=60,
    clear=60,
    remind=14400,
    finds=_api_error,
    resolved=host_outcome,
)

AUTH_REJECTED = Rule(
    key="auth_rejected",
    about="Hosts reject the request token: critical if all do, a warning while others accept it.",
    severity=Severity.CRITICAL,
    for_seconds=15,
    clear=30,
    remind=3600,
    finds=_auth_rejected,
    resolved=ended,
)

SLOW_ANSWERS = Rule(
    key="slow_answers",
    about="A host answers slowly at every poll for a while; one alert for each host.",
    severity=Severity.WARNING,
    for_seconds=120,
    clear=120,
    remind=86400,
    finds=_slow_answers,
    resolved=host_outcome,
    thresholds=MappingProxyType({"limit": Threshold(2, Unit.SECONDS, "an answer that takes longer is slow")}),
)
