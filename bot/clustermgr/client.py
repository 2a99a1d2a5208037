"""The typed calls of one Clustermgr cluster: a read may go to several hosts, a write is sent once."""

import base64
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from pydantic import TypeAdapter

from bot.clustermgr import decoding
from bot.clustermgr.blob_nodes import BlobNode
from bot.clustermgr.bulkhead import Bulkhead
from bot.clustermgr.decoding import Bound, parse, parse_text
from bot.clustermgr.disk_states import DiskTally
from bot.clustermgr.give_way import give_way
from bot.clustermgr.hedging import first_answer
from bot.clustermgr.models import (
    MAX_SWITCHES,
    ConfigList,
    DashboardPage,
    Disk,
    DiskInfo,
    DiskPage,
    DiskStatus,
    KvPage,
    Service,
    ServiceList,
    Stat,
)
from bot.clustermgr.status_codes import Answer, check_read, check_write
from bot.clustermgr.tasks import Dialect
from bot.clustermgr.transport import OnCall, Timeouts, Transport, ignore_call
from bot.clustermgr.volume_models import MAX_VOLUMES_IN_ANSWER, Volume, VolumePage, VolumeUnits
from bot.common.addresses import place
from bot.common.errors import ClusterBadAnswer, ClusterUnreachable, NotFound
from bot.telemetry.trace import request_id
from bot.telemetry.tracer import NO_TRACER, Tracer

T = TypeVar("T")

PAGE = 200
"""Disks for each page."""
MAX_DISKS = 20_000
"""Limit of one listing: it ends even when a server never ends its pages."""
COUNTED_PAGE = 1_000
MAX_COUNTED = 200_000
"""Disks for each page, and limit of one listing, where disks are counted and not kept."""


class ClustermgrClient:
    """The calls of one cluster over HTTP; an async context manager. Every call raises ClusterError.

    A write is sent once, and only to the host `at` (the leader) when `at` is given. A read given `at` asks that host
    only: an empty answer of another host proves nothing, because a host that does not know a disk answers an empty list
    too (recorded exchanges). Without `at` a read falls back to other hosts; `first` is asked first.

    `hosts` are `name:port` or `http(s)://name:port`. `secret` is the secret of the request token. Clients share no
    connections.
    """

    def __init__(
        self,
        hosts: Sequence[str],
        *,
        timeouts: Timeouts | None = None,
        secret: str | None = None,
        new_id: Callable[[], str] = request_id,
        clock: Callable[[], float] = time.time,
        context: ssl.SSLContext | None = None,
        max_bytes: int = 8 << 20,
        on_call: OnCall = ignore_call,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._hosts = tuple(hosts)
        self._bulkhead = Bulkhead()
        self._transport = Transport(
            new_id=new_id,
            timeouts=timeouts,
            secret=secret,
            hosts=self._hosts,
            clock=clock,
            context=context,
            max_bytes=max_bytes,
            on_call=on_call,
            tracer=tracer,
        )

    @property
    def hosts(self) -> tuple[str, ...]:
        """The configured hosts, in order."""
        return self._hosts

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def stat(self, host: str) -> Stat:
        """GET /stat of one host, from its own view."""
        answer = await self._transport.get(host, "/stat", decoding.STAT.size)
        check_read(answer)
        return parse(Stat, answer, decoding.STAT)

    async def config_get(self, key: str, *, host: str | None = None) -> str | None:
        """GET /config/get: the raw stored text of a switch, None when unset."""

        async def ask(asked: str) -> str | None:
            try:
                return parse_text(await self._read(asked, "/config/get?" + urlencode({"key": key}), decoding.SWITCH))
            except NotFound:
                return None

        return await (ask(host) if host else self._any(ask))

    async def config_set(self, key: str, value: str, *, at: str | None = None) -> None:
        """POST /config/set, once."""
        await self._write("/config/set", {"key": key, "value": value}, at)

    async def member_add(
        self, peer_id: int, host: str, *, learner: bool, node_host: str | None = None, at: str | None = None
    ) -> None:
        """POST /member/add, once."""
        body: dict[str, Any] = {"peer_id": peer_id, "host": host, "member_type": 1 if learner else 2}
        if node_host is not None:
            body["node_host"] = node_host
        await self._write("/member/add", body, at)

    async def member_remove(self, peer_id: int, *, at: str | None = None) -> None:
        """POST /member/remove, once."""
        await self._write("/member/remove", {"peer_id": peer_id}, at)

    async def leadership_transfer(self, peer_id: int, *, at: str | None = None) -> None:
        """POST /leadership/transfer, once."""
        await self._write("/leadership/transfer", {"peer_id": peer_id}, at)

    async def disk_set_broken(self, disk_id: int, *, at: str | None = None) -> None:
        """POST /disk/set with state 2, once."""
        await self._write("/disk/set", {"disk_id": disk_id, "status": int(DiskStatus.BROKEN)}, at)

    async def disk_access(self, disk_id: int, *, readonly: bool, at: str | None = None) -> None:
        """POST /disk/access, once."""
        await self._write("/disk/access", {"disk_id": disk_id, "readonly": readonly}, at)

    async def disk_drop(self, disk_id: int, *, at: str | None = None) -> None:
        """POST /disk/drop, once."""
        await self._write("/disk/drop", {"disk_id": disk_id}, at)

    async def node_drop(self, node_id: int, *, at: str | None = None) -> None:
        """POST /node/drop, once."""
        await self._write("/node/drop", {"node_id": node_id}, at)

    async def disk_list(
        self,
        *,
        status: int | None = None,
        idc: str | None = None,
        rack: str | None = None,
        disk_host: str | None = None,
        limit: int = MAX_DISKS,
        first: str | None = None,
        at: str | None = None,
    ) -> tuple[Disk, ...]:
        """GET /disk/list, all its pages up to `limit` disks."""
        asked = {"status": status, "idc": idc, "rack": rack, "host": disk_host}
        query = {key: str(value) for key, value in asked.items() if value is not None}
        return await self._any(lambda host: self._pages(host, query, min(limit, MAX_DISKS)), first, at)

    async def _pages(self, host: str, query: Mapping[str, str], limit: int) -> tuple[Disk, ...]:
        found = [disk async for page in self._each_page(host, query, PAGE, limit) for disk in page]
        return tuple(found[:limit])

    async def _each_page(
        self, host: str, query: Mapping[str, str], count: int, limit: int
    ) -> AsyncIterator[Sequence[Disk]]:
        """Yield the new disks of each page, `limit` in all; a page may exceed that by some."""
        known: set[int] = set()
        marker = 0
        while len(known) < limit:
            args = {**query, "count": str(min(count, limit - len(known)))} | ({"marker": str(marker)} if marker else {})
            answer = await self._read(host, "/disk/list?" + urlencode(args), decoding.DISKS)
            page = parse(DiskPage, answer, decoding.DISKS)
            new = {disk.disk_id: disk for disk in page.disks if disk.disk_id not in known}
            known |= new.keys()
            yield tuple(new.values())
            # A page without a new disk, or without a new marker, ends the list: the server may never end it.
            if not new or page.marker in {0, marker}:
                return
            marker = page.marker

    async def disk_tally(
        self, begin: Callable[[], DiskTally], *, first: str | None = None, at: str | None = None
    ) -> DiskTally:
        """GET /disk/list, counted page by page with what `begin` returns: a very large list is never held at once."""

        async def ask(host: str) -> DiskTally:
            tally = begin()
            async for page in self._each_page(host, {}, COUNTED_PAGE, MAX_COUNTED):
                tally.take(page)
            return tally

        return await self._any(ask, first, at)

    async def disk_dropping(self, *, first: str | None = None, at: str | None = None) -> tuple[Disk, ...]:
        """GET /disk/droppinglist; it has no pages (recorded exchanges)."""
        bound = decoding.DROPPING

        async def ask(host: str) -> tuple[Disk, ...]:
            return parse(DiskPage, await self._read(host, "/disk/droppinglist", bound), bound).disks

        return await self._any(ask, first, at)

    async def disk_chunks(self, disk_id: int, *, first: str | None = None, at: str | None = None) -> int:
        """GET /volume/unit/list, as the servers' repair service reads it before it marks a disk repaired."""
        return len(await self.disk_units(disk_id, first=first, at=at))

    async def disk_units(self, disk_id: int, *, first: str | None = None, at: str | None = None) -> tuple[int, ...]:
        """GET /volume/unit/list: the units (vuids) on a disk."""

        async def ask(host: str) -> tuple[int, ...]:
            answer = await self._read(host, f"/volume/unit/list?disk_id={disk_id:d}", decoding.UNITS)
            return tuple([unit["vuid"] for unit in parse(VolumeUnits, answer, decoding.UNITS).volume_unit_infos])

        return await self._any(ask, first, at)

    async def disk_info(self, disk_id: int, *, at: str | None = None) -> Disk:
        """GET /disk/info; raises NotFound for an unknown disk, ClusterBadAnswer for an answer about another one."""

        async def ask(host: str) -> Disk:
            answer = await self._read(host, f"/disk/info?disk_id={disk_id:d}", decoding.DISK)
            found = parse(DiskInfo, answer, decoding.DISK).root
            if found.disk_id != disk_id:
                raise ClusterBadAnswer(f"{host} answered about disk {found.disk_id}, not about {disk_id}.", host=host)
            return found

        return await self._any(ask, at=at)

    async def node_info(self, node_id: int, *, at: str | None = None) -> BlobNode:
        """GET /node/info (not v1); raises NotFound for an unknown node, ClusterBadAnswer for one that was not asked."""

        async def ask(host: str) -> BlobNode:
            answer = await self._read(host, f"/node/info?node_id={node_id:d}", decoding.NODE)
            found = parse(BlobNode, answer, decoding.NODE)
            if found.node_id != node_id:
                raise ClusterBadAnswer(f"{host} answered about node {found.node_id}, not about {node_id}.", host=host)
            return found

        return await self._any(ask, at=at)

    async def volume(self, vid: int, *, first: str | None = None, at: str | None = None) -> Volume:
        """GET /volume/get; raises NotFound for an unknown volume (904)."""

        async def ask(host: str) -> Volume:
            return parse(Volume, await self._read(host, f"/volume/get?vid={vid:d}", decoding.VOLUME), decoding.VOLUME)

        return await self._any(ask, first, at)

    async def volumes(
        self, *, after: int = 0, count: int = 100, first: str | None = None, at: str | None = None
    ) -> tuple[Volume, ...]:
        """GET /volume/list: one page of at most `count` volumes with an id above `after`; empty after the last one."""
        args = {"count": str(min(count, MAX_VOLUMES_IN_ANSWER))} | ({"marker": str(after)} if after else {})

        async def ask(host: str) -> tuple[Volume, ...]:
            answer = await self._read(host, "/volume/list?" + urlencode(args), decoding.VOLUMES)
            return parse(VolumePage, answer, decoding.VOLUMES).volumes if answer.body else ()

        return await self._any(ask, first, at)

    async def services(self, *, first: str | None = None) -> tuple[Service, ...]:
        """GET /service/list: the registered services."""

        async def ask(host: str) -> tuple[Service, ...]:
            answer = await self._read(host, "/service/list", decoding.SERVICES)
            return parse(ServiceList, answer, decoding.SERVICES).nodes

        return await self._any(ask, first)

    async def dashboard(self, host: str) -> DashboardPage:
        """GET /cluster/dashboard of one host, as it is kept there; the leader computes nothing for it."""
        answer = await self._read(host, "/cluster/dashboard", decoding.DASHBOARD)
        return parse(DashboardPage, answer, decoding.DASHBOARD)

    async def stored_values(self, host: str, dialect: Dialect) -> Mapping[str, str]:
        """All stored keys of one host and their values: GET /kv/list, of v1 GET /config/list; at most MAX_SWITCHES."""
        if dialect is Dialect.V1:
            return await self.config_list(host)
        return {key: _decoded(value) for key, value in (await self.kv_list(host, count=MAX_SWITCHES)).items()}

    async def kv_list(self, host: str, *, count: int = 1) -> Mapping[str, str]:
        """GET /kv/list of one host, values in base64."""
        answer = await self._read(host, f"/kv/list?count={count:d}", decoding.SWITCHES)
        page = parse(KvPage, answer, decoding.SWITCHES)
        return {item.key: item.value for item in page.kvs}

    async def config_list(self, host: str) -> Mapping[str, str]:
        """GET /config/list of one host."""
        answer = await self._read(host, "/config/list", decoding.CONFIGS)
        return parse(ConfigList, answer, decoding.CONFIGS).configs

    async def _read(self, host: str, target: str, bound: Bound) -> Answer:
        await give_way()
        async with self._bulkhead.slot(host):
            answer = await self._transport.get(host, target, bound.size)
        check_read(answer)
        return answer

    async def _any(self, ask: Callable[[str], Awaitable[T]], first: str | None = None, at: str | None = None) -> T:
        """Ask the host `at` only, without a hedge or a fallback; without `at`, the hosts in turn."""
        if at is None:
            return await first_answer(ask, self._order(first))
        if at not in self._hosts:
            raise ClusterUnreachable(f"Nothing was asked: {at} is not one of the configured hosts.", host=at)
        return await ask(at)

    async def _write(self, target: str, body: Mapping[str, Any], at: str | None) -> None:
        """Send once, only to the host `at`; without `at`, try the hosts in turn while nothing was sent.

        A follower would forward the write to the leader it knows, which may differ from the leader that was checked.
        """
        content = TypeAdapter(dict[str, Any]).dump_json(dict(body))
        unreachable: list[ClusterUnreachable] = []
        if at and at not in self._hosts:
            raise ClusterUnreachable(f"Nothing was sent: {at} is not one of the configured hosts.", host=at)
        for host in (at,) if at else self._hosts:
            try:
                answer = await self._transport.post(host, target, content)
            except ClusterUnreachable as error:
                unreachable.append(error)
                continue
            check_write(answer)
            return
        raise ClusterUnreachable("Nothing was sent: " + " ".join(error.sentence for error in unreachable))

    def _order(self, first: str | None) -> tuple[str, ...]:
        """The configured hosts, with the one at address `first` in front; never any other address."""
        where = place(first) if first else None
        return tuple(sorted(self._hosts, key=lambda host: place(host) != where))


def _decoded(value: str) -> str:
    """The text of a value in base64; one that is no text stays as it is."""
    try:
        return base64.b64decode(value, validate=True).decode()
    except ValueError:
        return value
