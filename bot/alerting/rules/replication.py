"""Rules about replication: peers that fall behind, nodes that do not apply their log, learners that are ready."""

from collections.abc import Iterator
from types import MappingProxyType

from bot.alerting.cluster_state.observations import hosts_of
from bot.alerting.details import ApplyStalled, ApplyUnknown, LearnerReady, PeerLagging
from bot.alerting.model import Alert, Finding, Fix, Outcome, Severity, TransferLeader
from bot.alerting.outcomes import HostOutcome, HostState, PeerOutcome, PeerState
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleConfig, RuleContext, Threshold, Unit
from bot.alerting.rules.raft import name_of, why_down
from bot.alerting.text import one_line
from bot.clustermgr.health import MAX_LAG, lag, learner_health, same_leadership
from bot.clustermgr.models import Peer, Stat

_GROWING_FROM = 0.1
"""Share of the limit from which on a peer that falls further behind at each poll is reported, too."""


def _peer_lagging(context: RuleContext, limits: RuleConfig) -> Answer:
    if context.snapshot.leader is None or not context.snapshot.leader[1].raft_status.peers:
        return CANNOT_TELL
    return tuple(_lagging(context, context.snapshot.leader[1], limits))


def _lagging(context: RuleContext, leader: Stat, limits: RuleConfig) -> Iterator[Finding]:
    for peer in sorted(leader.raft_status.peers, key=lambda peer: peer.id):
        behind = lag(leader, peer)
        over = behind > limits["entries"]
        grows = behind > limits["entries"] * _GROWING_FROM and behind > _before(context, peer)
        if why_down(peer, leader) or not (over or grows) or _is_catching_up(context, peer, limits["newcomer"]):
            continue
        # The exact number differs from poll to poll, and each would be an edit: powers of ten are stable.
        power = len(str(behind)) - 1
        yield Finding(
            rule="peer_lagging",
            subject=str(peer.id),
            severity=limits.at_most(Severity.INFO) if peer.is_learner else limits.severity,
            detail=PeerLagging(name_of(peer), power, not over, bool(peer.pending_snapshot)),
            weight=power,
        )


def _before(context: RuleContext, peer: Peer) -> int:
    """How far it was behind at the poll before, under the same leader; a huge number where that is not known."""
    before = same_leadership(context.previous, context.snapshot)
    if before is None or before.leader is None:
        return 1 << 64
    leader = before.leader[1]
    return next((lag(leader, each) for each in leader.raft_status.peers if each.id == peer.id), 1 << 64)


def _is_catching_up(context: RuleContext, peer: Peer, seconds: float) -> bool:
    """True if it is new and has to be behind: it joined a short while ago, or gets its first snapshot."""
    joined = any(
        change.peer == peer.id and change.now and context.now - change.at < seconds
        for change in context.state.member_changes
    )
    return joined or (peer.is_learner and peer.pending_snapshot != 0)


def _caught_up(context: RuleContext, alert: Alert) -> Outcome:
    if alert.subject not in {str(member.id) for member in context.state.members}:
        return PeerOutcome(alert.subject, PeerState.NO_MEMBER)
    leader = context.snapshot.leader
    peers = leader[1].raft_status.peers if leader else ()
    down = leader and any(str(peer.id) == alert.subject and why_down(peer, leader[1]) for peer in peers)
    return PeerOutcome(alert.subject, PeerState.DOWN if down else PeerState.GOOD)


def _apply_stalled(context: RuleContext, limits: RuleConfig) -> Answer:
    if not context.snapshot.answered:
        return CANNOT_TELL
    notes = {note.host: note for note in context.state.hosts}
    stalled = [
        (host, stat)
        for host, stat in context.snapshot.answered
        if host in notes and notes[host].stalled(stat.raft_status)
    ]
    hosts = {host for host, _ in stalled}
    # A host without a usable answer may apply its log or not: its alert neither begins nor ends.
    unknown = (
        Finding("apply_stalled", answer.host, Severity.WARNING, ApplyUnknown(answer.host), doubtful=True)
        for answer in context.snapshot.silent
    )
    return (*(_stalled(context, host, stat, hosts, limits) for host, stat in stalled), *unknown)


def _stalled(context: RuleContext, host: str, stat: Stat, stalled: set[str], limits: RuleConfig) -> Finding:
    raft = stat.raft_status
    return Finding(
        rule="apply_stalled",
        subject=host,
        severity=limits.severity if stat.claims_leadership else limits.at_most(Severity.WARNING),
        detail=ApplyStalled(host, raft.node_id, raft.applied, stat.claims_leadership),
        fix=_transfer(context, stalled) if stat.claims_leadership else None,
    )


def _transfer(context: RuleContext, stalled: set[str]) -> Fix | None:
    """Propose another voter as leader that is proven healthy and applies its log."""
    stuck = {stat.raft_status.node_id for host, stat in context.snapshot.answered if host in stalled}
    fit = [voter.peer for voter in context.voter_health.values() if voter.healthy]
    to = next((peer for peer in fit if peer not in stuck), 0)
    return TransferLeader(to) if to else None


def _applies(context: RuleContext, alert: Alert) -> Outcome:
    configured = alert.subject in {answer.host for answer in context.snapshot.answers}
    return HostOutcome(alert.subject, HostState.GOOD if configured else HostState.NOT_CONFIGURED)


def _learner_ready(context: RuleContext, limits: RuleConfig) -> Answer:
    if same_leadership(context.previous, context.snapshot) is None:
        return CANNOT_TELL
    ready = [each.peer for each in learner_health(context.previous, context.snapshot).values() if each.healthy]
    hosts = {member.id: member.host for member in context.state.members}
    return tuple(_ready(context, peer, hosts.get(peer, ""), limits) for peer in ready)


def _ready(context: RuleContext, peer: int, raft_host: str, limits: RuleConfig) -> Finding:
    """Name what its promotion needs: servers refuse to promote a learner in place (910, docs/clustermgr.md)."""
    hosts = hosts_of(context.state.hosts, peer)
    detail = LearnerReady(peer, one_line(raft_host), _bare(hosts[0]) if hosts else "")
    return Finding("learner_ready", str(peer), limits.severity, detail)


def _bare(host: str) -> str:
    """A configured host as a member's service address is written: without a scheme."""
    return host.rpartition("://")[2].rstrip("/")


def _no_learner(context: RuleContext, alert: Alert) -> Outcome:
    kind = next((member.kind for member in context.state.members if str(member.id) == alert.subject), "")
    states = {"voter": PeerState.VOTER, "": PeerState.NO_MEMBER}
    return PeerOutcome(alert.subject, states.get(kind, PeerState.UNPROVEN))


PEER_LAGGING = Rule(
    key="peer_lagging",
    about="A peer replicates far behind its leader, or falls further behind at each poll; one alert for each peer.",
    severity=Severity.WARNING,
    for_seconds=120,
    clear=60,
    remind=14400,
    finds=_peer_lagging,
    resolved=_caught_up,
    thresholds=MappingProxyType(
        {
            "entries": Threshold(
                MAX_LAG, Unit.NUMBER, "log entries that a peer may be behind; from a tenth on, it must not grow either"
            ),
            "newcomer": Threshold(1800, Unit.SECONDS, "so long after it joined a peer may be behind"),
        }
    ),
)

APPLY_STALLED = Rule(
    key="apply_stalled",
    about="A node does not apply its log while more is committed: critical on the leader; one alert for each host.",
    severity=Severity.CRITICAL,
    for_seconds=60,
    clear=0,
    remind=3600,
    finds=_apply_stalled,
    resolved=_applies,
)

LEARNER_READY = Rule(
    key="learner_ready",
    about="A learner has caught up and stays so. The alert has the steps that make it a voter.",
    severity=Severity.INFO,
    for_seconds=120,
    clear=1800,
    remind=0,
    finds=_learner_ready,
    resolved=_no_learner,
)
