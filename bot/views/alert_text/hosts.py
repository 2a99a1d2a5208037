"""Words for alerts about hosts: silence, errors, refused tokens, contradictions, and cmbot's own network. No I/O."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.alerting.details import (
    AnswerFault,
    ClusterSilent,
    Contradiction,
    ContradictionKind,
    FaultKind,
    HostsDisagree,
    HostSilent,
    LeaderUnseen,
    OthersView,
    OwnNetworkLost,
    PollFailure,
    PollFailureKind,
    PollsFail,
    ReadOnly,
    SlowHost,
    StaleHost,
    TokenRejected,
    UselessAnswer,
)
from bot.alerting.model import AlertText, LegacyText
from bot.common.text import count, listed
from bot.views.text import in_ticks

_MAX_NAMED = 20
_FAULTS: Mapping[FaultKind, str] = MappingProxyType(
    {
        FaultKind.NOTHING: "it sent nothing",
        FaultKind.UNREACHABLE: "it accepts no connection",
        FaultKind.TIMEOUT: "it did not answer in time",
        FaultKind.REJECTED: "it rejected the request token",
        FaultKind.BAD_ANSWER: "its answer is unreadable",
        FaultKind.FAILED: "it failed to answer",
        FaultKind.REFUSED: "it refused to answer",
    }
)


def fault_words(fault: AnswerFault) -> str:
    """The reason why a host gave no usable answer."""
    words = _FAULTS[fault.kind]
    return words if fault.status is None else f"{words} (status {fault.status})"


def host_silent(detail: HostSilent, cluster: str) -> AlertText:
    """`host_unreachable`."""
    if detail.removed:
        return AlertText(
            f"Host `{detail.host}` of {cluster} does not answer; its peer {detail.peer} was removed from the cluster.",
            ("remove the host from `clusters[].hosts`; cmbot then stops polling it",),
        )
    others = {
        OthersView.NOTHING: (),
        OthersView.NAMED_LEADER: (
            f"the others name its peer {detail.peer} as leader: until it answers, cmbot sees no peers, disks or space",
        ),
        OthersView.STILL_HEARD: (
            f"the leader still hears from its peer {detail.peer}: only its HTTP address is unreachable from here",
        ),
    }
    return AlertText(
        f"Host `{detail.host}` of {cluster} does not answer: {fault_words(detail.fault)}.", others[detail.others]
    )


def cluster_silent(detail: ClusterSilent, cluster: str) -> AlertText:
    """`cluster_unreachable`."""
    hosts = len(detail.hosts)
    which = (
        "its only host gave no usable answer"
        if hosts == 1
        else f"none of its {count(hosts, 'host')} gave a usable answer"
    )
    return AlertText(
        f"{cluster} is unreachable: {which}. Its state is unknown.",
        tuple(f"`{each.host}`: {fault_words(each.fault)}" for each in detail.hosts),
    )


def read_only(_: ReadOnly, cluster: str) -> AlertText:
    """`read_only`."""
    return AlertText(f"The leader of {cluster} reports `read_only`, set in its configuration.")


def useless_answer(detail: UselessAnswer, cluster: str) -> AlertText:
    """`api_error`."""
    why = fault_words(detail.fault)
    if detail.disks_only:
        return AlertText(f"The leader of {cluster}, `{detail.host}`, answers `/stat` but not `/disk/list`: {why}.")
    return AlertText(f"Host `{detail.host}` of {cluster} gives no usable answer: {why}.")


def token_rejected(detail: TokenRejected, cluster: str) -> AlertText:
    """`auth_rejected`."""
    blind = ". Its state is unknown" if detail.everywhere else ""
    whom = "every host" if detail.everywhere else f"{len(detail.hosts)} of {count(detail.asked, 'host')}"
    return AlertText(
        f"{cluster} rejects the request token: {whom} answered 403{blind}.",
        tuple(f"`{host}` rejects the token" for host in detail.hosts),
    )


def slow_host(detail: SlowHost, cluster: str) -> AlertText:
    """`slow_answers`."""
    return AlertText(
        f"Host `{detail.host}` of {cluster} is slow: each answer to `/stat` takes more than {detail.limit:g} s."
    )


def hosts_disagree(detail: HostsDisagree, cluster: str) -> AlertText:
    """`hosts_disagree`."""
    first, *rest = (_contradiction(each) for each in detail.contradictions)
    return AlertText(f"The hosts of {cluster} contradict each other: {first}.", tuple(rest))


def _contradiction(found: Contradiction) -> str:
    if found.kind is ContradictionKind.CLAIMS:
        return f"{_hosts(found.hosts)} each claim to lead"
    if found.kind is ContradictionKind.LEADERS:
        return f"they name in one term {listed([f'peer {peer}' for peer in found.peers])} as leader"
    return f"{_hosts(found.hosts)} each answer as peer {found.peers[0]}"


def _hosts(hosts: Sequence[str]) -> str:
    return listed([f"`{host}`" for host in hosts])


def stale_host(detail: StaleHost, cluster: str) -> AlertText:
    """`stale_host`."""
    return AlertText(
        f"Host `{detail.host}` of {cluster} answers as peer {detail.peer}, which is not a member. "
        "Its data is stale, but it still forwards writes to the leader.",
    )


def leader_unseen(detail: LeaderUnseen, cluster: str) -> AlertText:
    """`leader_unseen`."""
    addresses = listed([in_ticks(each) for each in detail.addresses], most=1)
    where = f" ({addresses})" if addresses else ""
    return AlertText(
        f"cmbot sees no peers, disks or space of {cluster}: only the leader reports them, and its peer "
        f"{detail.peer}{where} is not among the configured hosts.",
    )


def own_network_lost(detail: OwnNetworkLost, _: str) -> AlertText:
    """`own_network`."""
    asked = f"asked from {detail.place}: " if detail.place else ""
    return AlertText(
        f"None of {count(len(detail.clusters), 'cluster')} answers from here. "
        "The likely cause is cmbot's own network; the state of the clusters is unknown.",
        (
            f"{asked}{listed(detail.clusters, most=_MAX_NAMED)}",
            "check the machine that runs cmbot first: network, routes, DNS, firewall; then what the clusters share",
            "alerts of single clusters follow as soon as one of them answers",
        ),
    )


def polls_fail(detail: PollsFail, cluster: str) -> AlertText:
    """`watch_blind`."""
    return AlertText(
        f"cmbot cannot watch {cluster}: every poll fails, so no alert of it is raised or resolved.",
        (poll_failure_text(detail.failure),) if detail.failure else (),
    )


def poll_failure_text(failure: PollFailure | LegacyText | None) -> str:
    """The reason of a failed poll as a sentence, "" if it is unknown."""
    match failure:
        case None:
            return ""
        case LegacyText(text) | PollFailure(PollFailureKind.ERROR, text):
            return text
        case PollFailure(PollFailureKind.UNEXPECTED, name):
            return f"An unexpected {name}: the log has the rest."
        case PollFailure(about=problem):
            return f"A scheduled poll did not run: {problem}."
