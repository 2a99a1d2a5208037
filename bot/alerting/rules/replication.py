"""Rules about replication: peers that fall behind, nodes that do not apply their log, learners that are ready."""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

from bot.alerting.cluster_state.observations import hosts_of
from bot.alerting.model import Alert, Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleConfig, RuleContext, Threshold, Unit
from bot.alerting.rules.peers import named, why_down
from bot.alerting.text import plain
from bot.clustermgr.health import MAX_LAG, lag, learner_health, same_leadership, voter_health
from bot.clustermgr.models import Peer, Stat

_GROWING_FROM = 0.1
"""Share of the limit from which on a peer that falls further behind at each look is told, too."""


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
        # The exact number differs at each look, and each would be an edit: it is told by powers of ten.
        power = len(str(behind)) - 1
        snapshot = ", and gets a snapshot now" if peer.pending_snapshot else ""
        much = f"more than {10**power:,} entries behind" if power else "behind"
        tendency = "" if over else " and falls further behind"
        who = named(peer)
        yield Finding(
            rule="peer_lagging",
            subject=str(peer.id),
            severity=limits.at_most(Severity.INFO) if peer.is_learner else limits.severity,
            sentence=f"{who[:1].upper()}{who[1:]} of {context.cluster} is {much}{tendency}{snapshot}.",
            weight=power,
        )


def _before(context: RuleContext, peer: Peer) -> int:
    """How far it was behind at the look before, under the same leader; more than it can be now where nobody knows."""
    before = same_leadership(context.previous, context.snapshot)
    if before is None or before.leader is None:
        return 1 << 64
    leader = before.leader[1]
    return next((lag(leader, each) for each in leader.raft_status.peers if each.id == peer.id), 1 << 64)


def _is_catching_up(context: RuleContext, peer: Peer, seconds: float) -> bool:
    """Whether it is new, so that it has to be behind: it joined a short while ago, or gets its first snapshot."""
    joined = any(
        change.peer == peer.id and change.now and context.now - change.at < seconds
        for change in context.memory.member_changes
    )
    return joined or (peer.is_learner and peer.pending_snapshot != 0)


def _caught_up(context: RuleContext, alert: Alert) -> str:
    if alert.subject not in {str(member.id) for member in context.memory.members}:
        return f"Peer {alert.subject} is no member of {context.cluster} any more."
    leader = context.snapshot.leader
    peers = leader[1].raft_status.peers if leader else ()
    if leader and any(str(peer.id) == alert.subject and why_down(peer, leader[1]) for peer in peers):
        return f"Peer {alert.subject} of {context.cluster} does not lag any more: it is down."
    return f"Peer {alert.subject} of {context.cluster} keeps up with its leader again."


def _apply_stalled(context: RuleContext, limits: RuleConfig) -> Answer:
    if not context.snapshot.answered:
        return CANNOT_TELL
    notes = {note.host: note for note in context.memory.hosts}
    stalled = [
        (host, stat)
        for host, stat in context.snapshot.answered
        if host in notes and notes[host].stalled(stat.raft_status)
    ]
    hosts = {host for host, _ in stalled}
    silent = tuple(_unknown(context, look.host) for look in context.snapshot.silent)
    return (*(_stalled(context, host, stat, hosts, limits) for host, stat in stalled), *silent)


def _unknown(context: RuleContext, host: str) -> Finding:
    """A host that gives no usable answer may apply its log or not: its alert neither begins nor ends."""
    sentence = f"Whether {host} of {context.cluster} applies its log is not known."
    return Finding("apply_stalled", host, Severity.WARNING, sentence, doubtful=True)


def _stalled(context: RuleContext, host: str, stat: Stat, stalled: set[str], limits: RuleConfig) -> Finding:
    raft = stat.raft_status
    role = ", which leads," if stat.claims_leadership else ""
    return Finding(
        rule="apply_stalled",
        subject=host,
        severity=limits.severity if stat.claims_leadership else limits.at_most(Severity.WARNING),
        sentence=(
            f"Peer {raft.node_id} ({host}) of {context.cluster}{role} applies nothing any more: it stays at entry "
            f"{raft.applied:,} while more is committed."
        ),
        data=_mend(context, stalled) if stat.claims_leadership else {},
    )


def _mend(context: RuleContext, stalled: set[str]) -> dict[str, Any]:
    """Another voter that is proven healthy, and applies, may lead instead."""
    stuck = {stat.raft_status.node_id for host, stat in context.snapshot.answered if host in stalled}
    fit = [voter.peer for voter in voter_health(context.previous, context.snapshot).values() if voter.healthy]
    to = next((peer for peer in fit if peer not in stuck), 0)
    return {"fix": f"leader transfer {to} {context.cluster}"} if to else {}


def _applies(context: RuleContext, alert: Alert) -> str:
    if alert.subject not in {look.host for look in context.snapshot.looks}:
        return f"Host {alert.subject} is not configured for {context.cluster} any more."
    return f"{alert.subject} of {context.cluster} applies what is committed again."


def _learner_ready(context: RuleContext, limits: RuleConfig) -> Answer:
    if same_leadership(context.previous, context.snapshot) is None:
        return CANNOT_TELL
    ready = [each.peer for each in learner_health(context.previous, context.snapshot).values() if each.healthy]
    hosts = {member.id: member.host for member in context.memory.members}
    return tuple(_ready(context, peer, hosts.get(peer, ""), limits) for peer in ready)


def _ready(context: RuleContext, peer: int, raft_host: str, limits: RuleConfig) -> Finding:
    """The way from learner to voter: real servers refuse to promote one in place (910, docs/clustermgr.md)."""
    hosts = hosts_of(context.memory.hosts, peer)
    where, service = plain(raft_host) or "RAFT-HOST:PORT", _bare(hosts[0]) if hosts else "SERVICE-HOST:PORT"
    return Finding(
        rule="learner_ready",
        subject=str(peer),
        severity=limits.severity,
        sentence=f"Learner {peer} of {context.cluster} has caught up and keeps up: it can become a voter.",
        lines=(
            "a learner cannot be made a voter in place: it is removed, and the same node is added as a voter",
            f"1. /cm member remove {peer} {context.cluster}",
            f"2. /cm member add {peer} {where} node={service} as=normal {context.cluster}",
        ),
    )


def _bare(host: str) -> str:
    """A configured host as a member's service address is written: without a scheme."""
    return host.rpartition("://")[2].rstrip("/")


def _no_learner(context: RuleContext, alert: Alert) -> str:
    kind = next((member.kind for member in context.memory.members if str(member.id) == alert.subject), "")
    if kind == "voter":
        return f"Peer {alert.subject} of {context.cluster} is a voter now."
    if not kind:
        return f"Learner {alert.subject} is no member of {context.cluster} any more."
    return f"Learner {alert.subject} of {context.cluster} is not proven to keep up any more."


PEER_LAGGING = Rule(
    key="peer_lagging",
    about="A peer that replicates is far behind its leader, or falls further behind at each look; one alert for each.",
    severity=Severity.WARNING,
    hold=120,
    clear=60,
    remind=14400,
    looks=_peer_lagging,
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
    hold=60,
    clear=0,
    remind=3600,
    looks=_apply_stalled,
    resolved=_applies,
)

LEARNER_READY = Rule(
    key="learner_ready",
    about="A learner has caught up and stays so: what makes it a voter, step by step.",
    severity=Severity.INFO,
    hold=120,
    clear=1800,
    remind=0,
    looks=_learner_ready,
    resolved=_no_learner,
)
