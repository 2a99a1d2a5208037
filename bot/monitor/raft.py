"""Rules about leadership, voters and the quorum."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from bot.cluster.health import MAX_LAG, lag, quorum, voter_health, voters
from bot.cluster.models import Peer, Stat
from bot.monitor.alert import Alert, Finding, Severity
from bot.monitor.memory import LeaderChange
from bot.monitor.rule import CANNOT_TELL, Answer, Limits, Rule, Scene, Threshold, Unit
from bot.monitor.verdict import one_reign, quorum_of
from bot.monitor.words import count, plain, span


def _no_leader(scene: Scene, limits: Limits) -> Answer:
    snapshot = scene.snapshot
    if snapshot.leader is not None:
        return ()
    if not snapshot.answered or snapshot.named_leaders:
        # Nobody to ask; or a leader that is named but silent, which may lead all the same.
        return CANNOT_TELL
    if any(stat.claims_leadership for _, stat in snapshot.answered):
        return CANNOT_TELL
    answered, hosts = len(snapshot.answered), len(snapshot.looks)
    sentence = (
        f"{scene.cluster} has no leader: {answered} of {count(hosts, 'host')} "
        f"{'answers' if answered == 1 else 'answer'} and none knows one, so nothing can be written."
    )
    return (Finding("no_leader", "", limits.severity, sentence, lines=_last_leader(scene)),)


def _last_leader(scene: Scene) -> tuple[str, ...]:
    if not scene.memory.leader:
        return ()
    return (f"the last known leader was peer {scene.memory.leader} in term {scene.memory.term}",)


def _led_again(scene: Scene, _: Alert) -> str:
    return f"{scene.cluster} has a leader again: peer {scene.memory.leader} in term {scene.memory.term}."


def _leader_changed(scene: Scene, limits: Limits) -> Answer:
    recent = _recent(scene.memory.changes, scene.now, limits["window"])
    if not recent:
        return () if scene.snapshot.leader is not None else CANNOT_TELL
    first, last = recent[0], recent[-1]
    sentence = f"{_moved(scene.cluster, first)}."
    if len(recent) > 1:
        sentence = (
            f"The leader of {scene.cluster} changed {len(recent)} times in {span(last.at - first.at)}, "
            f"last from peer {last.before} to peer {last.after} in term {last.term}."
        )
    lines = tuple(_line(change) for change in reversed(recent)) if len(recent) > 1 else ()
    parts = [f"{change.before}>{change.after}@{change.at:.3f}" for change in recent]
    data = {"parts": parts, "from": last.before, "to": last.after, "term": last.term}
    data |= {"op": last.op, "approved": last.approved.split()} if last.op else {}
    # What somebody asked for and somebody approved is no alarm.
    severity = limits.at_most(Severity.INFO) if all(change.op for change in recent) else limits.severity
    return (Finding("leader_changed", "", severity, sentence, lines, weight=len(recent), data=data),)


def _recent(changes: tuple[LeaderChange, ...], now: float, window: float) -> tuple[LeaderChange, ...]:
    """The last changes, each within `window` of the next, the last of them within `window` of now."""
    found: list[LeaderChange] = []
    edge = now
    for change in reversed(changes):
        if edge - change.at >= window:
            break
        found.append(change)
        edge = change.at
    return tuple(reversed(found))


def _moved(cluster: str, change: LeaderChange) -> str:
    moved = f"from peer {change.before} to peer {change.after}, which leads in term {change.term}{_by(change)}"
    if change.away:
        unseen = f"While cmbot was not looking (for {span(change.away)} at most)"
        return f"{unseen}, the leadership of {cluster} moved {moved}"
    return f"The leadership of {cluster} moved {moved}"


def _line(change: LeaderChange) -> str:
    when = f", noticed after at most {span(change.away)} without a look" if change.away else ""
    return f"term {change.term}: from peer {change.before} to peer {change.after}{when}{_by(change)}"


def _by(change: LeaderChange) -> str:
    return f", by operation {change.op}" if change.op else ""


def _led_on(scene: Scene, _: Alert) -> str:
    memory = scene.memory
    lasted = span(scene.now - memory.leader_since)
    return f"The leader of {scene.cluster} has not changed again: peer {memory.leader} has led for {lasted}."


def _peer_down(scene: Scene, limits: Limits) -> Answer:
    if scene.snapshot.leader is None:
        return CANNOT_TELL
    leader = scene.snapshot.leader[1]
    peers = sorted(leader.raft_status.peers, key=lambda peer: peer.id)
    if not peers:
        return CANNOT_TELL
    return tuple(_down(scene.cluster, peer, why, limits) for peer in peers if (why := _why_down(peer, leader)))


def _why_down(peer: Peer, leader: Stat) -> str:
    """Why it counts as down, "" when it does not; an inactive flag of the leader's own says nothing."""
    if peer.id == leader.raft_status.node_id:
        return ""
    if not peer.active:
        return "the leader has not heard from it lately"
    if peer.state == "StateProbe":
        return "the leader only probes it"
    return "replication to it is paused" if peer.paused else ""


def _down(cluster: str, peer: Peer, why: str, limits: Limits) -> Finding:
    kind = "Learner" if peer.is_learner else "Voter"
    severity = limits.at_most(Severity.INFO) if peer.is_learner else limits.severity
    where = f" ({plain(peer.host)})" if peer.host else ""
    return Finding("peer_down", str(peer.id), severity, f"{kind} {peer.id}{where} of {cluster} is down: {why}.")


def _up_again(scene: Scene, alert: Alert) -> str:
    known = {str(peer) for peer in (*scene.memory.voters, *scene.memory.learners)}
    if alert.subject not in known:
        return f"Peer {alert.subject} is no member of {scene.cluster} any more."
    return f"Peer {alert.subject} of {scene.cluster} replicates again."


def _quorum_at_risk(scene: Scene, limits: Limits) -> Answer:
    health = voter_health(scene.previous, scene.snapshot)
    if scene.snapshot.leader is None or not health or not one_reign(scene.previous, scene.snapshot):
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
    seen_well = _following(scene.snapshot.leader[1]) > arithmetic.needed
    return (
        Finding(
            rule="quorum_at_risk",
            subject="",
            severity=limits.at_most(Severity.WARNING) if seen_well else limits.severity,
            sentence=f"The quorum of {scene.cluster} is at risk: {reason}, so {at_stake}.",
            lines=tuple(
                f"voter {voter.peer}: {_steady(plain(voter.why))}" for voter in health.values() if not voter.healthy
            ),
            weight=max(1, 1 - arithmetic.spare),
        ),
    )


def _steady(why: str) -> str:
    """Without the exact lag: it differs at each look, and each would be an edit."""
    return re.sub(r"it is [\d,]+ entries behind", f"it is over {MAX_LAG:,} entries behind", why)


def _following(leader: Stat) -> int:
    """How many voters follow by the leader's own view alone, itself included."""
    return sum(
        peer.id == leader.raft_status.node_id
        or (peer.active and not peer.paused and peer.state == "StateReplicate" and lag(leader, peer) <= MAX_LAG)
        for peer in voters(leader)
    )


def _quorum_safe(scene: Scene, _: Alert) -> str:
    size = len(scene.memory.voters)
    if scene.snapshot.leader is None or not size:
        return f"The quorum of {scene.cluster} is safe again."
    return f"The quorum of {scene.cluster} is safe again: it has {count(size, 'voter')}, {quorum(size)} must agree."


NO_LEADER = Rule(
    key="no_leader",
    about="No host that answers knows a leader: the cluster takes no writes.",
    severity=Severity.CRITICAL,
    hold=10,
    clear=30,
    remind=1800,
    looks=_no_leader,
    resolved=_led_again,
)

_WINDOW: Mapping[str, Threshold] = MappingProxyType(
    {"window": Threshold(600, Unit.SECONDS, "changes closer together than this are told as one; so long it stays open")}
)

LEADER_CHANGED = Rule(
    key="leader_changed",
    about="Another peer leads than before; an election that the same peer wins again is none.",
    severity=Severity.WARNING,
    hold=0,
    clear=0,
    remind=0,
    looks=_leader_changed,
    resolved=_led_on,
    thresholds=_WINDOW,
)

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
