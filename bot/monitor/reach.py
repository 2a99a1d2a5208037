"""Rules about whom one can reach, and what the cluster takes."""

from bot.cluster.models import HostLook
from bot.errors import (
    AuthRejected,
    ClusterBadAnswer,
    ClusterError,
    ClusterFailed,
    ClusterTimeout,
    ClusterUnreachable,
)
from bot.monitor.alert import Alert, Finding, Severity
from bot.monitor.rule import CANNOT_TELL, Answer, Limits, Rule, Scene
from bot.monitor.words import count

_KINDS: tuple[tuple[type[ClusterError], str], ...] = (
    (ClusterUnreachable, "no connection could be made"),
    (ClusterTimeout, "it did not answer in time"),
    (AuthRejected, "it rejected the request token"),
    (ClusterBadAnswer, "its answer cannot be understood"),
    (ClusterFailed, "it failed to answer"),
)


def _why(look: HostLook) -> str:
    """The kind of error in words: the error's own sentence may differ at each look, and each would be an edit."""
    if look.error is None:
        return "it gave no answer"
    words = next((words for kind, words in _KINDS if isinstance(look.error, kind)), "it refused to answer")
    return words if look.error.status is None else f"{words} (status {look.error.status})"


def _host_unreachable(scene: Scene, limits: Limits) -> Answer:
    return tuple(
        Finding(
            "host_unreachable",
            look.host,
            limits.severity,
            f"Host {look.host} of {scene.cluster} gives no usable answer: {_why(look)}.",
        )
        for look in scene.snapshot.silent
    )


def _host_answers(scene: Scene, alert: Alert) -> str:
    if alert.subject not in {look.host for look in scene.snapshot.looks}:
        return f"Host {alert.subject} is not configured for {scene.cluster} any more."
    return f"Host {alert.subject} of {scene.cluster} answers again."


def _cluster_unreachable(scene: Scene, limits: Limits) -> Answer:
    snapshot = scene.snapshot
    if snapshot.answered or not snapshot.looks:
        return ()
    hosts = len(snapshot.looks)
    which = "its only host gave no usable answer" if hosts == 1 else f"none of its {count(hosts, 'host')} answered"
    sentence = f"{scene.cluster} is unreachable: {which}, so nothing is known of it."
    lines = tuple(f"{look.host}: {_why(look)}" for look in snapshot.looks)
    return (Finding("cluster_unreachable", "", limits.severity, sentence, lines),)


def _cluster_answers(scene: Scene, _: Alert) -> str:
    answered, hosts = len(scene.snapshot.answered), len(scene.snapshot.looks)
    return f"{scene.cluster} answers again: {answered} of {count(hosts, 'host')}."


def _read_only(scene: Scene, limits: Limits) -> Answer:
    leader = scene.snapshot.leader
    if leader is None or leader[1].read_only is None:
        return CANNOT_TELL
    if not leader[1].read_only:
        return ()
    return (Finding("read_only", "", limits.severity, f"{scene.cluster} is read-only: it refuses all changes."),)


def _writable(scene: Scene, _: Alert) -> str:
    return f"{scene.cluster} is not read-only any more."


HOST_UNREACHABLE = Rule(
    key="host_unreachable",
    about="A configured host gives no usable answer while others do; one alert for each host.",
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
    about="The leader says that the cluster is read-only.",
    severity=Severity.WARNING,
    hold=0,
    clear=0,
    remind=86400,
    looks=_read_only,
    resolved=_writable,
)
