"""Hosts of many clusters that all lose disks in one moment; an answer is made when it is first asked for, and kept.

Run as `python -m tests.bench.storm_hosts CLUSTERS DISKS VOLUMES BROKEN`: it prints the hosts of each cluster as one
line of JSON, then obeys one command a line: `storm` breaks the disks of every cluster, `polls` gives the number of
polls of each cluster, `hit` the number of clusters that were polled since the storm. It ends when its input does.
"""

import asyncio
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bot.playground.clustermgr_sim import Data, SimulatedCluster
from bot.playground.clustermgr_sim.disks import BROKEN
from bot.playground.clustermgr_sim.volumes import CODE_MODES
from tests.bench.hosts import NODES, Hosts, Link, Site, answer_of
from tests.bench.large_hosts import large_data


def break_disks(data: Data, number: int) -> None:
    """Break so many disks that no volume loses data: an alert about lost data is never grouped, by design."""
    lost: Counter[int] = Counter()
    left = number
    for disk in sorted(data.disks, key=data.volumes.count_on):
        volumes = {unit.vuid >> 32 for unit in data.volumes.units_of(disk)}
        if left and all(lost[vid] < CODE_MODES[data.volumes.get(vid).code_mode].parity for vid in volumes):
            data.disks[disk].status = BROKEN
            lost.update(volumes)
            left -= 1
    assert not left, "too few disks can break without lost data"


@dataclass(slots=True)
class Storm:
    """All clusters are alike: one that is well and one with broken disks answer for them."""

    well: SimulatedCluster
    ill: SimulatedCluster
    sites: list[Site]
    book: dict[tuple[bool, int, str], "asyncio.Task[bytes]"] = field(default_factory=dict)

    def obey(self, line: str) -> Any:
        """Obey a command (see the top of this file) and return the answer."""
        if line.strip() == "storm":
            for site in self.sites:
                site.turn(broken=True)
        if line.strip() == "polls":
            return [site.polls for site in self.sites]
        return sum(bool(site.broken and site.first_asked) for site in self.sites)

    def answer(self, site: Site, node: int, target: str) -> "asyncio.Task[bytes]":
        """The answer: made when it is first asked for, and kept."""
        key = site.broken, node, target
        if key not in self.book:
            self.book[key] = asyncio.create_task(answer_of(self.ill if site.broken else self.well, node, target))
        return self.book[key]


@dataclass(slots=True, eq=False)
class StormLink(Link):
    """A connection to a host of one of the clusters."""

    storm: Storm = field(kw_only=True)

    def answer(self, target: str) -> None:
        """Write the answer, now or once it is made."""
        made = self.storm.answer(self.site, self.node, target)
        if made.done():
            self.write(made.result())
        else:
            made.add_done_callback(lambda done: self.write(done.result()))


async def _listen(storm: Storm, site: Site) -> list[str]:
    loop, names, none = asyncio.get_running_loop(), [], Hosts({}, {}, [])
    for node in NODES:
        link = partial(StormLink, none, site, node, storm=storm)
        server = await loop.create_server(link, "127.0.0.1", 0, backlog=1024)
        names.append(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    return names


async def serve(clusters: int, disks: int, volumes: int, broken: int) -> None:
    """Serve until the input ends."""
    struck = large_data(disks, volumes, 0)
    break_disks(struck, broken)
    async with SimulatedCluster(data=large_data(disks, volumes, 0)) as well, SimulatedCluster(data=struck) as ill:
        storm = Storm(well, ill, [Site() for _ in range(clusters)])
        print(json.dumps([await _listen(storm, site) for site in storm.sites]), flush=True)  # noqa: T201 - for the parent
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        async for line in reader:
            print(json.dumps(storm.obey(line.decode())), flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:5])))
