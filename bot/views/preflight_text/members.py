"""Words for the facts of adding and removing members. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.common.addresses import place
from bot.operations.preflight.facts import members as f
from bot.operations.preflight.facts.members import NodeDoubt
from bot.views.preflight_text.phrases import CheckText
from bot.views.voter_text import voter_fault_text

_LEARNER_FIRST = "let it catch up, then make it a voter."


def learner_in_place(fact: f.LearnerInPlace) -> CheckText:
    """The peer is a learner."""
    return CheckText(
        f"Peer {fact.peer} is a learner, and a learner cannot be made a voter in place.",
        f"Let it catch up, remove it (`/cm member remove {fact.peer}`), then add the node as a voter (`as=normal`).",
    )


def id_taken(fact: f.IdTaken) -> CheckText:
    """The id is a member's."""
    return CheckText(f"Peer id {fact.peer} is already a member.", "Choose an id that `/cm members` does not list.")


def id_answers_elsewhere(fact: f.IdAnswersElsewhere) -> CheckText:
    """Another host answers as that node."""
    return CheckText(
        f"{fact.host} already answers as node {fact.peer}, and is not the given service address.",
        f"Choose another id, or give `node={place(fact.host)}` if this node is the one to add.",
    )


def id_free(fact: f.IdFree) -> CheckText:
    """The id is free."""
    return CheckText(f"Peer id {fact.peer} is free.")


def raft_address_taken(fact: f.RaftAddressTaken) -> CheckText:
    """The raft address is a member's."""
    return CheckText(
        f"The raft address {fact.host} belongs to peer {fact.owner}.",
        f"Give the raft address of peer {fact.peer} itself. If it replaces peer {fact.owner}, first remove that.",
    )


def raft_address_serves(fact: f.RaftAddressServes) -> CheckText:
    """The raft address is a service address."""
    return CheckText(
        f"{fact.host} is the service address of a node; raft uses another port.",
        "Give the node's raft address: `/cm members` shows the port of the others.",
    )


def raft_address_free(fact: f.RaftAddressFree) -> CheckText:
    """The raft address is free."""
    return CheckText(f"The raft address {fact.host} is not in use.")


def service_address_is_raft(fact: f.ServiceAddressIsRaft) -> CheckText:
    """The service address is a raft address."""
    return CheckText(
        f"{fact.node} is the raft address of peer {fact.owner}, not a service address.",
        "Give the new node's own service address as `node=host:port`; it answers `/stat`.",
    )


def service_address_taken(fact: f.ServiceAddressTaken) -> CheckText:
    """The service address is a member's."""
    return CheckText(
        f"The service address {fact.node} belongs to peer {fact.owner}.",
        f"Give the service address of peer {fact.peer} itself as `node=host:port`.",
    )


def service_address_free(fact: f.ServiceAddressFree) -> CheckText:
    """The service address is free."""
    return CheckText(f"The service address {fact.node} is not in use.")


def service_address_missing(_: f.ServiceAddressMissing) -> CheckText:
    """The service address is missing."""
    return CheckText(
        "The service address is missing; v3.2 and later refuse a member without it.",
        "Give it (`node=host:port`): the address on which the new node answers `/stat`.",
    )


def addresses_in_files(fact: f.AddressesInFiles) -> CheckText:
    """The nodes read all service addresses from files."""
    return CheckText(
        "This release takes no service address with a member: each node reads all of them from its own file. "
        f"Where peer {fact.peer} is missing in that file, writes fail (907) while it leads.",
        f"Add peer {fact.peer} to the members list in every node's file.",
    )


def node_answers(fact: f.NodeAnswers) -> CheckText:
    """The node answers."""
    return CheckText(f"{fact.node} answers.")


_DOUBTS: Mapping[NodeDoubt, str] = MappingProxyType(
    {
        NodeDoubt.SLOW: "it gave no answer in time",
        NodeDoubt.TOKEN_WITHHELD: "it asks for the request token, which cmbot sends only to the hosts in the settings",
        NodeDoubt.TOKEN_REFUSED: "it refuses the request token",
        NodeDoubt.NOT_ASKED: "it was not asked, because an agent proposed it",
    }
)


_REACHED = "Make sure that the node runs and that the other members reach it."
_ASKED_LATER = "Make sure that the address is right: cmbot asks it when a person approves."


def node_unknown(fact: f.NodeUnknown) -> CheckText:
    """The node may answer or not."""
    why = f": {_DOUBTS[fact.doubt]}" if fact.doubt else ""
    return CheckText(
        f"It is not known if {fact.node} answers{why}.",
        _ASKED_LATER if fact.doubt is NodeDoubt.NOT_ASKED else _REACHED,
    )


def node_silent(fact: f.NodeSilent) -> CheckText:
    """The node does not answer."""
    if fact.learner:
        return CheckText(
            f"{fact.node} does not answer yet: a node may open its port only after it became a member.",
            "Start it right after the change; a learner does not count for the quorum.",
        )
    return CheckText(
        f"{fact.node} does not answer, and a voter counts for the quorum from the moment it is added.",
        f"Start the node. Or add it as a learner (`as=learner`), {_LEARNER_FIRST}",
    )


def learner_no_vote(_: f.LearnerNoVote) -> CheckText:
    """A learner has no vote."""
    return CheckText("A learner receives the log and does not count for the quorum.")


def log_received(fact: f.LogReceived) -> CheckText:
    """The new voter has the log."""
    return CheckText(f"Peer {fact.peer} already has nearly the whole log.")


def voter_at_once(_: f.VoterAtOnce) -> CheckText:
    """The new voter counts before it has the log."""
    return CheckText(
        "A voter counts for the quorum at once, before it has received the log.",
        f"First add it as a learner (`as=learner`), {_LEARNER_FIRST}",
    )


def removes_stranger(fact: f.RemovesStranger) -> CheckText:
    """The peer is no member."""
    return CheckText(f"Peer {fact.peer} is no member.", "Choose a peer that `/cm members` lists.")


def removes_only_voter(fact: f.RemovesOnlyVoter) -> CheckText:
    """The peer is the only voter."""
    return CheckText(
        f"Peer {fact.peer} is the only voter: without it there is no cluster.",
        "Add other voters first, then transfer the leadership.",
    )


def removes_leader(fact: f.RemovesLeader) -> CheckText:
    """The peer leads."""
    to = f"`/cm leader transfer {fact.successor}`"
    return CheckText(
        f"Peer {fact.peer} is the leader, which cannot be removed.",
        f"Move leadership first: {to if fact.successor else 'bring another voter back to health, then transfer'}.",
    )


def removes_learner(fact: f.RemovesLearner) -> CheckText:
    """The peer is a learner."""
    return CheckText(f"Peer {fact.peer} is a learner: it does not count for the quorum.")


def removes_healthy_voter(fact: f.RemovesHealthyVoter) -> CheckText:
    """The peer is a healthy voter."""
    return CheckText(f"Peer {fact.peer} is a healthy voter; make sure that it is the right one.")


def removes_unhealthy_voter(fact: f.RemovesUnhealthyVoter) -> CheckText:
    """The peer is a voter that is not healthy."""
    return CheckText(f"Peer {fact.peer} is unhealthy ({voter_fault_text(fact.fault)}), so it can be removed.")


def runs_on(fact: f.RunsOn) -> CheckText:
    """The node is added again."""
    return CheckText(
        f"Leave peer {fact.peer} running and in `hosts` in the settings: the next step of the replacement adds it "
        "again as a voter."
    )


def answers_afterwards(fact: f.AnswersAfterwards) -> CheckText:
    """The removed node still answers."""
    stop = f"stop it and delete {fact.host or 'its host'} from `hosts` in the settings"
    return CheckText(f"After its removal peer {fact.peer} still answers, with stale data: {stop}.")
