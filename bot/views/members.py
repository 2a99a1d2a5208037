"""/cm members: the raft group as its leader lists it, else the view of each host. No I/O."""

from bot.alerting.cluster_status import NOTHING_KNOWN, StatusContext, cluster_status
from bot.alerting.quorum import proven_health
from bot.clustermgr.health import VoterHealth, lag, learners, voters
from bot.clustermgr.models import Peer, Snapshot, Stat
from bot.interactions.message import BlockJson, Message
from bot.views.blocks import NumberCell, context, count, data_table, date, escape, message, number, section
from bot.views.parts import bullets, hosts_line, mark_of, why_silent
from bot.views.status_text import status_sentence
from bot.views.voter_text import voter_fault_text

_OF_LEADER = ("Peer", "Health", "Role", "Raft address", "Behind", "State", "Active", "Match")
_OF_HOSTS = ("Host", "Reported role", "Reported leader", "Peer", "Term", "Commit")


def members(snapshot: Snapshot, previous: Snapshot | None = None, known: StatusContext = NOTHING_KNOWN) -> Message:
    """Render the members of one raft group; `previous` is the poll before, which proves health."""
    status = cluster_status(snapshot, previous, known)
    sentence = escape(status_sentence(status))
    head = section(f"{mark_of(status.level)} *{sentence}*")
    shown = _of_leader(snapshot, snapshot.leader[1], previous) if snapshot.leader else _of_hosts(snapshot)
    silent = why_silent(snapshot)
    errors = [section(bullets(silent))] if silent else []
    foot = context(f"{hosts_line(snapshot)}. As of {date(snapshot.at, 'time')}.")
    return message(f"{sentence} {_sentence(snapshot)}", head, *shown, *errors, foot)


def _sentence(snapshot: Snapshot) -> str:
    if snapshot.leader is None:
        return "Its members are unknown: only its leader lists them, and no leader answered."
    leader = snapshot.leader[1]
    of = f"{count(len(voters(leader)), 'voter')} and {count(len(learners(leader)), 'learner')}"
    return f"{escape(snapshot.cluster)} has {of}."


def _of_leader(snapshot: Snapshot, leader: Stat, previous: Snapshot | None) -> list[BlockJson]:
    health = proven_health(snapshot, previous)
    peers = sorted((*voters(leader), *learners(leader)), key=lambda peer: _place(peer, leader, health.get(peer.id)))
    if not peers:
        return [section("The leader lists no members.")]
    rows = [_peer(peer, leader, health.get(peer.id)) for peer in peers]
    return [data_table(rows, header=_OF_LEADER, caption=f"Members of {snapshot.cluster}", most=50)]


def _place(peer: Peer, leader: Stat, health: VoterHealth | None) -> int:
    """Return the place of a peer: what is faulty first, then the leader, the voters and the learners."""
    if health is not None and not health.healthy:
        return 0
    return 1 if peer.id == leader.raft_status.leader else 3 if peer.is_learner else 2


def _peer(peer: Peer, leader: Stat, health: VoterHealth | None) -> tuple[str, ...]:
    leads = peer.id == leader.raft_status.leader
    role = "leader" if leads else "learner" if peer.is_learner else "voter"
    proof = "-" if health is None else "healthy" if health.healthy else voter_fault_text(health.fault)
    active = "yes" if peer.active else "no"
    name, behind = NumberCell(str(peer.id), peer.id), number(lag(leader, peer))
    return (name, proof, role, peer.host, behind, _state(peer), active, number(peer.match))


def _state(peer: Peer) -> str:
    flags = (
        (peer.paused, "paused"),
        (peer.pending_snapshot != 0, f"snapshot {peer.pending_snapshot:,} pending"),
        (peer.is_inflight_full, "in-flight window full"),
    )
    return ", ".join((peer.state, *(words for set_, words in flags if set_)))


def _of_hosts(snapshot: Snapshot) -> list[BlockJson]:
    if not snapshot.answered:
        return []
    rows = [_host(host, stat) for host, stat in snapshot.answered]
    text = "The members are unknown: only a leader lists them, and no leader answered. The hosts report:"
    return [section(text), data_table(rows, header=_OF_HOSTS, caption=f"Hosts of {snapshot.cluster}", most=50)]


def _host(host: str, stat: Stat) -> tuple[str, ...]:
    raft = stat.raft_status
    leader = f"peer {raft.leader}" if raft.leader else "none"
    state = raft.raft_state.removeprefix("State").lower()
    node, term = NumberCell(str(raft.node_id), raft.node_id), NumberCell(str(raft.term), raft.term)
    return (host, state, leader, node, term, number(raft.commit))
