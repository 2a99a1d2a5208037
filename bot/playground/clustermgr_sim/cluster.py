"""SimulatedCluster: the nodes' ports over one raft group, the log of requests, and the controls for faults."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from bot.playground.clustermgr_sim.answer import CUT, Answer, Call
from bot.playground.clustermgr_sim.clock import Clock, RealClock, Timing, VirtualClock
from bot.playground.clustermgr_sim.controls import DiskControls, ProcessControls, SchedulerControls
from bot.playground.clustermgr_sim.data import Data
from bot.playground.clustermgr_sim.demo import IDLE_SCHEDULER, demo_data
from bot.playground.clustermgr_sim.engine import Engine
from bot.playground.clustermgr_sim.faults import FaultControls, Faults, Kind, refusal, spoil
from bot.playground.clustermgr_sim.flavour import FLAVOURS
from bot.playground.clustermgr_sim.nodes import Member, Node
from bot.playground.clustermgr_sim.raft import Raft
from bot.playground.clustermgr_sim.scheduler import Schedulers
from bot.playground.clustermgr_sim.server import LOOPBACK, NodeServer


@dataclass(slots=True)
class Seen:
    """A request that reached a node, or a scheduler of this number, from outside.

    `status` is None until the answer, 0 if it was cut.
    """

    at: float
    node: int
    method: str
    target: str
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None

    @property
    def path(self) -> str:
        """The path without the query."""
        return self.target.partition("?")[0]


@dataclass(slots=True)
class RequestLog:
    """The requests in order of arrival; beyond `limit` the oldest are removed."""

    limit: int = 10_000
    entries: list[Seen] = field(default_factory=list)

    def note(self, seen: Seen) -> None:
        """Add a request."""
        self.entries.append(seen)
        del self.entries[: -self.limit]

    def clear(self) -> None:
        """Remove all requests."""
        self.entries.clear()

    def matching(self, method: str = "", path: str = "", node: int = 0) -> list[Seen]:
        """The requests of this method, path and node, as far as given."""
        return [
            seen
            for seen in self.entries
            if method in {"", seen.method} and path in {"", seen.path} and node in {0, seen.node}
        ]

    def __iter__(self) -> Iterator[Seen]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


FIRST_RAFT_PORT = 10110
_TICK = 0.05


class SimulatedCluster(ProcessControls, SchedulerControls, DiskControls, FaultControls):
    """An async context manager; `hosts` are the addresses to configure, node 1 first.

    `flavour` is `v1`, `v3.5` or `master`; `ports` fixes the HTTP ports (0 or none: any free one); `data` replaces the
    state of the demo; `addresses` replaces the service addresses of the nodes; `clock` may be a VirtualClock;
    so many `schedulers` run and work. Without any, and without `data`, one is registered that does no work.
    With `dashboard` it answers /cluster/dashboard, which no recorded server does.
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
        schedulers: int = 0,
        dashboard: bool = False,
    ) -> None:
        self.flavour = replace(FLAVOURS[flavour], has_dashboard=dashboard)
        self.clock = clock or RealClock()
        self.timing = timing or Timing()
        self.log = RequestLog()
        self.scheduler_log = RequestLog()
        self.faults = Faults()
        self._rng = random.Random(seed)  # noqa: S311 (ids and shuffles of a simulation)
        self._delays: dict[int, float] = {}
        self._gates: dict[int, asyncio.Event] = {}
        self._holds: list[tuple[Callable[[Seen], bool], asyncio.Event]] = []
        self._servers: dict[int, NodeServer] = {}
        self._scheduler_servers: dict[int, NodeServer] = {}
        self._schedulers = range(1, schedulers + 1)
        self._ticker: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        ids = range(1, nodes + 1)
        self._reserve_all(ids, (*ports, *([0] * nodes)))
        own = {node: f"{LOOPBACK}:{self._servers[node].port}" for node in ids}
        self.addresses = own | dict(zip(ids, addresses, strict=False))
        now = self.clock.now()
        self.data = data or demo_data(self.flavour, now=now, rng=self._rng, hosts=disk_hosts, paths=disk_paths)
        if data is None and not schedulers:
            self.data.services.append(IDLE_SCHEDULER)
        members = [Member(node, raft_host(node), self.addresses[node]) for node in ids]
        self.raft = Raft(members, self.data, self.timing, now=now)
        self.raft.bootstrap(leader, term=term, commit=commit)
        self.engine = Engine(
            self.raft,
            self.flavour,
            self.clock,
            addresses=dict(self.addresses),
            gate=self._pass_gate,
            secret=secret,
            rng=self._rng,
        )
        self.engine.background.stopped = IDLE_SCHEDULER in self.data.services
        self.schedulers = Schedulers(self.engine.background, self.clock)

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._release)
            for server in self._servers.values():
                await server.open()
            for number in self._schedulers:
                await self.start_scheduler(number)
            stack.pop_all()
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
        for server in (*self._servers.values(), *self._scheduler_servers.values()):
            await server.release()

    async def _keep_ticking(self) -> None:
        while True:
            await self.tick()
            await self._notify()
            await asyncio.sleep(_TICK)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[], bool], *, timeout: float = 30.0) -> None:  # noqa: ASYNC109 (as Event.wait)
        """Return once the condition holds; it is checked after every request and, on the real clock, continuously.

        Raises TimeoutError after `timeout` real seconds.
        """
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(condition)

    @contextlib.contextmanager
    def holding(self, which: Callable[[Seen], bool]) -> Iterator[None]:
        """Let these requests wait, logged and not executed, until the block ends."""
        hold = (which, asyncio.Event())
        self._holds.append(hold)
        try:
            yield
        finally:
            self._holds.remove(hold)
            hold[1].set()

    # --- state for tests ------------------------------------------------------------------------------------------

    @property
    def hosts(self) -> tuple[str, ...]:
        """`http://127.0.0.1:port` of each node, by node id; nodes that are down included."""
        return tuple(self.host(node) for node in sorted(self._servers))

    def host(self, node: int) -> str:
        """The base URL of one node."""
        return f"http://{LOOPBACK}:{self._servers[node].port}"

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every process with its own raft state, by id."""
        self.engine.tick()
        return tuple(self.raft.nodes[node] for node in sorted(self.raft.nodes))

    def delay_of(self, node: int) -> float:
        """The delay of the node's answers in seconds."""
        return self._delays.get(node, 0.0)

    def is_listening(self, node: int) -> bool:
        """True if the node's port is open."""
        return self._servers[node].listening

    # --- serving --------------------------------------------------------------------------------------------------

    async def _pass_gate(self, node: int) -> None:
        """Return once the node is not paused, or has ended."""
        gate = self._gates.get(node)
        if gate is not None:
            await gate.wait()

    async def _serve(self, node: int, call: Call) -> Answer:
        body = call.body.decode("utf-8", "replace")
        seen = Seen(self.clock.now(), node, call.method, call.target, body, dict(call.headers))
        self.log.note(seen)
        await self._notify()
        for which, over in self._holds[:]:
            if which(seen):
                await over.wait()
        await self._pass_gate(node)
        answer = await self._answer(node, call) if self._runs(node) else CUT
        delay = self._delays.get(node, 0.0)
        if delay:
            await self.clock.sleep(delay)
        await self._pass_gate(node)
        seen.status = answer.status
        await self._notify()
        return answer

    async def _serve_scheduler(self, number: int, call: Call) -> Answer:
        body = call.body.decode("utf-8", "replace")
        seen = Seen(self.clock.now(), number, call.method, call.target, body, dict(call.headers))
        self.scheduler_log.note(seen)
        self.engine.tick()
        answer = self.schedulers.answer(number, call)
        seen.status = answer.status
        await self._notify()
        return answer

    def _runs(self, node: int) -> bool:
        return node in self.raft.nodes and self.raft.nodes[node].up

    async def _answer(self, node: int, call: Call) -> Answer:
        fault = self.faults.take(node, call.path)
        if fault is not None and fault.kind is Kind.FAIL:
            return refusal(fault)
        answer = await self.engine.handle(node, call)
        return answer if fault is None else spoil(fault, answer)


def raft_host(node: int) -> str:
    """The raft address of a node."""
    return f"{LOOPBACK}:{FIRST_RAFT_PORT + node - 1}"
