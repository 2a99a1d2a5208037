"""One poll of a cluster: read every host in parallel, keep each answer or error, stop at a deadline."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.models import Disk, HostAnswer, Snapshot, leader_of
from bot.clustermgr.slow_poll import BAD, ReadFrom, SlowPoll
from bot.common.errors import ClusterError, ClusterTimeout, NoLeader

T = TypeVar("T")

LEADER_WAIT_SECONDS = 1.0
"""Seconds to wait for a host that claims leadership; after that, the switches of any host that answered are read."""
CLAIM_SECONDS = 0.2
"""Seconds for which a claim waits for others: an old leader may still claim a term that is over."""
SLOW_LEADER_SECONDS = 1.0
"""Seconds for which the list of bad disks waits for a leader, before it is read from a host that does not lead."""
_POLL_SHARE = 0.8
_SHORTEST_POLL = 3.0
ReadSlowState = Callable[[Callable[[], Awaitable[ReadFrom]]], Coroutine[Any, Any, SlowPoll]]
"""Read what changes slowly; the argument finds the host to read from."""


@dataclass(slots=True)
class _Poll:
    """The running reads of one poll; a read without an answer counts as silent."""

    cluster: str
    at: float
    api: ClustermgrClient
    led: str | None
    started: float = field(default_factory=time.monotonic)
    stats: dict[str, asyncio.Task[HostAnswer]] = field(default_factory=dict)
    disks: asyncio.Task[tuple[str, tuple[Disk, ...]]] | None = None
    switches: dict[str, asyncio.Task[str | None]] = field(default_factory=dict)
    slow: asyncio.Task[SlowPoll] | None = None

    @property
    def tasks(self) -> tuple[asyncio.Task[Any], ...]:
        extra = tuple(task for task in (self.disks, self.slow) if task)
        return (*self.stats.values(), *self.switches.values(), *extra)

    def snapshot(self) -> Snapshot:
        waited = time.monotonic() - self.started
        listed, disks_error = _outcome(self.disks, waited) if self.disks else (None, None)
        answers = tuple(_host_answer(host, task, waited) for host, task in self.stats.items())
        leads = leader_of(answers)
        leader = leads[0] if leads else None
        if listed is not None and listed[0] != leader and (leader or not listed[1]):
            # A host that does not lead may not know all disks, but those that it names are bad.
            disks_error = NoLeader("The host that listed the disks is not the leader.", host=listed[0])
            listed = None
        read = {key: _outcome(task, waited) for key, task in self.switches.items()}
        known = {key: value for key, (value, error) in read.items() if error is None}
        slow = _outcome(self.slow, waited)[0] if self.slow else None
        led = slow if slow and slow.leader == leader else None
        return Snapshot(
            cluster=self.cluster,
            at=self.at,
            answers=answers,
            bad_disks=None if listed is None else listed[1],
            disks_error=disks_error,
            switches=slow.switches if slow else known if self.switches else None,
            dialect=slow.dialect if slow else None,
            dropping=led.dropping if led else None,
            chunks=led.chunks if led else None,
            zones=led.zones if led else None,
            services=slow.services if slow else None,
            complete=all(task.done() for task in self.tasks),
        )


def poll_deadline(answer: float, interval: float) -> float:
    """Limit of one poll of the watch in seconds: it ends before the next poll is due, if that leaves time."""
    return min(answer, max(_SHORTEST_POLL, _POLL_SHARE * interval))


async def take_snapshot(
    api: ClustermgrClient,
    cluster: str,
    *,
    now: float,
    deadline: float,
    bad_disks: bool = True,
    switches: tuple[str, ...] = (),
    leader: str | None = None,
) -> Snapshot:
    """Poll once, for at most `deadline` seconds; never raises ClusterError."""
    polled = snapshots(
        api, cluster, now=now, deadlines=(deadline,), bad_disks=bad_disks, switches=switches, leader=leader
    )
    return [found async for found in polled][-1]


async def snapshots(
    api: ClustermgrClient,
    cluster: str,
    *,
    now: float,
    deadlines: tuple[float, ...],
    bad_disks: bool = True,
    switches: tuple[str, ...] = (),
    read_slow: ReadSlowState | None = None,
    leader: str | None = None,
) -> AsyncGenerator[Snapshot]:
    """Yield a snapshot at each deadline (seconds) that passes, and a last one when every host has answered.

    A new leader can hold its answers for ten seconds; a later snapshot completes the first. `leader` is the host that
    led lately: its disks are listed while it is asked if it still does. No task is left running when the iteration
    ends.
    """
    poll = _Poll(cluster, now, api, leader)
    _start(poll, bad_disks=bad_disks, switches=switches)
    if read_slow is not None:
        poll.slow = asyncio.create_task(read_slow(lambda: _leader(tuple(poll.stats.values()), patient=False)))
    try:
        for deadline in deadlines:
            left = max(0.0, deadline - (time.monotonic() - poll.started))
            _, pending = await asyncio.wait(poll.tasks, timeout=left)
            yield poll.snapshot()
            if not pending:
                return
    finally:
        await _stop(poll.tasks)


def _start(poll: _Poll, *, bad_disks: bool, switches: tuple[str, ...]) -> None:
    make: Callable[[Coroutine[Any, Any, T]], asyncio.Task[T]] = asyncio.create_task
    for host in poll.api.hosts:
        poll.stats[host] = asyncio.create_task(_read_stat(poll.api, host))
    if bad_disks:
        poll.disks = make(_bad_disks(poll))
    for key in switches:
        poll.switches[key] = make(poll.api.config_get(key))


async def find_leader(api: ClustermgrClient, within: float) -> str | None:
    """Ask every host for `/stat`: the host that leads, None if none says so in `within` seconds."""
    stats = tuple(asyncio.create_task(_read_stat(api, host)) for host in api.hosts)
    try:
        async with asyncio.timeout(within):
            return (await _leader(stats, patient=True)).leader
    except TimeoutError:
        return None
    finally:
        await _stop(stats)


async def _stop(tasks: tuple[asyncio.Task[Any], ...]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _read_stat(api: ClustermgrClient, host: str) -> HostAnswer:
    start = time.monotonic()
    try:
        stat = await api.stat(host)
    except ClusterError as error:
        return HostAnswer(host, time.monotonic() - start, error=error)
    return HostAnswer(host, time.monotonic() - start, stat=stat)


async def _bad_disks(poll: _Poll) -> tuple[str, tuple[Disk, ...]]:
    """The host that was read, and its disks of status 2 and 3; raises NoLeader if no host answers.

    That is the leader. If no configured host leads, it is a host that answered, of which an empty list proves nothing.
    """
    early = asyncio.create_task(_listed(poll.api, poll.led)) if poll.led in poll.stats else None
    try:
        at = await _disk_host(tuple(poll.stats.values()))
        if early is not None and at == poll.led:
            # It may have failed because that host could not answer before it led again.
            with suppress(ClusterError):
                return at, await early
    finally:
        if early is not None:
            await _stop((early,))
    return at, await _listed(poll.api, at)


async def _disk_host(stats: tuple[asyncio.Task[HostAnswer], ...]) -> str:
    """The host whose disks are listed."""
    try:
        async with asyncio.timeout(SLOW_LEADER_SECONDS):
            at = (await _leader(stats, patient=True)).host
    except TimeoutError:
        at = (await _leader(stats, patient=False)).host
    if at is None:
        raise NoLeader("No leader answers.")
    return at


async def _listed(api: ClustermgrClient, at: str) -> tuple[Disk, ...]:
    """The disks of status 2 and 3 of a host."""
    # Read one list after the other, in the order of a disk's states. Read in parallel, a disk that changes state could
    # be in neither list, which would end its alert. A disk in both lists is kept once, in its later state.
    lists = [await api.disk_list(status=status, at=at) for status in BAD]
    found = {disk.disk_id: disk for disks in lists for disk in disks if disk.status in BAD}
    return tuple(sorted(found.values(), key=lambda disk: disk.disk_id))


async def _leader(stats: tuple[asyncio.Task[HostAnswer], ...], *, patient: bool) -> ReadFrom:
    """The host that claims leadership in the highest term, once most hosts or CLAIM_SECONDS have answered.

    If no host claims it in LEADER_WAIT_SECONDS, a `patient` caller waits for one that does; any other gets a host that
    answered: the leader may be a host that is not configured.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        answers = [task.result() for task in stats if task.done()]
        pending = [task for task in stats if not task.done()]
        terms = [(answer.host, answer.stat.raft_status.term) for answer in answers if answer.stat is not None]
        leads, waited = leader_of(answers), loop.time() - began
        of_most = leads and 2 * len(terms) > len(stats) and leads[1].raft_status.term == max(term for _, term in terms)
        if leads and (of_most or waited >= CLAIM_SECONDS or not pending):
            return ReadFrom(leads[0], leads=True)
        if not pending or (waited >= LEADER_WAIT_SECONDS and not patient):
            return ReadFrom(terms[0][0] if terms else None)
        limit = min((mark - waited for mark in (CLAIM_SECONDS, LEADER_WAIT_SECONDS) if mark > waited), default=None)
        await asyncio.wait(pending, timeout=limit, return_when=asyncio.FIRST_COMPLETED)


def _host_answer(host: str, task: asyncio.Task[HostAnswer], waited: float) -> HostAnswer:
    if task.done():
        return task.result()
    return HostAnswer(host, waited, error=ClusterTimeout(f"{host} gave no answer in {waited:.0f} s.", host=host))


def _outcome(task: asyncio.Task[T], waited: float) -> tuple[T | None, ClusterError | None]:
    if not task.done():
        return None, ClusterTimeout(f"No answer in {waited:.0f} s.")
    error = task.exception()
    if error is None:
        return task.result(), None
    if isinstance(error, ClusterError):
        return None, error
    raise error
