"""SimulatedCluster: the nodes' ports over one raft group, and the handles by which tests and the demo break things."""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from bot.playground.cluster.answer import Answer, Call
from bot.playground.cluster.clock import Clock, RealClock, VirtualClock
from bot.playground.cluster.data import Data
from bot.playground.cluster.demo import demo_data
from bot.playground.cluster.disk_controls import DiskControls
from bot.playground.cluster.engine import Engine
from bot.playground.cluster.faults import Fault, Faults, Kind, refusal, spoil
from bot.playground.cluster.flavour import FLAVOURS
from bot.playground.cluster.log import RequestLog, Seen
from bot.playground.cluster.nodes import Member, Node
from bot.playground.cluster.raft import NotPossible, Raft
from bot.playground.cluster.server import LOOPBACK, NodeServer
from bot.playground.cluster.timing import Timing

FIRST_RAFT_PORT = 10110
_TICK = 0.05


class SimulatedCluster(DiskControls):
    """An async context manager; `hosts` are the addresses to configure, node 1 first.

    `flavour` is `v1`, `v3.5` or `master`; `ports` fixes the HTTP ports (0 or none: any free one); `data` replaces the
    demo's state; `addresses` replaces what nodes say their service addresses are; `clock` may be a VirtualClock.
    """

    def __init__(
        self,
        *,
        flavour: str = "master",
        nodes: int = 3,
        ports: Sequence[int] = (),
        timing: Timing | None = None,
        clock: Clock | None = None,
        secret: str = "",
        data: Data | None = None,
        addresses: Sequence[str] = (),
        disk_hosts: Sequence[str] = (),
        disk_paths: Sequence[str] = (),
        leader: int = 1,
        term: int = 1,
        commit: int = 3,
        seed: int = 0,
    ) -> None:
        self.flavour = FLAVOURS[flavour]
        self.clock = clock or RealClock()
        self.timing = timing or Timing()
        self.log = RequestLog()
        self.faults = Faults()
        self._rng = random.Random(seed)  # noqa: S311 (ids and shuffles of a simulation)
        self._delays: dict[int, float] = {}
        self._gates: dict[int, asyncio.Event] = {}
        self._servers: dict[int, NodeServer] = {}
        self._ticker: asyncio.Task[None] | None = None
        ids = range(1, nodes + 1)
        for node, port in zip(ids, (*ports, *([0] * nodes)), strict=False):
            self._reserve(node, port)
        own = {node: f"{LOOPBACK}:{self._servers[node].port}" for node in ids}
        self.addresses = own | dict(zip(ids, addresses, strict=False))
        now = self.clock.now()
        self.data = data or demo_data(self.flavour, now=now, rng=self._rng, hosts=disk_hosts, paths=disk_paths)
        members = [Member(node, raft_host(node), self.addresses[node]) for node in ids]
        self.raft = Raft(members, self.data, self.timing, now=now)
        self.raft.bootstrap(leader, term=term, commit=commit)
        self.engine = Engine(
            self.raft, self.flavour, self.clock, addresses=dict(self.addresses), secret=secret, rng=self._rng
        )

    async def __aenter__(self) -> Self:
        try:
            for server in self._servers.values():
                await server.open()
        except BaseException:
            await self._release()
            raise
        if not isinstance(self.clock, VirtualClock):
            self._ticker = asyncio.create_task(self._keep_ticking())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        await self._release()

    async def _release(self) -> None:
        for server in self._servers.values():
            await server.release()

    async def _keep_ticking(self) -> None:
        while True:
            await self.tick()
            await asyncio.sleep(_TICK)

    async def tick(self) -> None:
        """Let happen what is due, and open the ports of nodes that found a quorum at last."""
        self.engine.tick()
        for node_id, server in list(self._servers.items()):
            node = self.raft.nodes[node_id]
            if node.up and not server.listening and (node.leader or not self._joins(node_id)):
                await server.open()

    def _joins(self, node_id: int) -> bool:
        return node_id in self.raft.members

    # --- what a test looks at -------------------------------------------------------------------------------------

    @property
    def hosts(self) -> tuple[str, ...]:
        """`http://127.0.0.1:port` of each node, by node id; nodes that are down included."""
        return tuple(self.host(node) for node in sorted(self._servers))

    def host(self, node: int) -> str:
        """The base URL of one node."""
        return f"http://{LOOPBACK}:{self._servers[node].port}"

    @property
    def leader(self) -> int:
        """The id of the leader that has a quorum, 0 when there is none."""
        self.engine.tick()
        leader = self.raft.leader()
        return leader.node_id if leader is not None and self.raft.has_quorum() else 0

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every process with its own raft state, by id."""
        self.engine.tick()
        return tuple(self.raft.nodes[node] for node in sorted(self.raft.nodes))

    def delay_of(self, node: int) -> float:
        """By how many seconds the node's answers are late."""
        return self._delays.get(node, 0.0)

    def is_listening(self, node: int) -> bool:
        """Whether the node's port is open."""
        return self._servers[node].listening

    # --- processes ------------------------------------------------------------------------------------------------

    async def kill(self, node: int) -> None:
        """End the process at once: its connections break, its port refuses."""
        state = self._node(node)
        self.raft.lose(node)
        state.up, state.paused = False, False
        self.raft.settle()
        self._gates[node].set()
        await self._servers[node].close()

    async def start(self, node: int) -> None:
        """Start the process again; without a quorum its port stays closed until there is one.

        On the releases where a member of id 0 was ever added it dies at once: raises NotPossible.
        """
        if self._node(node).up:
            return
        if self.raft.poisoned and self.flavour.zero_peer_kills:
            raise NotPossible(f"node {node} panics at its start: a member of id 0 was added")
        self.raft.start_process(node)
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
        """Everything runs, nothing is slow, paused, isolated or about to fail."""
        self.faults.clear()
        self._delays.clear()
        for node in list(self._servers):
            await self.rejoin(node)
            await self.resume(node)
            await self.start(node)

    def slow(self, node: int, seconds: float) -> None:
        """Hold back each answer of this node; it executes at once. 0 ends it."""
        self._node(node)
        self._delays[node] = seconds

    # --- faults ---------------------------------------------------------------------------------------------------

    def lose_replies(self, count: int = 1, path: str = "", node: int = 0) -> None:
        """Execute the next requests (of this path, of this node) and cut the connection instead of answering."""
        self.faults.open.append(Fault(Kind.LOSE, count, path, node))

    def garble(self, count: int = 1, path: str = "", node: int = 0, *, truncate: bool = False) -> None:
        """Execute the next requests and answer 200 with garbage, or with half of the right body."""
        self.faults.open.append(Fault(Kind.TRUNCATE if truncate else Kind.GARBLE, count, path, node))

    def fail_next(self, status: int, count: int = 1, path: str = "", node: int = 0, words: str = "") -> None:
        """Answer the next requests with this status without executing them."""
        self.faults.open.append(Fault(Kind.FAIL, count, path, node, status, words))

    # --- serving --------------------------------------------------------------------------------------------------

    def _node(self, node: int) -> Node:
        self.engine.tick()
        if node not in self._servers:
            raise NotPossible(f"there is no node {node}")
        return self.raft.nodes[node]

    def _reserve(self, node: int, port: int) -> None:
        self._gates[node] = asyncio.Event()
        self._gates[node].set()

        async def serve(call: Call) -> Answer:
            return await self._serve(node, call)

        self._servers[node] = NodeServer(serve, port)

    async def _serve(self, node: int, call: Call) -> Answer:
        body = call.body.decode("utf-8", "replace")
        seen = Seen(self.clock.now(), node, call.method, call.target, body, dict(call.headers))
        self.log.note(seen)
        await self._gates[node].wait()
        fault = self.faults.take(node, call.path)
        if fault is not None and fault.kind is Kind.FAIL:
            answer = refusal(fault)
        else:
            answer = await self.engine.handle(node, call)
            answer = answer if fault is None else spoil(fault, answer)
        delay = self._delays.get(node, 0.0)
        if delay:
            await self.clock.sleep(delay)
        await self._gates[node].wait()
        seen.status = answer.status
        return answer


def raft_host(node: int) -> str:
    """The raft address of a node."""
    return f"{LOOPBACK}:{FIRST_RAFT_PORT + node - 1}"
