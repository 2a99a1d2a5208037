"""Checks of adding and removing members: ids, addresses, learner first, removable peers."""

from bot.clustermgr.voter_text import voter_fault_text
from bot.common.addresses import place, same_place
from bot.operations.preflight.context import PreflightContext
from bot.operations.preflight.quorum import commit_check, present, size_check, what_if, with_voter, without
from bot.operations.preflight.verdict import Check, CheckLevel, block, passed, warn
from bot.operations.preflight.view import View
from bot.operations.requests import MemberAdd, MemberRemove


def add_checks(request: MemberAdd, view: View, facts: PreflightContext) -> tuple[Check, ...]:
    """Check a new member: free id and addresses, an answer, and a quorum that survives its failure."""
    here = present(view)
    after = here if request.learner else with_voter(view, request.peer_id)
    checks = (
        _id_free(request, view),
        _raft_address(request, view),
        _service_address(request, view, facts),
        _answers(request, facts),
        _learner_first(request, view),
        what_if(view, after),
        size_check(len(here.voters), len(after.voters)),
    )
    return tuple(check for check in checks if check is not None)


def remove_checks(request: MemberRemove, view: View, facts: PreflightContext) -> tuple[Check, ...]:
    """Check a removal: the peer is a member, does not lead, and the others are a quorum; its own state is free."""
    peer = request.peer_id
    first = (_removable(request, view), what_if(view, without(view, peer)))
    if first[0].level is CheckLevel.BLOCK:
        return first
    checks = (
        commit_check(view) if peer in view.voters else None,
        size_check(len(view.voters), len(view.voters.keys() - {peer})),
        _afterwards(peer, view, facts),
    )
    return (*first, *(check for check in checks if check is not None))


def _id_free(request: MemberAdd, view: View) -> Check:
    peer = request.peer_id
    if peer in view.learners and not request.learner:
        return block(
            "id",
            f"Peer {peer} is a learner, and a learner cannot be made a voter in place.",
            f"Let it catch up, remove it (`/cm member remove {peer}`), then add the node as a voter (`as=normal`).",
        )
    if peer in view.members:
        return block("id", f"Peer id {peer} is already a member.", "Choose an id that `/cm members` does not list.")
    host = view.host_of(peer)
    if host and not same_place(host, request.node_host):
        return block(
            "id",
            f"{host} already answers as node {peer}, and is not the given service address.",
            f"Choose another id, or give `node={place(host)}` if this node is the one to add.",
        )
    return passed("id", f"Peer id {peer} is free.")


def _raft_address(request: MemberAdd, view: View) -> Check:
    owner = next((peer.id for peer in view.members.values() if same_place(peer.host, request.host)), 0)
    if owner:
        return block(
            "host",
            f"The raft address {request.host} belongs to peer {owner}.",
            f"Give the raft address of peer {request.peer_id} itself. If it replaces peer {owner}, first remove that.",
        )
    if place(request.host) in _service_addresses(view):
        return block(
            "host",
            f"{request.host} is the service address of a node; raft uses another port.",
            "Give the node's raft address: `/cm members` shows the port of the others.",
        )
    return passed("host", f"The raft address {request.host} is not in use.")


def _service_addresses(view: View) -> frozenset[str]:
    return frozenset({place(answer.host) for answer in view.now.answers} | {place(view.leader.leader_host)} - {""})


def _service_address(request: MemberAdd, view: View, facts: PreflightContext) -> Check:
    node = request.node_host
    if not node:
        return _node_missing(request, facts)
    owner = next((peer.id for peer in view.members.values() if same_place(peer.host, node)), 0)
    if owner:
        return block(
            "node",
            f"{node} is the raft address of peer {owner}, not a service address.",
            "Give the new node's own service address as `node=host:port`; it answers `/stat`.",
        )
    answering = view.answers_at(node)
    if answering not in {0, request.peer_id} or same_place(node, view.leader.leader_host):
        return block(
            "node",
            f"The service address {node} belongs to peer {answering or view.leader_id}.",
            f"Give the service address of peer {request.peer_id} itself as `node=host:port`.",
        )
    if facts.dialect == "v1":
        return _named_in_files(request)
    return passed("node", f"The service address {node} is not in use.")


def _named_in_files(request: MemberAdd) -> Check:
    return warn(
        "node",
        "This release takes no service address with a member: each node reads all of them from its own file. "
        f"Where peer {request.peer_id} is missing in that file, writes fail (907) while it leads.",
        f"Add peer {request.peer_id} to the members list in every node's file.",
    )


def _node_missing(request: MemberAdd, facts: PreflightContext) -> Check:
    if facts.dialect == "v1":
        return _named_in_files(request)
    return block(
        "node",
        "The service address is missing; v3.2 and later refuse a member without it.",
        "Add `node=host:port`, the address on which the new node answers `/stat`.",
    )


def _answers(request: MemberAdd, facts: PreflightContext) -> Check | None:
    if not request.node_host:
        return None
    if facts.node_answers:
        return passed("answers", f"{request.node_host} answers.")
    if facts.node_answers is None:
        why = f": {facts.node_why}" if facts.node_why else ""
        return warn(
            "answers",
            f"It is not known if {request.node_host} answers{why}.",
            "Make sure that the node runs and that the other members reach it.",
        )
    if request.learner:
        return warn(
            "answers",
            f"{request.node_host} does not answer yet: a node may open its port only after it became a member.",
            "Start it right after the change; a learner does not count for the quorum.",
        )
    return block(
        "answers",
        f"{request.node_host} does not answer, and a voter counts for the quorum from the moment it is added.",
        "Start the node. Or add it as a learner (`as=learner`), let it catch up, then make it a voter.",
        forceable=True,
    )


def _learner_first(request: MemberAdd, view: View) -> Check | None:
    if request.learner:
        return passed("learner_first", "A learner receives the log and does not count for the quorum.")
    if view.was_caught_up(request.peer_id):
        return passed("learner_first", f"Peer {request.peer_id} already has nearly the whole log.")
    return warn(
        "learner_first",
        "A voter counts for the quorum at once, before it has received the log.",
        "First add it as a learner (`as=learner`), let it catch up, then make it a voter.",
    )


def _removable(request: MemberRemove, view: View) -> Check:
    peer = request.peer_id
    if peer not in view.members:
        return block("peer", f"Peer {peer} is no member.", "Choose a peer that `/cm members` lists.")
    if peer == view.leader_id and len(view.voters) == 1:
        return block(
            "peer",
            f"Peer {peer} is the only voter: without it there is no cluster.",
            "Add other voters first, then transfer the leadership.",
        )
    if peer == view.leader_id:
        targets = sorted(view.healthy - {peer})
        to = f"`/cm leader transfer {targets[0]}`" if targets else "bring another voter back to health, then transfer"
        return block("peer", f"Peer {peer} is the leader, which cannot be removed.", f"Move leadership first: {to}.")
    if peer in view.learners:
        return passed("peer", f"Peer {peer} is a learner: it does not count for the quorum.")
    health = view.health[peer]
    if health.healthy:
        return passed("peer", f"Peer {peer} is a healthy voter; make sure that it is the right one.", bound="healthy")
    return passed(
        "peer", f"Peer {peer} is unhealthy ({voter_fault_text(health.fault)}), so it can be removed.", bound="unhealthy"
    )


def _afterwards(peer: int, view: View, facts: PreflightContext) -> Check:
    if peer in facts.replaces[1:]:
        return passed(
            "afterwards",
            f"Leave peer {peer} running and in `hosts` in the settings: the next step of the replacement adds it again "
            "as a voter.",
        )
    return passed("afterwards", f"After its removal peer {peer} still answers, with stale data: {_stop(peer, view)}.")


def _stop(peer: int, view: View) -> str:
    host = view.host_of(peer)
    return f"stop it and delete {host or 'its host'} from `hosts` in the settings"
