"""Hosts of many clusters that all lose disks in one moment; an answer is made when it is first asked for, and kept.

Run as `python -m tests.bench.storm_hosts CLUSTERS DISKS VOLUMES BROKEN`: it prints the hosts of each cluster as one
line of JSON, then obeys one command a line: `storm` breaks the disks of every cluster, `polls` gives the number of
polls of each cluster, `hit` the number of clusters that were polled since the storm. It ends when its input does.
"""

import asyncio
import json
import sys
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bot.playground.clustermgr_sim import SimulatedCluster
from tests.bench.hosts import NODES, Hosts, Link, Site, answer_of
from tests.bench.large_hosts import large_data


@dataclass(slots=True)
class Storm:
    """All clusters are alike: one that is well and one with broken disks answer for them."""

    well: SimulatedCluster
    ill: SimulatedCluster
    sites: list[Site]
    book: dict[tuple[bool, int, str], bytes] = field(default_factory=dict)

    def obey(self, line: str) -> Any:
        """Obey a command (see the top of this file) and return the answer."""
        if line.strip() == "storm":
            for site in self.sites:
                site.turn(broken=True)
        if line.strip() == "polls":
            return [site.polls for site in self.sites]
        return sum(bool(site.broken and site.first_asked) for site in self.sites)

    async def answer(self, site: Site, node: int, target: str) -> bytes:
        """Make an answer, and keep it."""
        cluster = self.ill if site.broken else self.well
        made = self.book[site.broken, node, target] = await answer_of(cluster, node, target)
        return made


@dataclass(slots=True, eq=False)
class StormLink(Link):
    """A connection to a host of one of the clusters."""

    storm: Storm = field(kw_only=True)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def answer(self, target: str) -> None:
        """Write the answer, now or once it is made."""
        known = self.storm.book.get((self.site.broken, self.node, target))
        if known is not None:
            self.write(known)
            return
        task = asyncio.create_task(self._answer(target))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, target: str) -> None:
        self.write(await self.storm.answer(self.site, self.node, target))


async def _listen(storm: Storm, site: Site) -> list[str]:
    loop, names, none = asyncio.get_running_loop(), [], Hosts({}, {}, [])
    for node in NODES:
        link = partial(StormLink, none, site, node, storm=storm)
        server = await loop.create_server(link, "127.0.0.1", 0, backlog=1024)
        names.append(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    return names


async def serve(clusters: int, disks: int, volumes: int, broken: int) -> None:
    """Serve until the input ends."""
    well, ill = (SimulatedCluster(data=large_data(disks, volumes, number)) for number in (0, broken))
    async with well, ill:
        storm = Storm(well, ill, [Site() for _ in range(clusters)])
        print(json.dumps([await _listen(storm, site) for site in storm.sites]), flush=True)  # noqa: T201 - for the parent
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        async for line in reader:
            print(json.dumps(storm.obey(line.decode())), flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:5])))
