"""Gauges of the status, the hosts and the raft group of a cluster. No I/O."""

from collections import Counter
from collections.abc import Iterable

from bot.alerting.cluster_status import StatusLevel
from bot.alerting.gauges.facts import MAX_PEERS, GaugeFacts, by_label, one
from bot.alerting.quorum import quorum_of
from bot.clustermgr.health import REPLICATES, lag
from bot.clustermgr.models import Peer
from bot.telemetry.families import Sample

ROLES = ("voter", "learner")
PEER_STATES = ("replicate", "probe", "snapshot", "other")
HEALTH = ("healthy", "unhealthy", "unproven")
_RAFT_STATES = {REPLICATES: "replicate", "StateProbe": "probe", "StateSnapshot": "snapshot"}


def status(facts: GaugeFacts) -> Iterable[Sample]:
    """1 for the status that the cluster has, 0 for each other one."""
    return by_label((level.value.replace(" ", "_"), level.value == facts.level) for level in StatusLevel)


def hosts(facts: GaugeFacts) -> Iterable[Sample]:
    """1 for each host that answered."""
    return by_label({answer.host: answer.stat is not None for answer in facts.snapshot.answers})


def leader(facts: GaugeFacts) -> int:
    """The leader: the host that leads, or the one peer that the others name; 0 without one."""
    if facts.leader is not None:
        return facts.leader.raft_status.node_id
    named = facts.snapshot.named_leaders
    return next(iter(named)) if len(named) == 1 else 0


def leader_known(facts: GaugeFacts) -> Iterable[Sample]:
    """1 while a leader is known."""
    return one(bool(leader(facts)))


def leader_peer(facts: GaugeFacts) -> Iterable[Sample]:
    """The id of the leader."""
    return one(leader(facts) or None)


def term(facts: GaugeFacts) -> Iterable[Sample]:
    """The highest term of all answers."""
    return one(facts.snapshot.term or None)


def read_only(facts: GaugeFacts) -> Iterable[Sample]:
    """1 while the leader says that it takes no writes."""
    return one(facts.leader.read_only if facts.leader else None)


def _peers(facts: GaugeFacts) -> tuple[Peer, ...]:
    return facts.leader.raft_status.peers if facts.leader else ()


def peers(facts: GaugeFacts) -> Iterable[Sample]:
    """The members by role and state in the view of the leader."""
    if facts.leader is None:
        return ()
    found = Counter((ROLES[peer.is_learner], _RAFT_STATES.get(peer.state, "other")) for peer in _peers(facts))
    return [((role, state), float(found[role, state])) for role in ROLES for state in PEER_STATES]


def lags(facts: GaugeFacts) -> Iterable[Sample]:
    """The committed entries that each member has not confirmed."""
    if facts.leader is None:
        return ()
    by_id = {str(peer.id): lag(facts.leader, peer) for peer in sorted(_peers(facts), key=lambda peer: peer.id)}
    return by_label([*by_id.items()][:MAX_PEERS])


def voters(facts: GaugeFacts) -> Iterable[Sample]:
    """The voters by their health."""
    if facts.leader is None:
        return ()
    found = Counter(
        "healthy" if voter.healthy else "unproven" if voter.fault and voter.fault.unproven else "unhealthy"
        for voter in facts.health.values()
    )
    return by_label((health, found[health]) for health in HEALTH)


def margin(facts: GaugeFacts) -> Iterable[Sample]:
    """The number of voters that can fail before writes stop."""
    return one(quorum_of(facts.health).spare if facts.health else None)
