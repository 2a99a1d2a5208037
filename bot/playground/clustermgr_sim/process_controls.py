"""The handles of SimulatedCluster on processes: killing, starting, pausing, isolating, electing, adding, slowing."""

import asyncio
from abc import abstractmethod
from collections.abc import Iterable, Sequence

from bot.playground.clustermgr_sim.answer import Answer, Call
from bot.playground.clustermgr_sim.engine import Engine
from bot.playground.clustermgr_sim.faults import Faults
from bot.playground.clustermgr_sim.flavour import Flavour
from bot.playground.clustermgr_sim.nodes import Node
from bot.playground.clustermgr_sim.raft import NotPossible, Raft
from bot.playground.clustermgr_sim.server import NodeServer


class ProcessControls:
    """Each raises NotPossible, with a sentence, for what cannot be."""

    flavour: Flavour
    raft: Raft
    engine: Engine
    faults: Faults
    _servers: dict[int, NodeServer]
    _gates: dict[int, asyncio.Event]
    _delays: dict[int, float]

    @abstractmethod
    async def _serve(self, node: int, call: Call) -> Answer: ...

    @property
    def leader(self) -> int:
        """The id of the leader that has a quorum, 0 when there is none."""
        self.engine.tick()
        leader = self.raft.leader()
        return leader.node_id if leader is not None and self.raft.has_quorum() else 0

    async def tick(self) -> None:
        """Let happen what is due, and open the ports of nodes that found a quorum at last."""
        self.engine.tick()
        for node_id, server in list(self._servers.items()):
            node = self.raft.nodes.get(node_id)
            if node is not None and node.up and not server.listening and (node.leader or not self._joins(node_id)):
                await server.open()

    def _joins(self, node_id: int) -> bool:
        return node_id in self.raft.members

    async def kill(self, node: int) -> None:
        """End the process at once: its connections break, its port refuses."""
        state = self._node(node)
        self.raft.lose(node)
        state.up, state.paused = False, False
        self.raft.settle()
        await self._servers[node].close()
        self._gates[node].set()

    async def start(self, node: int) -> None:
        """Start the process again; without a quorum its port stays closed until there is one.

        On the releases where a member of id 0 was ever added it dies at once: raises NotPossible.
        """
        if self._node(node).up:
            return
        if self.raft.poisoned and self.flavour.zero_peer_kills:
            raise NotPossible(f"node {node} panics at its start: a member of id 0 was added")
        self.raft.start_process(node)
        self._gates[node].set()
        await self.tick()

    async def add_node(self, node: int = 0, *, port: int = 0) -> int:
        """Start a new process (the next free id when 0) and give its id; it joins once it is added as a member."""
        self.engine.tick()
        node = node or max(self._servers) + 1
        if node in self._servers:
            raise NotPossible(f"node {node} exists")
        self._reserve(node, port)
        self.raft.start_process(node)
        await self._servers[node].open()
        return node

    async def remove_node(self, node: int) -> None:
        """End a process for good; as a member it stays until it is removed by /member/remove."""
        await self.kill(node)
        await self._servers.pop(node).release()
        del self._gates[node]
        del self.raft.nodes[node]
        self.raft.settle()

    async def pause(self, node: int) -> None:
        """Stop the process as SIGSTOP does: it accepts and never answers, others take it for dead."""
        state = self._node(node)
        if not state.up:
            raise NotPossible(f"node {node} does not run")
        self.raft.lose(node)
        state.paused = True
        self._gates[node].clear()
        self.raft.settle()

    async def resume(self, node: int) -> None:
        """Let a paused process go on; what waited is executed now."""
        self._node(node).paused = False
        self.raft.settle()
        self._gates[node].set()

    async def isolate(self, node: int) -> None:
        """Cut the node off from raft only: its HTTP port goes on answering."""
        state = self._node(node)
        self.raft.lose(node)
        state.isolated = True
        self.raft.settle()

    async def rejoin(self, node: int) -> None:
        """Connect an isolated node again."""
        self._node(node).isolated = False
        self.raft.settle()

    async def elect(self, node: int) -> None:
        """Make this node the leader, in a new term; raises NotPossible."""
        self._node(node)
        self.raft.elect(node)

    async def lose_quorum(self) -> None:
        """Kill voters until fewer than a majority run; the leader goes on running."""
        voters = [peer for peer in sorted(self.raft.members) if self.raft.is_voter(peer)]
        spare = [peer for peer in voters if peer != self.leader and self.raft.is_live(peer)]
        while self.raft.has_quorum() and spare:
            await self.kill(spare.pop())

    async def restore(self) -> None:
        """Everything runs and keeps up, nothing is slow, paused, isolated or about to fail."""
        self.faults.clear()
        self._delays.clear()
        self.raft.poisoned = False
        for node in list(self._servers):
            self.raft.nodes[node].behind, self.raft.nodes[node].stuck = 0, None
            await self.rejoin(node)
            await self.resume(node)
            await self.start(node)

    def slow(self, node: int, seconds: float) -> None:
        """Hold back each answer of this node; it executes at once. 0 ends it."""
        self._node(node)
        self._delays[node] = seconds

    def _node(self, node: int) -> Node:
        self.engine.tick()
        if node not in self._servers:
            raise NotPossible(f"there is no node {node}")
        return self.raft.nodes[node]

    def _reserve_all(self, nodes: Iterable[int], ports: Sequence[int]) -> None:
        try:
            for node, port in zip(nodes, ports, strict=False):
                self._reserve(node, port)
        except OSError:
            for server in self._servers.values():
                server.discard()
            raise

    def _reserve(self, node: int, port: int) -> None:
        self._gates[node] = asyncio.Event()
        self._gates[node].set()

        async def serve(call: Call) -> Answer:
            return await self._serve(node, call)

        self._servers[node] = NodeServer(serve, port)
