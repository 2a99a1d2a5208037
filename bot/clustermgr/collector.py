"""One look at a cluster: every host in parallel, each answer or error kept, within a deadline."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.clustermgr.client import ClusterApi
from bot.clustermgr.models import Disk, DiskStatus, HostLook, Snapshot
from bot.clustermgr.slow_poll import SlowPoll
from bot.common.errors import ClusterError, ClusterTimeout

T = TypeVar("T")

BAD = (DiskStatus.BROKEN, DiskStatus.REPAIRING)
LEADER_PATIENCE = 1.0
"""Seconds that the question for bad disks waits for a host to claim leadership before any that answered gets it."""
MakeRound = Callable[[Callable[[], Awaitable[str | None]]], Coroutine[Any, Any, SlowPoll]]
"""Make a round; it is handed what tells whom to ask."""


@dataclass(slots=True)
class _Look:
    """The questions under way of one look; what is not answered when asked counts as silent."""

    cluster: str
    at: float
    api: ClusterApi
    started: float = field(default_factory=time.monotonic)
    stats: dict[str, asyncio.Task[HostLook]] = field(default_factory=dict)
    disks: asyncio.Task[tuple[Disk, ...]] | None = None
    switches: dict[str, asyncio.Task[str | None]] = field(default_factory=dict)
    round: asyncio.Task[SlowPoll] | None = None

    @property
    def tasks(self) -> tuple[asyncio.Task[Any], ...]:
        extra = tuple(task for task in (self.disks, self.round) if task)
        return (*self.stats.values(), *self.switches.values(), *extra)

    def snapshot(self) -> Snapshot:
        waited = time.monotonic() - self.started
        bad_disks, disks_error = _outcome(self.disks, waited) if self.disks else (None, None)
        told = {key: _outcome(task, waited) for key, task in self.switches.items()}
        known = {key: value for key, (value, error) in told.items() if error is None}
        made = _outcome(self.round, waited)[0] if self.round else None
        return Snapshot(
            cluster=self.cluster,
            at=self.at,
            looks=tuple(_host_look(host, task, waited) for host, task in self.stats.items()),
            bad_disks=bad_disks,
            disks_error=disks_error,
            switches=made.switches if made else known if self.switches else None,
            dialect=made.dialect if made else None,
            dropping=made.dropping if made else None,
            chunks=made.chunks if made else None,
            zones=made.zones if made else None,
            complete=all(task.done() for task in self.tasks),
        )


async def fetch(
    api: ClusterApi,
    cluster: str,
    *,
    now: float,
    deadline: float,
    bad_disks: bool = True,
    switches: tuple[str, ...] = (),
    make_round: MakeRound | None = None,
) -> Snapshot:
    """Look once, for `deadline` seconds at the most; never raises ClusterError.

    With `make_round` the look asks what changes slowly, too.
    """
    wanted: dict[str, Any] = {"bad_disks": bad_disks, "switches": switches, "make_round": make_round}
    return [look async for look in watch(api, cluster, now=now, deadlines=(deadline,), **wanted)][-1]


async def watch(
    api: ClusterApi,
    cluster: str,
    *,
    now: float,
    deadlines: tuple[float, ...],
    bad_disks: bool = True,
    switches: tuple[str, ...] = (),
    make_round: MakeRound | None = None,
) -> AsyncGenerator[Snapshot]:
    """Yield what is known when all answered, and at each deadline (seconds) that passes before that.

    A freshly elected leader can hold answers for ten seconds: the later look completes the first. Nothing is left
    running when the iteration ends, however it ends.
    """
    look = _Look(cluster, now, api)
    _start(look, bad_disks=bad_disks, switches=switches)
    if make_round is not None:
        look.round = asyncio.create_task(make_round(lambda: _whom_to_ask(tuple(look.stats.values()))))
    try:
        for deadline in deadlines:
            left = max(0.0, deadline - (time.monotonic() - look.started))
            _, pending = await asyncio.wait(look.tasks, timeout=left)
            yield look.snapshot()
            if not pending:
                return
    finally:
        await _stop(look.tasks)


def _start(look: _Look, *, bad_disks: bool, switches: tuple[str, ...]) -> None:
    make: Callable[[Coroutine[Any, Any, T]], asyncio.Task[T]] = asyncio.create_task
    for host in look.api.hosts:
        look.stats[host] = asyncio.create_task(_ask(look.api, host))
    if bad_disks:
        look.disks = make(_bad_disks(look))
    for key in switches:
        look.switches[key] = make(look.api.config_get(key))


async def _stop(tasks: tuple[asyncio.Task[Any], ...]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _ask(api: ClusterApi, host: str) -> HostLook:
    start = time.monotonic()
    try:
        stat = await api.stat(host)
    except ClusterError as error:
        return HostLook(host, time.monotonic() - start, error=error)
    return HostLook(host, time.monotonic() - start, stat=stat)


async def _bad_disks(look: _Look) -> tuple[Disk, ...]:
    """Disks of status 2 and 3, asked of the leader first: a removed node would hold the question for ten seconds."""
    first = await _whom_to_ask(tuple(look.stats.values()))
    # One list after the other, in the order in which a disk moves through them: asked at the same time, a disk that
    # moves in between is in neither, and its alert would end. One that is in both is told once, in its later state.
    lists = [await look.api.disk_list(status=status, first=first) for status in BAD]
    found = {disk.disk_id: disk for disks in lists for disk in disks if disk.status in BAD}
    return tuple(sorted(found.values(), key=lambda disk: disk.disk_id))


async def _whom_to_ask(stats: tuple[asyncio.Task[HostLook], ...]) -> str | None:
    """The first host that claims leadership, else one that answered, else None.

    A host that hangs is waited for LEADER_PATIENCE at the most: the leader may be a host that is not configured.
    """
    answered: str | None = None
    try:
        async with asyncio.timeout(LEADER_PATIENCE):
            for done in asyncio.as_completed(stats):
                look = await done
                if look.stat is None:
                    continue
                if look.stat.claims_leadership:
                    return look.host
                answered = answered or look.host
    except TimeoutError:
        pass
    return answered


def _host_look(host: str, task: asyncio.Task[HostLook], waited: float) -> HostLook:
    return task.result() if task.done() else HostLook(host, waited, error=_late(host, waited))


def _late(host: str, waited: float) -> ClusterTimeout:
    return ClusterTimeout(f"{host} gave no answer in {waited:.0f} s.", host=host)


def _outcome(task: asyncio.Task[T], waited: float) -> tuple[T | None, ClusterError | None]:
    if not task.done():
        return None, ClusterTimeout(f"No answer in {waited:.0f} s.")
    error = task.exception()
    if error is None:
        return task.result(), None
    if isinstance(error, ClusterError):
        return None, error
    raise error
