"""Rules about the peers that a leader follows up, and the quorum that they make."""

import re
from types import MappingProxyType

from bot.alerting.inhibition import covers
from bot.alerting.model import Alert, Finding, Severity
from bot.alerting.quorum import quorum_of, same_term
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleConfig, RuleContext, Threshold, Unit
from bot.alerting.rules.peers import covered_by_loss, named, sees_spare, silent_hosts_of, why_down
from bot.alerting.text import count, plain
from bot.clustermgr.health import MAX_LAG, VoterHealth, peer_fault, quorum, voter_health, voters
from bot.clustermgr.models import Peer, Snapshot


def _peer_down(context: RuleContext, limits: RuleConfig) -> Answer:
    if context.snapshot.leader is None:
        return CANNOT_TELL
    leader = context.snapshot.leader[1]
    peers = sorted(leader.raft_status.peers, key=lambda peer: peer.id)
    if not peers:
        return CANNOT_TELL
    return tuple(_down(context, peer, why, limits) for peer in peers if (why := why_down(peer, leader)))


def _down(context: RuleContext, peer: Peer, why: str, limits: RuleConfig) -> Finding:
    severity = limits.at_most(Severity.INFO) if peer.is_learner else limits.severity
    who = named(peer)
    return Finding(
        "peer_down",
        str(peer.id),
        severity,
        f"{who[:1].upper()}{who[1:]} of {context.cluster} is down: {why}.",
        lines=silent_hosts_of(context, peer.id),
        data=covers(*covered_by_loss(context.memory, peer.id)),
    )


def _up_again(context: RuleContext, alert: Alert) -> str:
    known = {str(peer) for peer in (*context.memory.voters, *context.memory.learners)}
    if alert.subject not in known:
        return f"Peer {alert.subject} is no member of {context.cluster} any more."
    return f"Peer {alert.subject} of {context.cluster} replicates again."


PEER_DOWN = Rule(
    key="peer_down",
    about="The leader does not hear from a peer, or cannot replicate to it; one alert for each peer.",
    severity=Severity.WARNING,
    hold=30,
    clear=30,
    remind=14400,
    looks=_peer_down,
    resolved=_up_again,
)


def _quorum_at_risk(context: RuleContext, limits: RuleConfig) -> Answer:
    health = voter_health(context.previous, context.snapshot)
    if context.snapshot.leader is None or not health or not same_term(context.previous, context.snapshot):
        # Without two looks under one leader every voter is unproven, which is no news.
        return CANNOT_TELL
    arithmetic = quorum_of(health)
    if arithmetic.voters < limits["smallest_group"] or arithmetic.spare > 0:
        return ()
    reason = (
        f"only {arithmetic.healthy} of {arithmetic.voters} voters are proven healthy and {arithmetic.needed} must agree"
        if arithmetic.healthy < arithmetic.voters
        else f"it has {count(arithmetic.voters, 'voter')} and all of them must agree"
    )
    at_stake = "one more failure stops all writes" if arithmetic.spare == 0 else "writes may have stopped"
    seen_well = sees_spare(context.snapshot.leader[1])
    sick = tuple(voter for voter in health.values() if not voter.healthy)
    # One more look like this one proves it: till then it is neither told for the first time nor resolved.
    unproven = seen_well and bool(sick) and all(_sound_now(context.snapshot, voter.peer) for voter in sick)
    return (
        Finding(
            rule="quorum_at_risk",
            subject="",
            severity=limits.at_most(Severity.WARNING) if seen_well else limits.severity,
            sentence=f"The quorum of {context.cluster} is at risk: {reason}, so {at_stake}.",
            lines=tuple(line for voter in sick for line in _lines(context, voter)),
            weight=max(1, 1 - arithmetic.spare),
            data={
                "parts": [str(voter.peer) for voter in sick],
                **({} if sick else {"step": _ADD_VOTER}),
                **({} if seen_well else covers(*(pair for voter in sick for pair in _covered(context, voter.peer)))),
            },
            doubtful=unproven,
        ),
    )


_ADD_VOTER = "Add another voter (`/cm member add`): a group of this size cannot lose one."


def _sound_now(snapshot: Snapshot, peer: int) -> bool:
    """Whether nothing but the look before is held against a voter: its leader and its own host find it sound."""
    if snapshot.leader is None:
        return False
    leader = snapshot.leader[1]
    own = [stat.raft_status for _, stat in snapshot.answered if stat.raft_status.node_id == peer]
    follows = [(raft.leader, raft.term) == (leader.raft_status.leader, leader.raft_status.term) for raft in own]
    sound = any(each.id == peer and not peer_fault(each, leader) for each in voters(leader))
    return sound and len(own) <= 1 and (all(follows) if own else not snapshot.silent)


def _lines(context: RuleContext, voter: VoterHealth) -> tuple[str, ...]:
    return (f"voter {voter.peer}: {_steady(plain(voter.why))}", *silent_hosts_of(context, voter.peer))


def _covered(context: RuleContext, peer: int) -> tuple[tuple[str, str], ...]:
    """A voter that is told here by name, with what is wrong, needs no alert of its own beside it."""
    return (("peer_down", str(peer)), *covered_by_loss(context.memory, peer))


def _steady(why: str) -> str:
    """Without the exact lag: it differs at each look, and each would be an edit."""
    return re.sub(r"it is [\d,]+ entries behind", f"it is over {MAX_LAG:,} entries behind", why)


def _quorum_safe(context: RuleContext, _: Alert) -> str:
    size = len(context.memory.voters)
    if context.snapshot.leader is None or not size:
        return f"The quorum of {context.cluster} is safe again."
    return f"The quorum of {context.cluster} is safe again: it has {count(size, 'voter')}, {quorum(size)} must agree."


QUORUM_AT_RISK = Rule(
    key="quorum_at_risk",
    about="One more failed voter stops all writes, counting only voters that are proven healthy.",
    severity=Severity.CRITICAL,
    hold=30,
    clear=30,
    remind=3600,
    looks=_quorum_at_risk,
    resolved=_quorum_safe,
    thresholds=MappingProxyType(
        {"smallest_group": Threshold(2, Unit.NUMBER, "groups of fewer voters are taken to be meant so")}
    ),
)
