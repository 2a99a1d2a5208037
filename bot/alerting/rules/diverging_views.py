"""Rules about hosts whose views do not fit together: two leaders, frozen views, a leader that nobody can ask."""

from collections.abc import Iterator
from typing import Any

from bot.alerting.cluster_state.observations import peer_at
from bot.alerting.inhibition import covers
from bot.alerting.model import Alert, Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleConfig, RuleContext
from bot.alerting.rules.reachability import became_of
from bot.alerting.text import listed, plain
from bot.clustermgr.models import Snapshot


def _hosts_disagree(context: RuleContext, limits: RuleConfig) -> Answer:
    if not context.snapshot.answered:
        return CANNOT_TELL
    lines = tuple(_contradictions(context.snapshot))
    if not lines:
        return ()
    graver = any(severity is Severity.CRITICAL for severity, _ in lines)
    words = tuple(words for _, words in lines)
    return (
        Finding(
            rule="hosts_disagree",
            subject="",
            severity=limits.severity if graver else limits.at_most(Severity.WARNING),
            sentence=f"The hosts of {context.cluster} contradict each other: {words[0]}.",
            lines=words[1:],
            weight=len(words),
            data={"parts": list(words), **_said_of(context.snapshot, graver=graver)},
        ),
    )


def _said_of(snapshot: Snapshot, *, graver: bool) -> dict[str, Any]:
    """What need not be told beside it: that a host it names is stale, and who is a member while two views differ."""
    claim = [(host, stat.raft_status.node_id) for host, stat in snapshot.answered if stat.claims_leadership]
    peers = [stat.raft_status.node_id for _, stat in snapshot.answered]
    twice = [host for host, stat in snapshot.answered if peers.count(stat.raft_status.node_id) > 1]
    stale = dict.fromkeys([*(host for host, _ in claim if len(claim) > 1), *twice])
    members = [("membership_changed", "")] if graver else []
    return covers(*(("stale_host", host) for host in stale), *members)


def _contradictions(snapshot: Snapshot) -> Iterator[tuple[Severity, str]]:
    """What cannot be true of one raft group; terms move on, so they are not told: each would be an edit."""
    leads = sorted(host for host, stat in snapshot.answered if stat.claims_leadership)
    if len(leads) > 1:
        yield Severity.CRITICAL, f"{listed(leads)} each claim to lead"
    named = sorted(snapshot.named_leaders)
    if len(named) > 1:
        yield Severity.CRITICAL, f"in one term they name {listed([f'peer {peer}' for peer in named])} as leader"
    hosts: dict[int, list[str]] = {}
    for host, stat in snapshot.answered:
        hosts.setdefault(stat.raft_status.node_id, []).append(host)
    for peer in sorted(hosts):
        if len(hosts[peer]) > 1:
            yield Severity.WARNING, f"{listed(sorted(hosts[peer]))} each answer as peer {peer}"


def _agree(context: RuleContext, _: Alert) -> str:
    which = " that answer" if context.snapshot.silent else ""
    return f"The hosts of {context.cluster}{which} agree again."


def _stale_host(context: RuleContext, limits: RuleConfig) -> Answer:
    leader = context.snapshot.leader
    if leader is None or not leader[1].raft_status.peers:
        return CANNOT_TELL
    members = {peer.id for peer in leader[1].raft_status.peers}
    return tuple(
        Finding(
            "stale_host",
            host,
            limits.severity,
            f"Host {host} of {context.cluster} answers as peer {stat.raft_status.node_id}, which is no member: what it "
            "tells is frozen, and what it is sent it still forwards to the leader.",
            ("stop its process, and take the host out of `clusters[].hosts`",),
        )
        for host, stat in context.snapshot.answered
        if stat.raft_status.node_id not in members
    )


def _stale_no_more(context: RuleContext, alert: Alert) -> str:
    silent = "does not answer any more, so it can mislead nobody: take it out of the settings"
    return became_of(
        context,
        alert.subject,
        f"answers as peer {peer_at(context.memory.hosts, alert.subject)}, a member",
        silent=silent,
    )


def _leader_unseen(context: RuleContext, limits: RuleConfig) -> Answer:
    """A host that is silent may be the leader's, which is told as such: only one whose peer is known is none."""
    snapshot = context.snapshot
    named = sorted(snapshot.named_leaders)
    if snapshot.leader is not None:
        return ()
    if len(named) != 1 or named[0] in {stat.raft_status.node_id for _, stat in snapshot.answered}:
        return CANNOT_TELL
    if any(peer_at(context.memory.hosts, look.host) in {0, named[0]} for look in snapshot.silent):
        return CANNOT_TELL
    told = sorted(
        {plain(stat.leader_host) for _, stat in snapshot.answered if stat.raft_status.leader == named[0]} - {""}
    )
    where = f" ({listed(told, most=1)})" if told else ""
    return (
        Finding(
            "leader_unseen",
            "",
            limits.severity,
            f"{context.cluster} is led by peer {named[0]}{where}, which is none of the configured hosts: peers, disks "
            "and space are told by the leader alone, so cmbot does not see them.",
            ("add the service address of that peer to `clusters[].hosts`",),
            data={"parts": [str(named[0])]},
        ),
    )


def _seen(context: RuleContext, _: Alert) -> str:
    return f"The leader of {context.cluster} is seen again: peer {context.memory.leader}."


HOSTS_DISAGREE = Rule(
    key="hosts_disagree",
    about="Hosts name different leaders, more than one claims to lead, or two answer as one peer.",
    severity=Severity.CRITICAL,
    hold=60,
    clear=60,
    remind=3600,
    looks=_hosts_disagree,
    resolved=_agree,
)

STALE_HOST = Rule(
    key="stale_host",
    about="A configured host answers as a peer that is no member: its view is frozen, and it still forwards writes.",
    severity=Severity.WARNING,
    hold=60,
    clear=30,
    remind=86400,
    looks=_stale_host,
    resolved=_stale_no_more,
)

LEADER_UNSEEN = Rule(
    key="leader_unseen",
    about="The leader is none of the configured hosts, so that most of what the watch looks for cannot be seen.",
    severity=Severity.WARNING,
    hold=60,
    clear=0,
    remind=86400,
    looks=_leader_unseen,
    resolved=_seen,
)
