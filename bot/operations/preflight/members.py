"""Adding and removing members: ids and addresses in use, learner first, what may never be removed."""

from bot.common.addresses import place, same_place
from bot.operations.preflight.context import PreflightContext
from bot.operations.preflight.quorum import commit_check, present, size_check, what_if, with_voter, without
from bot.operations.preflight.verdict import Check, CheckLevel, block, passed, warn
from bot.operations.preflight.view import View
from bot.operations.requests import MemberAdd, MemberRemove


def add_checks(request: MemberAdd, view: View, facts: PreflightContext) -> tuple[Check, ...]:
    """Whether a member may be added: its id and addresses are free, it answers, and a quorum survives it being down."""
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
    """Whether a member may go: it is one, it does not lead, and those that stay are a quorum. Its own state is free."""
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
            f"Let it catch up, remove it (`/cm member remove {peer}`), then add the same node as normal.",
        )
    if peer in view.members:
        return block("id", f"Peer id {peer} is a member already.", "Choose an id that /cm members does not list.")
    host = view.host_of(peer)
    if host and not same_place(host, request.node_host):
        return block(
            "id",
            f"{host} answers as node {peer} already, and is not the service address given.",
            f"Choose another id, or give node={place(host)} if it is that node that shall be added.",
        )
    return passed("id", f"Peer id {peer} is free.")


def _raft_address(request: MemberAdd, view: View) -> Check:
    owner = next((peer.id for peer in view.members.values() if same_place(peer.host, request.host)), 0)
    if owner:
        return block(
            "host",
            f"The raft address {request.host} is that of peer {owner}.",
            f"Give the raft address of peer {request.peer_id} itself; if it takes the place of peer {owner}, "
            "remove that one first.",
        )
    if place(request.host) in _service_addresses(view):
        return block(
            "host",
            f"{request.host} is the service address of a node; members talk raft on another port.",
            "Give the node's raft address: /cm members shows which port the others use.",
        )
    return passed("host", f"The raft address {request.host} is not in use.")


def _service_addresses(view: View) -> frozenset[str]:
    return frozenset({place(look.host) for look in view.now.looks} | {place(view.leader.leader_host)} - {""})


def _service_address(request: MemberAdd, view: View, facts: PreflightContext) -> Check:
    node = request.node_host
    if not node:
        return _node_missing(request, facts)
    owner = next((peer.id for peer in view.members.values() if same_place(peer.host, node)), 0)
    if owner:
        return block(
            "node",
            f"{node} is the raft address of peer {owner}, not a service address.",
            "Give the new node's own service address as node=host:port, the one that answers /stat.",
        )
    answering = view.answers_at(node)
    if answering not in {0, request.peer_id} or same_place(node, view.leader.leader_host):
        return block(
            "node",
            f"The service address {node} is that of peer {answering or view.leader_id}.",
            f"Give the service address of peer {request.peer_id} itself as node=host:port.",
        )
    if facts.dialect == "v1":
        return _named_in_files(request)
    return passed("node", f"The service address {node} is not in use.")


def _named_in_files(request: MemberAdd) -> Check:
    return warn(
        "node",
        "This release takes no service address with a member: each node's own file names those of all members, and "
        f"where peer {request.peer_id} is not named, writes fail (907) while it leads.",
        f"Name peer {request.peer_id} in the members list of every node's file.",
    )


def _node_missing(request: MemberAdd, facts: PreflightContext) -> Check:
    if facts.dialect == "v1":
        return _named_in_files(request)
    return block(
        "node",
        "The service address is missing; from v3.2 on the server refuses a member without it.",
        "Add node=host:port, the address on which the new node answers /stat.",
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
            f"Whether {request.node_host} answers could not be tried from here{why}.",
            "Make sure that the node runs and that the other members reach it.",
        )
    if request.learner:
        return warn(
            "answers",
            f"{request.node_host} does not answer (yet): a node may open its port only once it is a member.",
            "Start it right after it was added; as a learner it does not count for the quorum meanwhile.",
        )
    return block(
        "answers",
        f"{request.node_host} does not answer, and a voter counts for the quorum from the moment it is added.",
        "Start the node, or add it as a learner (as=learner), let it catch up, and make it a voter then.",
        forceable=True,
    )


def _learner_first(request: MemberAdd, view: View) -> Check | None:
    if request.learner:
        return passed("learner_first", "As a learner it takes the log without counting for the quorum.")
    if view.was_caught_up(request.peer_id):
        return passed("learner_first", f"Peer {request.peer_id} holds nearly the whole log already.")
    return warn(
        "learner_first",
        "As a voter it counts for the quorum at once, before it has taken the log.",
        "Add it as a learner first (as=learner), watch it catch up, then make it a voter.",
    )


def _removable(request: MemberRemove, view: View) -> Check:
    peer = request.peer_id
    if peer not in view.members:
        return block("peer", f"Peer {peer} is no member.", "Choose a peer that /cm members lists.")
    if peer == view.leader_id and len(view.voters) == 1:
        return block(
            "peer",
            f"Peer {peer} is the only voter: without it there is no cluster.",
            "Add other voters first, then transfer the leadership.",
        )
    if peer == view.leader_id:
        heirs = sorted(view.healthy - {peer})
        to = f"`/cm leader transfer {heirs[0]}`" if heirs else "bring another voter back to health, then transfer"
        return block("peer", f"Peer {peer} is the leader, which cannot be removed.", f"Move leadership first: {to}.")
    if peer in view.learners:
        return passed("peer", f"Peer {peer} is a learner: it does not count for the quorum.")
    health = view.health[peer]
    if health.healthy:
        return passed("peer", f"Peer {peer} is a voter, and a healthy one: make sure it is meant.", bound="healthy")
    return passed("peer", f"Peer {peer} is a voter that is not healthy ({health.why}): it may go.", bound="unhealthy")


def _afterwards(peer: int, view: View, facts: PreflightContext) -> Check:
    if peer in facts.replaces[1:]:
        return passed(
            "afterwards",
            f"Leave peer {peer} running and in `hosts` in the settings: the replacement's next step adds it again, "
            "as a voter.",
        )
    return passed("afterwards", f"Once removed, peer {peer} goes on answering with an old view: {_stop(peer, view)}.")


def _stop(peer: int, view: View) -> str:
    host = view.host_of(peer)
    return f"stop it and take {host or 'its host'} out of `hosts` in the settings"
