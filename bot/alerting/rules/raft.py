"""Rules about the members of the raft group: peers that are down, the quorum, members that changed."""

from dataclasses import replace
from types import MappingProxyType

from bot.alerting.cluster_state.observations import hosts_of
from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.details import (
    MemberMove,
    MembershipChanged,
    PeerDown,
    PeerFault,
    PeerName,
    QuorumAtRisk,
    SickVoter,
)
from bot.alerting.model import Alert, Finding, Outcome, Pair, Severity
from bot.alerting.outcomes import MembersNow, PeerOutcome, PeerState
from bot.alerting.quorum import quorum_of, same_term
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleConfig, RuleContext, Threshold, Unit
from bot.alerting.text import one_line
from bot.clustermgr.health import MAX_LAG, VoterFault, lag, peer_fault, quorum, voters
from bot.clustermgr.models import Peer, Snapshot, Stat

REPLICATES = "StateReplicate"


def why_down(peer: Peer, leader: Stat) -> PeerFault | None:
    """Why a peer counts as down, None if it does not; the leader's flag about itself means nothing."""
    if peer.id == leader.raft_status.node_id:
        return None
    if not peer.active:
        return PeerFault.NOT_HEARD
    if peer.state == "StateProbe":
        return PeerFault.PROBED
    return PeerFault.PAUSED if peer.paused and peer.pending_snapshot == 0 else None


def following(leader: Stat) -> int:
    """Number of voters that follow by the leader's own view alone, itself included."""
    return sum(
        peer.id == leader.raft_status.node_id
        or (peer.active and not peer.paused and peer.state == REPLICATES and lag(leader, peer) <= MAX_LAG)
        for peer in voters(leader)
    )


def sees_spare(leader: Stat) -> bool:
    """True if one more voter may fail by the leader's own view; that is much less than proof."""
    return following(leader) > quorum(len(voters(leader)))


def name_of(peer: Peer) -> PeerName:
    """A peer as its leader lists it; the address is on one line."""
    return PeerName(peer.id, peer.is_learner, one_line(peer.host) if peer.host else "")


def covered_by_loss(state: ClusterState, peer: int) -> tuple[Pair, ...]:
    """The alerts that a lost peer explains: its host is silent, and it lags."""
    hosts = tuple(("host_unreachable", host) for host in hosts_of(state.hosts, peer))
    return (*hosts, ("peer_lagging", str(peer)))


def quorum_only_unproven(context: RuleContext) -> tuple[Pair, ...]:
    """`quorum_at_risk`, if it would say no more than that the voter of a silent host is not proven healthy.

    While the leader itself sees voters to spare, the quorum is as good as it was. A voter that is unproven although its
    own host answers is other news.
    """
    leader = context.snapshot.leader
    if leader is None or not sees_spare(leader[1]):
        return ()
    quiet = {answer.host for answer in context.snapshot.silent}
    sick = [voter.peer for voter in context.voter_health.values() if not voter.healthy]
    all_quiet = all(quiet & set(hosts_of(context.state.hosts, peer)) for peer in sick)
    return (("quorum_at_risk", ""),) if all_quiet else ()


def silent_hosts_of(context: RuleContext, peer: int) -> tuple[str, ...]:
    """The configured hosts of a peer that give no usable answer either."""
    known = set(hosts_of(context.state.hosts, peer))
    return tuple(answer.host for answer in context.snapshot.silent if answer.host in known)


def _peer_down(context: RuleContext, limits: RuleConfig) -> Answer:
    if context.snapshot.leader is None:
        return CANNOT_TELL
    leader = context.snapshot.leader[1]
    peers = sorted(leader.raft_status.peers, key=lambda peer: peer.id)
    if not peers:
        return CANNOT_TELL
    return tuple(_down(context, peer, why, limits) for peer in peers if (why := why_down(peer, leader)))


def _down(context: RuleContext, peer: Peer, why: PeerFault, limits: RuleConfig) -> Finding:
    return Finding(
        "peer_down",
        str(peer.id),
        limits.at_most(Severity.INFO) if peer.is_learner else limits.severity,
        PeerDown(name_of(peer), why, silent_hosts_of(context, peer.id)),
        covers=covered_by_loss(context.state, peer.id),
    )


def _up_again(context: RuleContext, alert: Alert) -> Outcome:
    known = {str(peer) for peer in (*context.state.voters, *context.state.learners)}
    return PeerOutcome(alert.subject, PeerState.GOOD if alert.subject in known else PeerState.NO_MEMBER)


def _quorum_at_risk(context: RuleContext, limits: RuleConfig) -> Answer:
    health = context.voter_health
    if context.snapshot.leader is None or not health or not same_term(context.previous, context.snapshot):
        # Without two polls under one leader every voter is unproven, which is no news.
        return CANNOT_TELL
    arithmetic = quorum_of(health)
    if arithmetic.voters < limits["smallest_group"] or arithmetic.spare > 0:
        return ()
    seen_well = sees_spare(context.snapshot.leader[1])
    sick = tuple(voter for voter in health.values() if not voter.healthy)
    # One more poll like this one proves it: till then it is neither announced for the first time nor resolved.
    unproven = seen_well and bool(sick) and all(_sound_now(context.snapshot, voter.peer) for voter in sick)
    return (
        Finding(
            rule="quorum_at_risk",
            subject="",
            severity=limits.at_most(Severity.WARNING) if seen_well else limits.severity,
            detail=QuorumAtRisk(
                arithmetic.voters,
                arithmetic.needed,
                arithmetic.healthy,
                tuple(
                    SickVoter(voter.peer, _steady(voter.fault), silent_hosts_of(context, voter.peer)) for voter in sick
                ),
            ),
            weight=max(1, 1 - arithmetic.spare),
            parts=tuple(str(voter.peer) for voter in sick),
            covers=() if seen_well else tuple(pair for voter in sick for pair in _covered(context, voter.peer)),
            doubtful=unproven,
        ),
    )


def _sound_now(snapshot: Snapshot, peer: int) -> bool:
    """True if only the poll before is held against a voter: its leader and its own host find no fault now."""
    if snapshot.leader is None:
        return False
    leader = snapshot.leader[1]
    own = [stat.raft_status for _, stat in snapshot.answered if stat.raft_status.node_id == peer]
    follows = [(raft.leader, raft.term) == (leader.raft_status.leader, leader.raft_status.term) for raft in own]
    sound = any(each.id == peer and not peer_fault(each, leader) for each in voters(leader))
    return sound and len(own) <= 1 and (all(follows) if own else not snapshot.silent)


def _covered(context: RuleContext, peer: int) -> tuple[Pair, ...]:
    """A voter that this alert names with its fault needs no alert beside it."""
    return (("peer_down", str(peer)), *covered_by_loss(context.state, peer))


def _steady(fault: VoterFault | None) -> VoterFault | None:
    """The fault without the exact lag, which differs from poll to poll: each would be an edit."""
    return None if fault is None else replace(fault, entries=0, state=one_line(fault.state))


def _quorum_safe(context: RuleContext, _: Alert) -> Outcome:
    return MembersNow(0 if context.snapshot.leader is None else len(context.state.voters))


def _membership_changed(context: RuleContext, limits: RuleConfig) -> Answer:
    """Find changes that no operation caused: the card and the thread of an operation show its own effect.

    They name who asked and who approved, in the operations channel; an alert beside them would repeat that.
    """
    if context.snapshot.leader is None:
        return CANNOT_TELL
    edge = context.now - limits["window"]
    changes = [change for change in context.state.member_changes if change.at > edge and not change.op]
    if not changes:
        return ()
    return (
        Finding(
            "membership_changed",
            "",
            limits.severity,
            MembershipChanged(
                tuple(
                    MemberMove(change.peer, change.was, change.now, change.host_was, change.host, change.away)
                    for change in changes
                )
            ),
            weight=len(changes),
            parts=tuple(f"{change.peer}:{change.was}>{change.now}@{change.at:.3f}" for change in changes),
        ),
    )


def _members_now(context: RuleContext, _: Alert) -> Outcome:
    return MembersNow(len(context.state.voters), len(context.state.learners))


PEER_DOWN = Rule(
    key="peer_down",
    about="The leader does not hear from a peer, or cannot replicate to it; one alert for each peer.",
    severity=Severity.WARNING,
    for_seconds=30,
    clear=30,
    remind=14400,
    finds=_peer_down,
    resolved=_up_again,
)

QUORUM_AT_RISK = Rule(
    key="quorum_at_risk",
    about="One more failed voter stops all writes; only voters that are proven healthy count.",
    severity=Severity.CRITICAL,
    for_seconds=30,
    clear=30,
    remind=3600,
    finds=_quorum_at_risk,
    resolved=_quorum_safe,
    thresholds=MappingProxyType(
        {"smallest_group": Threshold(2, Unit.NUMBER, "groups of fewer voters are accepted as they are")}
    ),
)

MEMBERSHIP_CHANGED = Rule(
    key="membership_changed",
    about="A peer joined, left, changed its kind or its address, and no operation of cmbot caused it.",
    severity=Severity.WARNING,
    for_seconds=0,
    clear=0,
    remind=0,
    finds=_membership_changed,
    resolved=_members_now,
    thresholds=MappingProxyType(
        {"window": Threshold(3600, Unit.SECONDS, "so long a change stays open; later changes join its alert")}
    ),
)
