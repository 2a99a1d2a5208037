"""Rules about whom one can reach, and what the cluster takes."""

from bot.alerting.cluster_state.observations import peer_at
from bot.alerting.inhibition import covers
from bot.alerting.model import Alert, Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleConfig, RuleContext
from bot.alerting.rules.peers import unproven_only, why_down
from bot.alerting.text import count
from bot.clustermgr.models import HostLook
from bot.common.errors import (
    AuthRejected,
    ClusterBadAnswer,
    ClusterError,
    ClusterFailed,
    ClusterTimeout,
    ClusterUnreachable,
)

_KINDS: tuple[tuple[type[ClusterError], str], ...] = (
    (ClusterUnreachable, "no connection could be made"),
    (ClusterTimeout, "it did not answer in time"),
    (AuthRejected, "it rejected the request token"),
    (ClusterBadAnswer, "its answer cannot be understood"),
    (ClusterFailed, "it failed to answer"),
)


def why(error: ClusterError | None) -> str:
    """The kind of error in words: the error's own sentence may differ at each look, and each would be an edit."""
    if error is None:
        return "nothing came back"
    words = next((words for kind, words in _KINDS if isinstance(error, kind)), "it refused to answer")
    return words if error.status is None else f"{words} (status {error.status})"


def is_silent(look: HostLook) -> bool:
    """Whether the host said nothing at all; one that says what is of no use is told by other rules."""
    return look.stat is None and (look.error is None or isinstance(look.error, ClusterUnreachable | ClusterTimeout))


def _host_unreachable(context: RuleContext, limits: RuleConfig) -> Answer:
    return tuple(_silent(context, look, limits) for look in context.snapshot.looks if is_silent(look))


def _silent(context: RuleContext, look: HostLook, limits: RuleConfig) -> Finding:
    sentence = f"Host {look.host} of {context.cluster} is silent: {why(look.error)}."
    peer = peer_at(context.memory.hosts, look.host)
    if peer and context.memory.members and peer not in {member.id for member in context.memory.members}:
        # Whoever removed a member and stopped it did as they should.
        left = (
            f"Host {look.host} of {context.cluster}, once peer {peer}, is silent, and that peer is no member any more."
        )
        mend = ("take the host out of `clusters[].hosts`, so that nobody asks it any more",)
        return Finding("host_unreachable", look.host, limits.at_most(Severity.INFO), left, mend)
    lines = _by_the_others(context, peer) if peer else ()
    return Finding(
        "host_unreachable", look.host, limits.severity, sentence, lines, data=covers(*unproven_only(context))
    )


def _by_the_others(context: RuleContext, peer: int) -> tuple[str, ...]:
    """What the others say of the peer of a silent host."""
    if context.snapshot.leader is None:
        leads = peer in context.snapshot.named_leaders
        blind = f"the others name its peer {peer} as leader: until it answers, peers, disks and space are not seen"
        return (blind,) if leads else ()
    leader = context.snapshot.leader[1]
    seen = next((each for each in leader.raft_status.peers if each.id == peer), None)
    if seen is None or why_down(seen, leader):
        return ()
    return (f"the leader still hears from its peer {peer}: only the way from here to its HTTP side is cut",)


def became_of(context: RuleContext, host: str, good: str, *, silent: str = "does not answer at all any more") -> str:
    """What became of a host: gone from the settings, without a usable answer (`silent` says it), or as `good` says."""
    look = next((look for look in context.snapshot.looks if look.host == host), None)
    if look is None:
        return f"Host {host} is not configured for {context.cluster} any more."
    return f"Host {host} of {context.cluster} {good if look.stat is not None else silent}."


def _host_answers(context: RuleContext, alert: Alert) -> str:
    error = next((look.error for look in context.snapshot.silent if look.host == alert.subject), None)
    return became_of(context, alert.subject, "answers again", silent=f"answers again, though {why(error)}")


def _cluster_unreachable(context: RuleContext, limits: RuleConfig) -> Answer:
    snapshot = context.snapshot
    if snapshot.answered or not snapshot.looks:
        return ()
    hosts = len(snapshot.looks)
    which = "its only host gave no usable answer" if hosts == 1 else f"none of its {count(hosts, 'host')} answered"
    sentence = f"{context.cluster} is unreachable: {which}, so nothing is known of it."
    lines = tuple(f"{look.host}: {why(look.error)}" for look in snapshot.looks)
    rejected = all(isinstance(look.error, AuthRejected) for look in snapshot.looks)
    said = {} if rejected else covers(("auth_rejected", ""))
    return (Finding("cluster_unreachable", "", limits.severity, sentence, lines, data=said),)


def _cluster_answers(context: RuleContext, _: Alert) -> str:
    answered, hosts = len(context.snapshot.answered), len(context.snapshot.looks)
    return f"{context.cluster} answers again: {answered} of {count(hosts, 'host')}."


def _read_only(context: RuleContext, limits: RuleConfig) -> Answer:
    leader = context.snapshot.leader
    if leader is None or leader[1].read_only is None:
        return CANNOT_TELL
    if not leader[1].read_only:
        return ()
    return (
        Finding(
            "read_only",
            "",
            limits.severity,
            f"The leader of {context.cluster} reports read_only (from its configuration).",
        ),
    )


def _writable(context: RuleContext, _: Alert) -> str:
    return f"The leader of {context.cluster} does not report read_only any more."


HOST_UNREACHABLE = Rule(
    key="host_unreachable",
    about="A configured host gives no answer while others do; one alert for each host.",
    severity=Severity.WARNING,
    hold=30,
    clear=30,
    remind=14400,
    looks=_host_unreachable,
    resolved=_host_answers,
)

CLUSTER_UNREACHABLE = Rule(
    key="cluster_unreachable",
    about="No configured host gives a usable answer: nothing is known of the cluster.",
    severity=Severity.CRITICAL,
    hold=20,
    clear=30,
    remind=1800,
    looks=_cluster_unreachable,
    resolved=_cluster_answers,
)

READ_ONLY = Rule(
    key="read_only",
    about="The leader reports read_only, which it has from its configuration.",
    severity=Severity.WARNING,
    hold=0,
    clear=0,
    remind=86400,
    looks=_read_only,
    resolved=_writable,
)
