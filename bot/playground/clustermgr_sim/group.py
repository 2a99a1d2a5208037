"""Who is in the raft group and who takes part in it at this moment."""

from collections.abc import Iterable

from bot.playground.clustermgr_sim.data import Data
from bot.playground.clustermgr_sim.nodes import Member, Node, Role


class Group:
    """The members (what raft agreed on), the nodes (the processes there are) and the state they replicate."""

    def __init__(self, members: Iterable[Member], data: Data) -> None:
        self.members = {member.peer_id: member for member in members}
        self.nodes = {peer_id: Node(peer_id) for peer_id in self.members}
        self.data = data

    def is_live(self, peer_id: int) -> bool:
        """Whether this member takes part in raft now."""
        node = self.nodes.get(peer_id)
        return node is not None and node.runs and not node.isolated and peer_id in self.members

    def live(self) -> list[Node]:
        """The members that take part, by id."""
        return [self.nodes[peer_id] for peer_id in sorted(self.members) if self.is_live(peer_id)]

    def is_voter(self, peer_id: int) -> bool:
        """Whether this is a member that votes."""
        return peer_id in self.members and not self.members[peer_id].learner

    def has_quorum(self) -> bool:
        """Whether more than half of the voters take part."""
        voters = [peer_id for peer_id in self.members if self.is_voter(peer_id)]
        return 2 * sum(map(self.is_live, voters)) > len(voters)

    def leader(self) -> Node | None:
        """The leader of the connected members, with or without a quorum."""
        claims = [node for node in self.live() if node.role is Role.LEADER]
        return max(claims, key=lambda node: node.term, default=None)

    def readable(self, node: Node) -> bool:
        """Whether a linear read on this node can be confirmed now."""
        return self.is_live(node.node_id) and self.leader() is not None and self.has_quorum()

    def view(self, node: Node) -> Data:
        """The state as this node has it."""
        return node.frozen or self.data
