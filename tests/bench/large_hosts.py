"""Hosts of one large cluster in a separate process: 1,000 disks, 10,000 volumes, 50 disks broken.

Run as `python -m tests.bench.large_hosts DISKS VOLUMES BROKEN`: it prints the hosts as one line of JSON, and ends when
its input does. An answer is made by the simulated cluster when it is first asked for, and kept.
"""

import asyncio
import json
import random
import sys
from dataclasses import dataclass, field
from functools import partial

from bot.playground.clustermgr_sim import Data, Disk, SimulatedCluster, Volume
from bot.playground.clustermgr_sim.demo import switches
from bot.playground.clustermgr_sim.disks import BROKEN
from bot.playground.clustermgr_sim.flavour import FLAVOURS
from bot.playground.clustermgr_sim.volumes import ACTIVE, CODE_MODES, EC3P3, EC6P6, make_units
from tests.bench.hosts import NODES, Hosts, Link, Site, answer_of

ZONES = 3
_DISKS_PER_HOST = 10
_SEED = 5
_FLAVOUR = FLAVOURS["master"]


def large_data(disks: int, volumes: int, broken: int) -> Data:
    """A cluster of three zones; every other volume is EC6P6 over all of them, the rest EC3P3 in one zone.

    The broken disks are spread over the whole cluster.
    """
    rng = random.Random(_SEED)
    data = Data(kv=switches(_FLAVOUR), file_config=dict(_FLAVOUR.file_config))
    for number in range(1, disks + 1):
        zone, host = number % ZONES, number // (ZONES * _DISKS_PER_HOST)
        data.disks[number] = Disk(
            number, f"http://10.{zone}.{host // 250}.{host % 250 + 1}:8899", f"/data/{number}", f"z{zone}"
        )
    places = [[number for number in data.disks if number % ZONES == zone] for zone in range(ZONES)]
    for vid in range(1, volumes + 1):
        mode, zones = (EC6P6, places) if vid % 2 else (EC3P3, [places[vid % ZONES]])
        each = CODE_MODES[mode].units // len(zones)
        chosen = [disk for zone in zones for disk in rng.sample(zone, each)]
        data.volumes.put(Volume(vid, mode, ACTIVE, make_units(vid, chosen)))
    for number in rng.sample(sorted(data.disks), broken):
        data.disks[number].status = BROKEN
    return data


@dataclass(slots=True, eq=False)
class LargeLink(Link):
    """A connection whose answers are made at the first request for them."""

    cluster: SimulatedCluster = field(kw_only=True)
    book: dict[tuple[int, str], bytes] = field(kw_only=True)

    def known(self, target: str) -> bytes | None:
        """The answer, if it was made before."""
        return self.book.get((self.node, target))

    async def make(self, target: str) -> bytes:
        """The answer, made now."""
        made = self.book[self.node, target] = await answer_of(self.cluster, self.node, target)
        return made


async def serve(disks: int, volumes: int, broken: int) -> None:
    """Serve until the input ends."""
    hosts, site = Hosts({}, {}, [Site()]), Site()
    book: dict[tuple[int, str], bytes] = {}
    loop, names = asyncio.get_running_loop(), []
    async with SimulatedCluster(data=large_data(disks, volumes, broken)) as cluster:
        for node in NODES:
            link = partial(LargeLink, hosts, site, node, cluster=cluster, book=book)
            server = await loop.create_server(link, "127.0.0.1", 0, backlog=1024)
            names.append(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        print(json.dumps([names]), flush=True)  # noqa: T201 - for the parent
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        await reader.read()


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:4])))
