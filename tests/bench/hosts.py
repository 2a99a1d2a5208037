"""Clustermgr hosts in a separate process that use little CPU: they send recorded answers of the simulated cluster.

Run as `python -m tests.bench.hosts CLUSTERS`: it prints the hosts of each cluster as one line of JSON, then obeys one
command a line and answers each with a line of JSON (see `Hosts.obey`). It ends when its input does. An answer that was
not recorded is made by the simulated cluster when it is first asked for, and kept.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bot.playground.clustermgr_sim import SimulatedCluster
from bot.playground.clustermgr_sim.answer import Call

NODES = (1, 2, 3)
BROKEN_DISK = 3
LISTS = ("/disk/list?status=2&count=200", "/disk/list?status=3&count=200")
"""Requests to the leader at each poll, besides /stat of every host."""
ROUND = (
    "/disk/droppinglist",
    "/service/list",
    "/kv/list?count=1000",
    "/disk/list?count=200",
    "/config/get?key=balance",
    "/cluster/dashboard",
)
"""Further requests once a minute (the disk list every five minutes, the dashboard once an hour); the switch is sent for
each switch."""
UNITS = f"/volume/unit/list?disk_id={BROKEN_DISK}"
"""Request for the units of the broken disk; each of their volumes is read too."""
_END = b"\r\n\r\n"
Book = dict[tuple[int, str], bytes]
"""Whole answers by node and request."""


@dataclass(slots=True)
class Site:
    """One cluster: its present behaviour and its requests. Times are of the monotonic clock.

    `times` are those of its polls while they are recorded, else None.
    """

    broken: bool = False
    changed: float = 0.0
    first_asked: float = 0.0
    polls: int = 0
    times: list[float] | None = None
    log: list[tuple[int, str]] | None = None
    """Every request as (node, target), while they are kept."""

    def asked(self, node: int, target: str) -> None:
        """Record a request."""
        if self.log is not None:
            self.log.append((node, target))
        if target != "/stat":
            return
        if node == NODES[0]:
            self.polls += 1
            if self.times is not None:
                self.times.append(time.monotonic())
        self.first_asked = self.first_asked or time.monotonic()

    def turn(self, *, broken: bool) -> None:
        """Break or repair the disk."""
        self.broken, self.changed, self.first_asked = broken, time.monotonic(), 0.0


@dataclass(slots=True)
class Hosts:
    """All clusters; while `hanging`, requests are read and not answered."""

    well: Book
    ill: Book
    sites: list[Site]
    hanging: bool = False
    kept: list[tuple["Link", str]] = field(default_factory=list)
    clusters: Sequence[SimulatedCluster] = ()
    """The healthy cluster, and the one with a broken disk."""

    def obey(self, line: str) -> Any:
        """`hang`; `serve` (answers what hung); `break N` and `repair N` a disk of cluster N; `changed N`; `polls`.

        `changed` gives when cluster N last changed and when it was first read after that (0: not yet). `polls` gives
        the number of polls of each cluster, `clear` sets them to 0, `least N` gives the smallest of the first N
        clusters. `record` begins to record the times of all polls, `recorded N` ends that and gives those of cluster N.
        `log N` gives the requests to cluster N since the last `log N`, which begins to keep them.
        """
        word, *rest = line.split()
        if word in {"hang", "serve"}:
            return self._hang(hanging=word == "hang")
        if word in {"record", "clear"}:
            for site in self.sites:
                site.polls, site.times = (0, None) if word == "clear" else (site.polls, [])
            return len(self.sites)
        if word == "polls":
            return [site.polls for site in self.sites]
        if word == "least":
            return min(site.polls for site in self.sites[: int(rest[0])])
        return self._obey_one(word, self.sites[int(rest[0])])

    def _obey_one(self, word: str, site: Site) -> Any:
        if word == "log":
            log, site.log = site.log, []
            return log or []
        if word == "recorded":
            times, site.times = site.times, None
            return times or []
        if word in {"break", "repair"}:
            site.turn(broken=word == "break")
        return [site.changed, site.first_asked]

    def _hang(self, *, hanging: bool) -> int:
        self.hanging = hanging
        kept, self.kept = self.kept, []
        for link, target in kept:
            link.answer(target)
        return len(kept)

    def known(self, site: Site, node: int, target: str) -> bytes | None:
        """The answer of a node, if it was recorded or made before."""
        book = self.ill if site.broken else self.well
        return book.get((node, question(target))) or book.get((node, target))

    async def make(self, site: Site, node: int, target: str) -> bytes:
        """Have the simulated cluster make the answer of a node, and keep it."""
        book, cluster = (self.ill, self.clusters[1]) if site.broken else (self.well, self.clusters[0])
        made = book[node, target] = await answer_of(cluster, node, target)
        return made


@dataclass(slots=True, eq=False)
class Link(asyncio.Protocol):
    """One connection to a node; requests are GETs without a body."""

    hosts: Hosts
    site: Site
    node: int
    transport: asyncio.Transport | None = None
    buffer: bytes = b""
    making: set[asyncio.Task[None]] = field(default_factory=set)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        """Drop the transport."""
        self.transport = None

    def data_received(self, data: bytes) -> None:
        """Answer each whole request, or keep it while the hosts hang."""
        self.buffer += data
        while _END in self.buffer:
            head, _, self.buffer = self.buffer.partition(_END)
            target = head.split(b" ", 2)[1].decode()
            self.site.asked(self.node, target)
            if self.hosts.hanging:
                self.hosts.kept.append((self, target))
            else:
                self.answer(target)

    def answer(self, target: str) -> None:
        """Write the answer, now or once it is made."""
        known = self.known(target)
        if known is not None:
            self.write(known)
            return
        task = asyncio.create_task(self._make(target))
        self.making.add(task)
        task.add_done_callback(self.making.discard)

    async def _make(self, target: str) -> None:
        self.write(await self.make(target))

    def known(self, target: str) -> bytes | None:
        """The answer, if there is one already."""
        return self.hosts.known(self.site, self.node, target)

    async def make(self, target: str) -> bytes:
        """The answer, made now."""
        return await self.hosts.make(self.site, self.node, target)

    def write(self, answer: bytes) -> None:
        """Write bytes if the connection is open."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(answer)


def question(target: str) -> str:
    """The request without the arguments that do not change the answer."""
    parts = urlsplit(target)
    given = parse_qs(parts.query)
    return parts.path + "".join(given.get(name, [""])[0] for name in ("status", "disk_id", "vid"))


@asynccontextmanager
async def recorded(clusters: int) -> AsyncIterator[Hosts]:
    """Hosts with the recorded answers of a healthy cluster, and of the same cluster with a broken disk."""
    async with SimulatedCluster() as healthy, SimulatedCluster() as cluster:
        well = await _book(cluster)
        cluster.break_disk(BROKEN_DISK)
        sites = [Site() for _ in range(clusters)]
        yield Hosts(well, await _book(cluster), sites, clusters=(healthy, cluster))


async def _book(cluster: SimulatedCluster) -> Book:
    _, _, units = (await answer_of(cluster, NODES[0], UNITS)).partition(_END)
    volumes = {unit["vuid"] >> 32 for unit in json.loads(units)["volume_unit_infos"]}
    targets = ("/stat", *LISTS, *ROUND, UNITS, *(f"/volume/get?vid={vid}" for vid in sorted(volumes)))
    return {(node, question(target)): await answer_of(cluster, node, target) for node in NODES for target in targets}


async def answer_of(cluster: SimulatedCluster, node: int, target: str) -> bytes:
    """The whole answer of a node of the simulated cluster."""
    reply = await cluster.engine.handle(node, Call("GET", target))
    body = reply.body.encode()
    kept = [(key, value) for key, value in reply.headers if key.lower() not in {"content-length", "transfer-encoding"}]
    lines = [f"{key}: {value}" for key, value in (*kept, ("Content-Length", str(len(body))))]
    return "\r\n".join([f"HTTP/1.1 {reply.status} {reply.reason}", *lines, "", ""]).encode() + body


async def _listen(hosts: Hosts, site: Site) -> list[str]:
    loop, names = asyncio.get_running_loop(), []
    for node in NODES:
        server = await loop.create_server(partial(Link, hosts, site, node), "127.0.0.1", 0, backlog=1024)
        names.append(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    return names


async def serve(clusters: int) -> None:
    """Serve until the input ends."""
    async with recorded(clusters) as hosts:
        names = [await _listen(hosts, site) for site in hosts.sites]
        print(json.dumps(names), flush=True)  # noqa: T201 - for the parent
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        async for line in reader:
            print(json.dumps(hosts.obey(line.decode())), flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
