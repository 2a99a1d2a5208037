"""Reads the statistics of the schedulers that the settings name or allow; bounded in number, size and time.

A scheduler is another service than the Clustermgr. An address that only `/service/list` names is never contacted: any
service can register any address there. Redirects are not followed. A request token is sent only if the settings name a
secret for it, and only to addresses that they name.
"""

import asyncio
import ipaddress
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from bot.clustermgr.decoding import SCHEDULER, parse
from bot.clustermgr.models import Service
from bot.clustermgr.scheduler_models import SchedulerStats
from bot.clustermgr.scheduler_survey import (
    EVERY_SCHEDULER,
    SchedulerAnswer,
    SchedulerFault,
    SchedulerSurvey,
    TaskStats,
)
from bot.clustermgr.status_codes import Answer
from bot.clustermgr.transport import OnCall, Timeouts, Transport, ignore_call, origin_of
from bot.common.addresses import place
from bot.common.errors import ClusterBadAnswer, ClusterError, ClusterTimeout, ClusterUnreachable
from bot.common.frozen import frozen
from bot.common.periods import Due, elapsed
from bot.telemetry.trace import request_id
from bot.telemetry.tracer import NO_TRACER, Tracer

SCHEDULER_SERVICE = "SCHEDULER"
MAX_SCHEDULERS = 8
"""Schedulers that are asked in one round."""
ROUND_SECONDS = 2.5
"""Limit of one round: all schedulers are asked at the same time, then one for the statistics of their leader."""
INTERVAL_SECONDS = 60.0
"""Seconds between two rounds of the watch."""
LEADER_PATHS = ("/stats/leader", "/leader/stats")
"""The statistics of the leader, forwarded by any scheduler; the second one is that of v3.2."""
_TIMEOUTS = Timeouts(connect=1.0, read=1.5, pool=1.0, read_total=2.0)
_SERVER_ERRORS = range(500, 600)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@frozen
class AllowedSchedulers:
    """The schedulers of one cluster that may be asked: `hosts` by name, and registered ones within `networks`."""

    hosts: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    @property
    def configured(self) -> bool:
        """True if the settings name or allow any."""
        return bool(self.hosts or self.networks)

    def among(self, services: Iterable[Service]) -> tuple[str, ...]:
        """The addresses to ask: the named ones, then the registered ones that a network allows."""
        return tuple(self._each(services))[:MAX_SCHEDULERS]

    def _each(self, services: Iterable[Service]) -> Iterator[str]:
        known: set[str] = set()
        registered = (each.host for each in schedulers_of(services) if self._allows(each.host))
        for host in (*self.hosts, *registered):
            if place(host) not in known:
                known.add(place(host))
                yield host

    def _allows(self, host: str) -> bool:
        """True for an address within a network; a name is never resolved."""
        try:
            name = origin_of(host).name
            # As it is written, since that is what is contacted: `10.0.0.1.` is a name.
            address = ipaddress.ip_address(name.strip("[]"))
        except (ClusterUnreachable, ValueError):
            return False
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any((mapped or address) in network for network in self.networks)


def schedulers_of(services: Iterable[Service]) -> tuple[Service, ...]:
    """The registered schedulers."""
    return tuple(each for each in services if each.name.upper() == SCHEDULER_SERVICE)


@dataclass(slots=True)
class SchedulerClient:
    """Asks the allowed schedulers of one cluster; connections end with each round."""

    allowed: AllowedSchedulers
    secret: str | None = None
    context: ssl.SSLContext | None = None
    new_id: Callable[[], str] = request_id
    clock: Callable[[], float] = time.time
    on_call: OnCall = ignore_call
    tracer: Tracer = NO_TRACER
    asked_at: float = field(default=0.0, init=False)

    def due(self, now: float, due: Due = elapsed) -> bool:
        """True if the watch should ask again."""
        return self.allowed.configured and due(self.asked_at, now, INTERVAL_SECONDS)

    async def survey(self, services: Sequence[Service], now: float) -> SchedulerSurvey:
        """Ask every allowed scheduler once, for at most ROUND_SECONDS; never raises ClusterError."""
        self.asked_at = now
        hosts = self.allowed.among(services)
        transport = Transport(
            new_id=self.new_id,
            timeouts=_TIMEOUTS,
            secret=self.secret,
            hosts=self.allowed.hosts,
            clock=self.clock,
            max_bytes=SCHEDULER.size,
            context=self.context,
            on_call=self.on_call,
            tracer=self.tracer,
        )
        ends = time.monotonic() + ROUND_SECONDS
        async with transport:
            answers = await asyncio.gather(*(_ask(transport, host) for host in hosts))
            leader = await _leader(transport, answers, ends)
        return SchedulerSurvey(now, tuple(answers), leader)


async def _ask(transport: Transport, host: str) -> SchedulerAnswer:
    """Read the statistics of one scheduler."""
    try:
        answer = await transport.get(host, "/stats")
    except ClusterError as error:
        return SchedulerAnswer(host, fault=_fault_of_transport(error))
    fault = _fault_of_status(answer)
    if fault is not None:
        return SchedulerAnswer(host, fault=fault)
    tasks = _tasks(answer)
    # An answer without any known task proves that something listens there, and no more.
    return SchedulerAnswer(host, tasks or {}, None if tasks else SchedulerFault.UNREADABLE)


async def _leader(
    transport: Transport, answers: Sequence[SchedulerAnswer], ends: float
) -> Mapping[str, TaskStats] | None:
    """The leader's statistics: its own answer has them, else any scheduler forwards the question to it."""
    well = [answer for answer in answers if answer.fault is None]
    for answer in well:
        if _is_leaders(answer.tasks):
            return answer.tasks
    for answer in well:
        for path in LEADER_PATHS:
            tasks = await _forwarded(transport, answer.host, path, ends)
            if tasks is not None and _is_leaders(tasks):
                return tasks
    return None


def _is_leaders(tasks: Mapping[str, TaskStats]) -> bool:
    """True if these are the statistics of the leader: others do not send the tasks that work on disks."""
    return any(name not in EVERY_SCHEDULER for name in tasks)


async def _forwarded(transport: Transport, host: str, path: str, ends: float) -> Mapping[str, TaskStats] | None:
    left = ends - time.monotonic()
    if left <= 0:
        return None
    try:
        async with asyncio.timeout(left):
            answer = await transport.get(host, path)
    except (ClusterError, TimeoutError):
        return None
    return None if _fault_of_status(answer) else _tasks(answer)


def _tasks(answer: Answer) -> Mapping[str, TaskStats] | None:
    try:
        return parse(SchedulerStats, answer, SCHEDULER).tasks()
    except ClusterBadAnswer:
        return None


def _fault_of_status(answer: Answer) -> SchedulerFault | None:
    if answer.status == HTTPStatus.OK:
        return None
    if answer.status == HTTPStatus.NOT_FOUND:
        return SchedulerFault.NO_STATISTICS
    if answer.status in _SERVER_ERRORS:
        return SchedulerFault.FAILED
    return SchedulerFault.REFUSED if answer.status >= HTTPStatus.BAD_REQUEST else SchedulerFault.UNREADABLE


def _fault_of_transport(error: ClusterError) -> SchedulerFault:
    if isinstance(error, ClusterUnreachable):
        return SchedulerFault.UNREACHABLE
    return SchedulerFault.TIMEOUT if isinstance(error, ClusterTimeout) else SchedulerFault.CUT
