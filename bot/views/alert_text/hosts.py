"""Words for alerts about hosts: silence, errors, refused tokens, contradictions, and cmbot's own network. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.details import (
    ClusterSilent,
    Contradiction,
    ContradictionKind,
    Fault,
    FaultKind,
    HostsDisagree,
    HostSilent,
    LeaderUnseen,
    OthersView,
    OwnNetworkLost,
    PollsFail,
    ReadOnly,
    SlowHost,
    StaleHost,
    TokenRejected,
    UselessAnswer,
)
from bot.alerting.model import AlertText
from bot.alerting.text import count, listed

_MAX_NAMED = 20
_FAULTS: Mapping[FaultKind, str] = MappingProxyType(
    {
        FaultKind.NOTHING: "nothing came back",
        FaultKind.UNREACHABLE: "no connection could be made",
        FaultKind.TIMEOUT: "it did not answer in time",
        FaultKind.REJECTED: "it rejected the request token",
        FaultKind.BAD_ANSWER: "its answer cannot be understood",
        FaultKind.FAILED: "it failed to answer",
        FaultKind.REFUSED: "it refused to answer",
    }
)


def fault_words(fault: Fault) -> str:
    """The reason why a host gave no usable answer."""
    words = _FAULTS[fault.kind]
    return words if fault.status is None else f"{words} (status {fault.status})"


def host_silent(detail: HostSilent, cluster: str) -> AlertText:
    """`host_unreachable`."""
    if detail.removed:
        return AlertText(
            f"Host {detail.host} of {cluster}, once peer {detail.peer}, is silent, "
            "and that peer is no member any more.",
            ("take the host out of `clusters[].hosts`, so that nobody asks it any more",),
        )
    others = {
        OthersView.NOTHING: (),
        OthersView.NAMED_LEADER: (
            f"the others name its peer {detail.peer} as leader: until it answers, peers, disks and space are not seen",
        ),
        OthersView.STILL_HEARD: (
            f"the leader still hears from its peer {detail.peer}: only the way from here to its HTTP side is cut",
        ),
    }
    return AlertText(f"Host {detail.host} of {cluster} is silent: {fault_words(detail.fault)}.", others[detail.others])


def cluster_silent(detail: ClusterSilent, cluster: str) -> AlertText:
    """`cluster_unreachable`."""
    hosts = len(detail.hosts)
    which = "its only host gave no usable answer" if hosts == 1 else f"none of its {count(hosts, 'host')} answered"
    return AlertText(
        f"{cluster} is unreachable: {which}, so nothing is known of it.",
        tuple(f"{each.host}: {fault_words(each.fault)}" for each in detail.hosts),
    )


def read_only(_: ReadOnly, cluster: str) -> AlertText:
    """`read_only`."""
    return AlertText(f"The leader of {cluster} reports read_only (from its configuration).")


def useless_answer(detail: UselessAnswer, cluster: str) -> AlertText:
    """`api_error`."""
    why = fault_words(detail.fault)
    if detail.disks_only:
        return AlertText(f"{detail.host}, which leads {cluster}, answers /stat but not /disk/list: {why}.")
    return AlertText(f"Host {detail.host} of {cluster} answers, but not as a Clustermgr should: {why}.")


def token_rejected(detail: TokenRejected, cluster: str) -> AlertText:
    """`auth_rejected`."""
    blind = ", so nothing is known of the cluster" if detail.everywhere else ""
    whom = "every host" if detail.everywhere else f"{len(detail.hosts)} of {count(detail.asked, 'host')}"
    return AlertText(
        f"{cluster} rejects the request token: {whom} answered 403{blind}.",
        tuple(f"{host} rejects it" for host in detail.hosts),
    )


def slow_host(detail: SlowHost, cluster: str) -> AlertText:
    """`slow_answers`."""
    return AlertText(
        f"Host {detail.host} of {cluster} answers slowly: /stat takes it more than {detail.limit:g} s at each look."
    )


def hosts_disagree(detail: HostsDisagree, cluster: str) -> AlertText:
    """`hosts_disagree`."""
    first, *rest = (_contradiction(each) for each in detail.contradictions)
    return AlertText(f"The hosts of {cluster} contradict each other: {first}.", tuple(rest))


def _contradiction(found: Contradiction) -> str:
    if found.kind is ContradictionKind.CLAIMS:
        return f"{listed(found.hosts)} each claim to lead"
    if found.kind is ContradictionKind.LEADERS:
        return f"in one term they name {listed([f'peer {peer}' for peer in found.peers])} as leader"
    return f"{listed(found.hosts)} each answer as peer {found.peers[0]}"


def stale_host(detail: StaleHost, cluster: str) -> AlertText:
    """`stale_host`."""
    return AlertText(
        f"Host {detail.host} of {cluster} answers as peer {detail.peer}, which is no member: what it "
        "tells is frozen, and what it is sent it still forwards to the leader.",
        ("stop its process, and take the host out of `clusters[].hosts`",),
    )


def leader_unseen(detail: LeaderUnseen, cluster: str) -> AlertText:
    """`leader_unseen`."""
    where = f" ({listed(detail.addresses, most=1)})" if detail.addresses else ""
    return AlertText(
        f"{cluster} is led by peer {detail.peer}{where}, which is none of the configured hosts: peers, disks "
        "and space are told by the leader alone, so cmbot does not see them.",
        ("add the service address of that peer to `clusters[].hosts`",),
    )


def own_network_lost(detail: OwnNetworkLost, _: str) -> AlertText:
    """`own_network`."""
    asked = f"asked from {detail.place}: " if detail.place else ""
    return AlertText(
        f"None of {count(len(detail.clusters), 'cluster')} answers from here: "
        "the network of cmbot itself is the likely cause, and nothing is known of any of them.",
        (
            f"{asked}{listed(detail.clusters, most=_MAX_NAMED)}",
            "look at the machine that runs cmbot first: its network, routes, DNS and firewall; then at what all share",
            "what single clusters have to say follows as soon as one of them answers",
        ),
    )


def polls_fail(detail: PollsFail, cluster: str) -> AlertText:
    """`watch_blind`."""
    return AlertText(
        f"The watch of {cluster} is blind: no look at it comes through, so nothing new is told of it.",
        (detail.why,) if detail.why else (),
    )
