"""Controls of SimulatedCluster: processes, replication, schedulers, disks, space and switches."""

import asyncio
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from bot.playground.clustermgr_sim import disks as d
from bot.playground.clustermgr_sim.answer import Answer, Call
from bot.playground.clustermgr_sim.background import SCHEDULER
from bot.playground.clustermgr_sim.data import Data, Service
from bot.playground.clustermgr_sim.engine import Engine
from bot.playground.clustermgr_sim.faults import Faults
from bot.playground.clustermgr_sim.flavour import Flavour
from bot.playground.clustermgr_sim.nodes import Node
from bot.playground.clustermgr_sim.raft import NotPossible, Raft
from bot.playground.clustermgr_sim.scheduler import FAILING_TASKS, Schedulers
from bot.playground.clustermgr_sim.server import LOOPBACK, NodeServer
from bot.playground.clustermgr_sim.volumes import CODE_MODES, EC3P3, Volume


class ProcessControls:
    """Controls of processes and replication; each raises NotPossible with a sentence if it cannot be applied."""

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
        """Apply due events, and open the ports of nodes that have found a quorum."""
        self.engine.tick()
        for node_id, server in list(self._servers.items()):
            node = self.raft.nodes.get(node_id)
            if node is not None and node.up and not server.listening and (node.leader or not self._joins(node_id)):
                await server.open()

    def _joins(self, node_id: int) -> bool:
        return node_id in self.raft.members

    async def kill(self, node: int) -> None:
        """Kill the process: its connections break, its port refuses."""
        state = self._node(node)
        self.raft.lose(node)
        state.up, state.paused = False, False
        self.raft.settle()
        await self._servers[node].close()
        self._gates[node].set()

    async def start(self, node: int) -> None:
        """Start the process again; without a quorum its port stays closed until there is one.

        Raises NotPossible on releases that panic after a member of id 0 was added.
        """
        if self._node(node).up:
            return
        if self.raft.poisoned and self.flavour.zero_peer_kills:
            raise NotPossible(f"node {node} panics at its start: a member of id 0 was added")
        self.raft.start_process(node)
        self._gates[node].set()
        await self.tick()

    async def add_node(self, node: int = 0, *, port: int = 0) -> int:
        """Start a new process (the next free id if 0) and return its id; it joins once it is added as a member."""
        self.engine.tick()
        node = node or max(self._servers) + 1
        if node in self._servers:
            raise NotPossible(f"node {node} exists")
        self._reserve(node, port)
        self.raft.start_process(node)
        await self._servers[node].open()
        return node

    async def remove_node(self, node: int) -> None:
        """End a process for good; it stays a member until /member/remove."""
        await self.kill(node)
        await self._servers.pop(node).release()
        del self._gates[node]
        del self.raft.nodes[node]
        self.raft.settle()

    async def pause(self, node: int) -> None:
        """Stop the process as SIGSTOP does: it accepts and never answers; to its peers it is dead."""
        state = self._node(node)
        if not state.up:
            raise NotPossible(f"node {node} does not run")
        self.raft.lose(node)
        state.paused = True
        self._gates[node].clear()
        self.raft.settle()

    async def resume(self, node: int) -> None:
        """Let a paused process continue; waiting requests are executed now."""
        self._node(node).paused = False
        self.raft.settle()
        self._gates[node].set()

    async def isolate(self, node: int) -> None:
        """Cut the node off from raft only; its HTTP port keeps answering."""
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
        """Start every node; remove all delays, pauses, isolation and faults."""
        self.faults.clear()
        self._delays.clear()
        self.raft.poisoned = False
        for node in list(self._servers):
            self.raft.nodes[node].behind, self.raft.nodes[node].stuck = 0, None
            await self.rejoin(node)
            await self.resume(node)
            await self.start(node)

    def slow(self, node: int, seconds: float) -> None:
        """Delay each answer of this node, but not its execution; 0 ends the delay."""
        self._node(node)
        self._delays[node] = seconds

    def fall_behind(self, node: int, entries: int) -> None:
        """Keep a follower `entries` behind its leader; 0 lets it catch up."""
        self.engine.tick()
        if node not in self.raft.nodes or self.raft.nodes[node] is self.raft.leader():
            raise NotPossible(f"node {node} has no leader to follow")
        self.raft.nodes[node].behind = entries
        self.raft.settle()

    def stall(self, node: int, value: bool = True) -> None:
        """Stop a node from applying its log, or let it continue."""
        self.engine.tick()
        if node not in self.raft.nodes:
            raise NotPossible(f"there is no node {node}")
        held = self.raft.nodes[node]
        held.stuck = held.applied if value else None

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


_STEPS = {"repairing": d.REPAIRING, "repaired": d.REPAIRED, "dropped": d.DROPPED, "normal": d.NORMAL}


class SchedulerControls:
    """Controls of the schedulers; the running one with the lowest number leads."""

    data: Data
    engine: Engine
    schedulers: Schedulers
    _scheduler_servers: dict[int, NodeServer]

    @abstractmethod
    async def _serve_scheduler(self, number: int, call: Call) -> Answer: ...

    def scheduler_host(self, number: int = 1) -> str:
        """The base URL of a scheduler; raises NotPossible for an unknown one."""
        if number not in self._scheduler_servers:
            raise NotPossible(f"there is no scheduler {number}")
        return f"http://{LOOPBACK}:{self._scheduler_servers[number].port}"

    async def start_scheduler(self, number: int = 1) -> str:
        """Start a scheduler, register it and return its base URL."""
        if number not in self._scheduler_servers:

            async def serve(call: Call) -> Answer:
                return await self._serve_scheduler(number, call)

            self._scheduler_servers[number] = NodeServer(serve)
        await self._scheduler_servers[number].open()
        self._set_running(self.schedulers.running | {number})
        service = Service(SCHEDULER, self.scheduler_host(number))
        if service not in self.data.services:
            self.data.services.append(service)
        return service.host

    async def stop_scheduler(self, number: int = 1, *, registered: bool = False) -> None:
        """End a scheduler; `registered` leaves it in the list of services."""
        host = self.scheduler_host(number)
        await self._scheduler_servers[number].close()
        self._set_running(self.schedulers.running - {number})
        if not registered:
            self.data.services[:] = [each for each in self.data.services if (each.name, each.host) != (SCHEDULER, host)]

    def fail_tasks(self, task: str, per_minute: int, words: str = "EOF") -> None:
        """Let `shard_repair` or `blob_delete` fail so often in each minute from now on; 0 ends the failures."""
        self.engine.tick()
        if task not in FAILING_TASKS:
            raise NotPossible(f"tasks that can fail are {', '.join(FAILING_TASKS)}; not {task}")
        self.schedulers.set_failures(task, per_minute, words)

    def _set_running(self, running: AbstractSet[int]) -> None:
        self.engine.tick()
        self.schedulers.running = frozenset(running)
        self.engine.background.stopped = not running


class DiskControls:
    """Changes that blobnodes, repair services or administrators would make, without a request in the log."""

    data: Data
    engine: Engine

    def break_disk(self, disk_id: int) -> None:
        """Set the disk to broken (status 2)."""
        self._disk(disk_id).status = d.BROKEN

    def repair_disk(self, disk_id: int, step: str = "repairing") -> None:
        """Move the disk to `repairing`, `repaired`, `dropped`; or to `normal`, as a replaced disk."""
        if step not in _STEPS:
            raise NotPossible(f"a disk can go to {', '.join(_STEPS)}; not to {step}")
        disk = self._disk(disk_id)
        disk.status = _STEPS[step]
        if disk.status in {d.NORMAL, d.DROPPED}:
            disk.dropping = False
        if disk.status in {d.REPAIRED, d.DROPPED}:
            self.data.thin_out(disk_id, 0)

    def drop_disk(self, disk_id: int) -> None:
        """Make the disk read-only and dropping."""
        disk = self._disk(disk_id)
        disk.readonly = disk.dropping = True

    def set_disk_readonly(self, disk_id: int, value: bool = True) -> None:
        """Set or clear the disk's read-only flag."""
        self._disk(disk_id).readonly = value

    def expire_disk(self, disk_id: int, expired: bool = True) -> None:
        """Mark the disk's heartbeat as overdue, or as back."""
        self._disk(disk_id).expired = expired

    def expire_host(self, host: str, expired: bool = True) -> None:
        """Mark the heartbeats of all disks of a blobnode as overdue, or as back."""
        self.engine.tick()
        found = [disk for disk in self.data.disks.values() if disk.host == host]
        if not found:
            raise NotPossible(f"there is no host {host}")
        for disk in found:
            disk.expired = expired

    def move_chunks(self, disk_id: int, left: int) -> None:
        """Leave `left` units on the disk, as a repair or a drop does; or move units of its zone to it."""
        self._disk(disk_id)
        missing = left - self.data.volumes.count_on(disk_id)
        self.data.thin_out(disk_id, left)
        if missing > 0 and self.data.land_units(disk_id, missing) < missing:
            raise NotPossible(f"disk {disk_id} can hold at most {self.data.volumes.count_on(disk_id)} units")

    def land_unit(self, disk_id: int) -> None:
        """Move one unit of its zone to the disk in any state, also one that is repaired or dropped."""
        self._disk(disk_id)
        if not self.data.land_units(disk_id, 1):
            raise NotPossible(f"no unit can move to disk {disk_id}")

    def risk_volume(self) -> tuple[int, ...]:
        """Break disks of one EC3P3 volume until it can lose one more unit, or none if that is so already.

        The volume that has lost most units is taken. Returns the ids of the disks that broke.
        """
        self.engine.tick()
        parity = CODE_MODES[EC3P3].parity
        found = [volume for volume in self.data.volumes if volume.code_mode == EC3P3 and self._lost(volume) < parity]
        if not found:
            raise NotPossible("there is no EC3P3 volume that can lose a unit more")
        volume = max(found, key=self._lost)
        lost = self._lost(volume)
        whole = [unit.disk_id for unit in volume.units if self.data.disks[unit.disk_id].status == d.NORMAL]
        broken = tuple(whole[: max(1, parity - 1 - lost)])
        for disk_id in broken:
            self.break_disk(disk_id)
        return broken

    def _lost(self, volume: Volume) -> int:
        return sum(self.data.disks[unit.disk_id].status != d.NORMAL for unit in volume.units)

    def set_compacting(self, vid: int, units: int = 1) -> None:
        """Let the first `units` units of a volume compact, and no other."""
        self.engine.tick()
        volume = self.data.volumes.by_vid.get(vid)
        if volume is None:
            raise NotPossible(f"there is no volume {vid}")
        changed = tuple(replace(unit, compacting=unit.index < units) for unit in volume.units)
        self.data.volumes.put(replace(volume, units=changed))

    def rename_disk(self, disk_id: int, *, host: str | None = None, path: str | None = None) -> None:
        """Give the disk another host or path, hostile ones included."""
        disk = self._disk(disk_id)
        disk.host = disk.host if host is None else host
        disk.path = disk.path if path is None else path

    def fill_space(self, fraction: float) -> None:
        """Fill every disk to this fraction (0 to 1)."""
        if not 0 <= fraction <= 1:
            raise NotPossible(f"a disk can be filled from 0 to 1; not to {fraction}")
        self.engine.tick()
        for disk in self.data.disks.values():
            disk.fill(fraction)

    def set_allocatable(self, volumes: int) -> None:
        """Set the number of volumes that can be allocated."""
        self.engine.tick()
        self.data.volumes.can_alloc = volumes

    def set_switch(self, key: str, value: str | None) -> None:
        """Store any value under a key, or remove it, as from outside cmbot."""
        self.engine.tick()
        if value is None:
            self.data.kv.pop(key, None)
        else:
            self.data.kv[key] = value

    def set_read_only(self, value: bool) -> None:
        """Set the cluster's read-only flag; the oldest release does not show it."""
        self.engine.tick()
        self.data.read_only = value

    def recount(self) -> None:
        """Count the disks now, so that /stat is current."""
        self.engine.tick()
        self.engine.recount()

    def _disk(self, disk_id: int) -> d.Disk:
        self.engine.tick()
        if disk_id not in self.data.disks:
            raise NotPossible(f"there is no disk {disk_id}")
        return self.data.disks[disk_id]
