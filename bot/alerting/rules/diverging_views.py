"""Rules about hosts whose views contradict each other: two leaders, stale views, a leader that is not configured."""

from collections.abc import Iterator

from bot.alerting.cluster_state.observations import peer_at
from bot.alerting.details import Contradiction, ContradictionKind, HostsDisagree, LeaderUnseen, StaleHost
from bot.alerting.model import Alert, Finding, Outcome, Pair, Severity
from bot.alerting.outcomes import Ended
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleConfig, RuleContext, leader_now
from bot.alerting.rules.reachability import host_outcome
from bot.alerting.text import one_line
from bot.clustermgr.models import Snapshot


def _hosts_disagree(context: RuleContext, limits: RuleConfig) -> Answer:
    if not context.snapshot.answered:
        return CANNOT_TELL
    found = tuple(_contradictions(context.snapshot))
    if not found:
        return ()
    severe = any(each.kind is not ContradictionKind.SAME_PEER for each in found)
    return (
        Finding(
            rule="hosts_disagree",
            subject="",
            severity=limits.severity if severe else limits.at_most(Severity.WARNING),
            detail=HostsDisagree(found),
            weight=len(found),
            parts=tuple(each.part for each in found),
            covers=_covered(context.snapshot, severe=severe),
        ),
    )


def _covered(snapshot: Snapshot, *, severe: bool) -> tuple[Pair, ...]:
    """The alerts that a contradiction explains: its hosts are stale, and two views list different members."""
    claim = [(host, stat.raft_status.node_id) for host, stat in snapshot.answered if stat.claims_leadership]
    peers = [stat.raft_status.node_id for _, stat in snapshot.answered]
    twice = [host for host, stat in snapshot.answered if peers.count(stat.raft_status.node_id) > 1]
    stale = dict.fromkeys([*(host for host, _ in claim if len(claim) > 1), *twice])
    members = [("membership_changed", "")] if severe else []
    return (*(("stale_host", host) for host in stale), *members)


def _contradictions(snapshot: Snapshot) -> Iterator[Contradiction]:
    """Contradictions within one raft group, the most severe first; terms move on, so they are left out."""
    leads = tuple(sorted(host for host, stat in snapshot.answered if stat.claims_leadership))
    if len(leads) > 1:
        yield Contradiction(ContradictionKind.CLAIMS, hosts=leads)
    named = tuple(sorted(snapshot.named_leaders))
    if len(named) > 1:
        yield Contradiction(ContradictionKind.LEADERS, peers=named)
    hosts: dict[int, list[str]] = {}
    for host, stat in snapshot.answered:
        hosts.setdefault(stat.raft_status.node_id, []).append(host)
    for peer in sorted(hosts):
        if len(hosts[peer]) > 1:
            yield Contradiction(ContradictionKind.SAME_PEER, tuple(sorted(hosts[peer])), (peer,))


def _agree(context: RuleContext, _: Alert) -> Outcome:
    return Ended(partly=bool(context.snapshot.silent))


def _stale_host(context: RuleContext, limits: RuleConfig) -> Answer:
    leader = context.snapshot.leader
    if leader is None or not leader[1].raft_status.peers:
        return CANNOT_TELL
    members = {peer.id for peer in leader[1].raft_status.peers}
    return tuple(
        Finding("stale_host", host, limits.severity, StaleHost(host, stat.raft_status.node_id))
        for host, stat in context.snapshot.answered
        if stat.raft_status.node_id not in members
    )


def _leader_unseen(context: RuleContext, limits: RuleConfig) -> Answer:
    """A silent host may be the leader's, and has its own alert: only if the peers of all silent hosts are known."""
    snapshot = context.snapshot
    named = sorted(snapshot.named_leaders)
    if snapshot.leader is not None:
        return ()
    if len(named) != 1 or named[0] in {stat.raft_status.node_id for _, stat in snapshot.answered}:
        return CANNOT_TELL
    if any(peer_at(context.state.hosts, answer.host) in {0, named[0]} for answer in snapshot.silent):
        return CANNOT_TELL
    given = {one_line(stat.leader_host) for _, stat in snapshot.answered if stat.raft_status.leader == named[0]}
    detail = LeaderUnseen(named[0], tuple(sorted(given - {""})))
    return (Finding("leader_unseen", "", limits.severity, detail, parts=(str(named[0]),)),)


HOSTS_DISAGREE = Rule(
    key="hosts_disagree",
    about="Hosts name different leaders, more than one claims to lead, or two answer as one peer.",
    severity=Severity.CRITICAL,
    for_seconds=60,
    clear=60,
    remind=3600,
    finds=_hosts_disagree,
    resolved=_agree,
)

STALE_HOST = Rule(
    key="stale_host",
    about="A configured host answers as a peer that is no member: its data is stale, but it still forwards writes.",
    severity=Severity.WARNING,
    for_seconds=60,
    clear=30,
    remind=86400,
    finds=_stale_host,
    resolved=host_outcome,
)

LEADER_UNSEEN = Rule(
    key="leader_unseen",
    about="The leader is none of the configured hosts, so most rules have nothing to judge.",
    severity=Severity.WARNING,
    for_seconds=60,
    clear=0,
    remind=86400,
    finds=_leader_unseen,
    resolved=leader_now,
)
