"""/cm members: the raft group as its leader lists it, else the view of each host. No I/O."""

from bot.alerting.cluster_status import NOTHING_KNOWN, StatusContext, cluster_status
from bot.alerting.quorum import proven_health
from bot.clustermgr.health import VoterHealth, lag, learners, voters
from bot.clustermgr.models import Peer, Snapshot, Stat
from bot.interactions.message import BlockJson, Message
from bot.views.blocks import context, count, date, escape, message, section, table
from bot.views.parts import bullets, hosts_line, mark_of, why_silent
from bot.views.status_text import status_sentence
from bot.views.voter_text import voter_fault_text

_OF_LEADER = ("Peer", "Raft address", "Role", "State", "Match", "Behind", "Active", "Health")
_OF_HOSTS = ("Host", "Peer", "Reported role", "Reported leader", "Term", "Commit")


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
    rows = [_peer(peer, leader, health.get(peer.id)) for peer in (*voters(leader), *learners(leader))]
    if not rows:
        return [section("The leader lists no members.")]
    return [table(rows, header=_OF_LEADER, right=(0, 4, 5), most=50)]


def _peer(peer: Peer, leader: Stat, health: VoterHealth | None) -> tuple[str, ...]:
    leads = peer.id == leader.raft_status.leader
    role = "leader" if leads else "learner" if peer.is_learner else "voter"
    proof = "-" if health is None else "healthy" if health.healthy else voter_fault_text(health.fault)
    active = "yes" if peer.active else "no"
    return (str(peer.id), peer.host, role, _state(peer), f"{peer.match:,}", f"{lag(leader, peer):,}", active, proof)


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
    return [section(text), table(rows, header=_OF_HOSTS, right=(1, 4, 5), most=50)]


def _host(host: str, stat: Stat) -> tuple[str, ...]:
    raft = stat.raft_status
    leader = f"peer {raft.leader}" if raft.leader else "none"
    state = raft.raft_state.removeprefix("State").lower()
    return (host, str(raft.node_id), state, leader, str(raft.term), f"{raft.commit:,}")
