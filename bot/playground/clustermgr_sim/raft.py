"""A raft group as one consistent state machine: elections, transfers, quorum and membership, driven by a clock."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.playground.clustermgr_sim.clock import Timing
from bot.playground.clustermgr_sim.data import Data
from bot.playground.clustermgr_sim.nodes import NEVER, Member, Node, Progress, Proposal, Role


class NotPossible(Exception):
    """A control that raft cannot apply; `str()` is a sentence."""


@dataclass(slots=True)
class Transfer:
    """A running leadership transfer; `handed_over` once the old leader has stepped down."""

    target: int
    started: float
    reachable: bool
    handed_over: bool = False


class Raft:
    """The group: members (agreed by raft), nodes (processes) and their data. `advance` moves its time."""

    def __init__(self, members: Iterable[Member], data: Data, timing: Timing, *, now: float) -> None:
        self.members = {member.peer_id: member for member in members}
        self.nodes = {peer_id: Node(peer_id) for peer_id in self.members}
        self.data = data
        self.timing = timing
        self.now = now
        self.transfer: Transfer | None = None
        self.poisoned = False
        self._drifted = now

    def bootstrap(self, leader: int, *, term: int = 1, commit: int = 3) -> None:
        """Start with a leader and followers that have caught up."""
        first = self.nodes[leader]
        first.commit, first.log_term = commit, term
        for node in self.nodes.values():
            node.term, node.vote = term, leader
        self._lead(first)
        first.uncommitted.clear()
        first.hold_until = first.elected_at = NEVER
        self.settle()

    # --- the group at this moment ---------------------------------------------------------------------------------

    def is_live(self, peer_id: int) -> bool:
        """True if this member takes part in raft now."""
        node = self.nodes.get(peer_id)
        return node is not None and node.runs and not node.isolated and peer_id in self.members

    def live(self) -> list[Node]:
        """The members that take part in raft, by id."""
        return [self.nodes[peer_id] for peer_id in sorted(self.members) if self.is_live(peer_id)]

    def is_voter(self, peer_id: int) -> bool:
        """True if the peer is a voter."""
        return peer_id in self.members and not self.members[peer_id].learner

    def has_quorum(self) -> bool:
        """True if more than half of the voters take part."""
        voters = [peer_id for peer_id in self.members if self.is_voter(peer_id)]
        return 2 * sum(map(self.is_live, voters)) > len(voters)

    def leader(self) -> Node | None:
        """The leader of the connected members, with or without a quorum."""
        claims = [node for node in self.live() if node.role is Role.LEADER]
        return max(claims, key=lambda node: node.term, default=None)

    def readable(self, node: Node) -> bool:
        """True if this node can confirm a linear read now."""
        return self.is_live(node.node_id) and self.leader() is not None and self.has_quorum()

    def view(self, node: Node) -> Data:
        """The data in the view of this node."""
        return node.frozen or self.data

    # --- time -----------------------------------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """Apply all events due by `now`, in order."""
        while True:
            due, act = min(self._due(), key=lambda event: event[0], default=(now + 1, self.settle))
            if due > now:
                break
            self.now = max(self.now, due)
            act()
        self.now = max(self.now, now)
        self._drift()

    def _due(self) -> Iterable[tuple[float, Callable[[], None]]]:
        for node in self.nodes.values():
            waiting = node.role in {Role.LEADER, Role.FOLLOWER} and self.is_voter(node.node_id) and node.runs
            if waiting and node.lost_at is not None:
                yield node.lost_at + self.timing.election, lambda node=node: self._time_out(node)  # type: ignore[misc]
        if self.transfer is not None:
            yield self._transfer_due(self.transfer), self._step_transfer

    def _drift(self) -> None:
        steps = int((self.now - self._drifted) * self.timing.drift)
        leader = self.leader()
        if steps > 0:
            self._drifted = self.now
        if steps > 0 and leader is not None and self.has_quorum():
            leader.commit += steps
            self.settle()

    def _time_out(self, node: Node) -> None:
        had_followers = node.role is Role.LEADER and not node.isolated
        node.lose_leader()
        if had_followers:
            for other in self.live():
                if other.leader == node.node_id:
                    other.lose_leader()
        self.settle()

    def settle(self) -> None:
        """Update all nodes after a change of members or connections."""
        self._step_down()
        leader = self.leader()
        if leader is None and self.transfer is None and self._electable():
            self.elect_best()
            return
        for node in self.nodes.values():
            cut_off = leader is None or node.isolated
            if cut_off and node.runs and node.node_id in self.members and node.lost_at is None:
                node.lost_at = self.now
        if leader is not None:
            self._lead_on(leader)

    def _step_down(self) -> None:
        """Let a leader that was cut off step down when it learns of a later term."""
        connected = self.live()
        newest = max((node.term for node in connected), default=0)
        for node in connected:
            if node.role is Role.LEADER and node.term < newest:
                node.lose_leader()
                node.term, node.vote = newest, 0

    def _lead_on(self, leader: Node) -> None:
        if self.has_quorum():
            leader.lost_at = leader.frozen = None
            self._commit(leader)
        elif leader.lost_at is None:
            leader.lost_at = self.now
        for node in self.live():
            if node is not leader:
                node.follow(leader)
                self._reached(leader, node)

    def _reached(self, leader: Node, node: Node) -> None:
        progress = leader.progress.setdefault(node.node_id, Progress(0, leader.last))
        if progress.new:
            progress.catching_until = self.now + self.timing.catch_up
        progress.probing = progress.new = False

    def _commit(self, leader: Node) -> None:
        pending, leader.uncommitted[:] = list(leader.uncommitted), []
        for proposal in pending:
            leader.commit += 1
            proposal.done = True
            proposal.apply()

    # --- elections ------------------------------------------------------------------------------------------------

    def _electable(self) -> bool:
        return self.has_quorum() and any(node.role is Role.PRE_CANDIDATE for node in self.live())

    def elect_best(self) -> None:
        """Elect the connected voter with the most complete log; of equals the one with the lowest id."""
        voters = [node for node in self.live() if self.is_voter(node.node_id)]
        self.elect(max(voters, key=lambda node: (node.log, -node.node_id)).node_id)

    def elect(self, peer_id: int) -> None:
        """Make this voter win an election now; raises NotPossible."""
        if not (self.is_live(peer_id) and self.is_voter(peer_id) and self.has_quorum()):
            raise NotPossible(f"node {peer_id} cannot win an election now")
        winner = self.nodes[peer_id]
        best = max(node.log for node in self.live() if self.is_voter(node.node_id))
        if winner.role is Role.LEADER and winner is self.leader():
            return
        if winner.log < best:
            raise NotPossible(f"node {peer_id} lacks entries that others have")
        term = max(node.term for node in self.live()) + 1
        for node in self.live():
            node.lose_leader(Role.FOLLOWER)
            node.term, node.vote = term, peer_id if self.is_voter(node.node_id) else 0
        self._lead(winner)
        self.settle()

    def _lead(self, node: Node) -> None:
        """Become the leader: progress is unknown, and an empty entry of the new term commits pending ones."""
        index = node.last + 1
        node.role, node.leader, node.named = Role.LEADER, node.node_id, node.node_id
        node.transferee, node.log_term = 0, node.term
        heard = self.now - self.timing.election + self.timing.ghost
        node.progress = {peer_id: Progress(0, index, probing=True, heard=heard) for peer_id in self.members}
        node.elected_at, node.lost_at = self.now, None
        node.hold_until = self.now + self.timing.hold
        node.uncommitted.append(Proposal(lambda: None))
        node.frozen = None
        self.transfer = None

    # --- changes --------------------------------------------------------------------------------------------------

    def propose(self, leader: Node, apply: Callable[[], None]) -> Proposal:
        """Propose a change; it is applied once a quorum accepts it: now, much later, or never."""
        proposal = Proposal(apply)
        if leader.transferee:
            proposal.dropped = True
            return proposal
        leader.uncommitted.append(proposal)
        self.settle()
        return proposal

    def add_member(self, member: Member) -> None:
        """Apply the addition of a member; peer id 0 is accepted and then invisible."""
        if member.peer_id == 0:
            self.poisoned = True
            return
        self.members[member.peer_id] = member
        leader = self.leader()
        if leader is not None:
            leader.progress[member.peer_id] = Progress(0, leader.commit, probing=True, new=True, heard=self.now)
        self.settle()

    def remove_member(self, peer_id: int) -> None:
        """Apply the removal of a member; a running node keeps its present view, with this entry."""
        node, leader = self.nodes.get(peer_id), self.leader()
        if node is not None and leader is not None and self.is_live(peer_id):
            node.follow(leader)
            node.freeze(self.data)
        self.members.pop(peer_id, None)
        for other in self.nodes.values():
            other.progress.pop(peer_id, None)
        self.settle()

    # --- leadership transfer --------------------------------------------------------------------------------------

    def start_transfer(self, leader: Node, target: int) -> None:
        """Start a transfer; to a learner or to the leader itself it has no effect."""
        if target == leader.node_id or not self.is_voter(target):
            return
        leader.transferee = target
        self.transfer = Transfer(target, self.now, reachable=self.is_live(target) and self.has_quorum())

    def _transfer_due(self, transfer: Transfer) -> float:
        if not transfer.reachable:
            return transfer.started + self.timing.election
        return transfer.started + self.timing.transfer * (1.0 if transfer.handed_over else 0.5)

    def _step_transfer(self) -> None:
        transfer, leader = self.transfer, self.leader()
        assert transfer is not None  # noqa: S101 (only scheduled while there is one)
        possible = transfer.reachable and self.is_live(transfer.target) and self.has_quorum()
        if possible and not transfer.handed_over and leader is not None:
            transfer.handed_over = True
            self._hand_over(transfer.target)
            return
        if possible and transfer.handed_over and leader is None:
            self._lead(self.nodes[transfer.target])
        self._end_transfer(leader)

    def _end_transfer(self, leader: Node | None) -> None:
        self.transfer = None
        if leader is not None:
            leader.transferee = 0
        self.settle()

    def _hand_over(self, target: int) -> None:
        for node in self.live():
            named = node.node_id if node.role is Role.LEADER else 0
            node.lose_leader(Role.CANDIDATE if node.node_id == target else Role.FOLLOWER)
            node.named = named
            node.term, node.vote = node.term + 1, target if self.is_voter(node.node_id) else 0

    # --- processes ------------------------------------------------------------------------------------------------

    def lose(self, peer_id: int) -> None:
        """Record the progress of a node just before it leaves."""
        node = self.nodes[peer_id]
        if self.is_live(peer_id):
            node.freeze(self.data)
        for other in self.live():
            progress = other.progress.get(peer_id)
            if progress is not None and self.is_live(peer_id) and not progress.probing:
                progress.match, progress.heard = other.last, self.now

    def start_process(self, peer_id: int) -> None:
        """Start a process with the state on its disk."""
        node = self.nodes.setdefault(peer_id, Node(peer_id, term=0, log_term=0))
        node.up, node.paused, node.lost_at = True, False, None
        node.lose_leader(Role.FOLLOWER)
        self.settle()
