"""Checks of adding and removing members: ids, addresses, learner first, removable peers."""

from bot.common.addresses import place, same_place
from bot.operations.preflight.context import PreflightContext
from bot.operations.preflight.facts import members as f
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
        return block("id", f.LearnerInPlace(peer))
    if peer in view.members:
        return block("id", f.IdTaken(peer))
    host = view.host_of(peer)
    if host and not same_place(host, request.node_host):
        return block("id", f.IdAnswersElsewhere(peer, host))
    return passed("id", f.IdFree(peer))


def _raft_address(request: MemberAdd, view: View) -> Check:
    owner = next((peer.id for peer in view.members.values() if same_place(peer.host, request.host)), 0)
    if owner:
        return block("host", f.RaftAddressTaken(request.peer_id, request.host, owner))
    if place(request.host) in _service_addresses(view):
        return block("host", f.RaftAddressServes(request.host))
    return passed("host", f.RaftAddressFree(request.host))


def _service_addresses(view: View) -> frozenset[str]:
    return frozenset({place(answer.host) for answer in view.now.answers} | {place(view.leader.leader_host)} - {""})


def _service_address(request: MemberAdd, view: View, facts: PreflightContext) -> Check:
    node = request.node_host
    in_files = warn("node", f.AddressesInFiles(request.peer_id))
    if not node:
        return in_files if facts.dialect == "v1" else block("node", f.ServiceAddressMissing())
    owner = next((peer.id for peer in view.members.values() if same_place(peer.host, node)), 0)
    if owner:
        return block("node", f.ServiceAddressIsRaft(node, owner))
    answering = view.answers_at(node)
    if answering not in {0, request.peer_id} or same_place(node, view.leader.leader_host):
        return block("node", f.ServiceAddressTaken(request.peer_id, node, answering or view.leader_id))
    return in_files if facts.dialect == "v1" else passed("node", f.ServiceAddressFree(node))


def _answers(request: MemberAdd, facts: PreflightContext) -> Check | None:
    node = request.node_host
    if not node:
        return None
    if facts.node_answers:
        return passed("answers", f.NodeAnswers(node))
    if facts.node_answers is None:
        return warn("answers", f.NodeUnknown(node, facts.node_doubt))
    silent = f.NodeSilent(node, request.learner)
    return warn("answers", silent) if request.learner else block("answers", silent, forceable=True)


def _learner_first(request: MemberAdd, view: View) -> Check:
    if request.learner:
        return passed("learner_first", f.LearnerNoVote())
    if view.was_caught_up(request.peer_id):
        return passed("learner_first", f.LogReceived(request.peer_id))
    return warn("learner_first", f.VoterAtOnce())


def _removable(request: MemberRemove, view: View) -> Check:
    peer = request.peer_id
    if peer not in view.members:
        return block("peer", f.RemovesStranger(peer))
    if peer == view.leader_id and len(view.voters) == 1:
        return block("peer", f.RemovesOnlyVoter(peer))
    if peer == view.leader_id:
        return block("peer", f.RemovesLeader(peer, min(view.healthy - {peer}, default=0)))
    if peer in view.learners:
        return passed("peer", f.RemovesLearner(peer))
    health = view.health[peer]
    if health.healthy:
        return passed("peer", f.RemovesHealthyVoter(peer), bound="healthy")
    return passed("peer", f.RemovesUnhealthyVoter(peer, health.fault), bound="unhealthy")


def _afterwards(peer: int, view: View, facts: PreflightContext) -> Check:
    if peer in facts.replaces[1:]:
        return passed("afterwards", f.RunsOn(peer))
    return passed("afterwards", f.AnswersAfterwards(peer, view.host_of(peer)))
