"""A bare load generator for the hosts: the requests of polls over kept connections, as fast as they are answered.

Run as `python -m tests.bench.load FILE SECONDS`: the file has the hosts of each cluster as JSON. It prints the number
of polls and the seconds they took, as one line of JSON.
"""

import asyncio
import itertools
import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.hosts import LISTS
from tests.bench.world import Hosts, started

AT_ONCE = 16
"""Polls at once."""
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_END = b"\r\n\r\n"


@dataclass(slots=True, eq=False)
class Asker(asyncio.Protocol):
    """One connection; one request at a time."""

    transport: asyncio.Transport | None = None
    received: bytes = b""
    answered: "asyncio.Future[None] | None" = field(default=None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer."""
        self.received += data
        head, end, body = self.received.partition(_END)
        length = _LENGTH.search(head)
        if end and length and len(body) >= int(length[1]) and self.answered is not None:
            self.received = b""
            self.answered.set_result(None)

    def ask(self, target: str) -> "asyncio.Future[None]":
        """Send a request; the future is done once it is answered."""
        assert self.transport is not None
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(f"GET {target} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        return self.answered


async def _connected(name: str) -> Asker:
    host, _, port = name.rpartition(":")
    _, asker = await asyncio.get_running_loop().create_connection(Asker, host, int(port))
    return asker


async def _poll(askers: Sequence[Asker]) -> None:
    for answer in [asker.ask("/stat") for asker in askers]:
        await answer
    for target in LISTS:
        await askers[0].ask(target)


async def _polls(clusters: Iterator[Sequence[Asker]], until: float) -> int:
    done = 0
    while time.monotonic() < until:
        await _poll(next(clusters))
        done += 1
    return done


async def generate(clusters: Sequence[Sequence[str]], seconds: float) -> tuple[int, float]:
    """Poll the clusters one after the other for so long; return the polls and the seconds they took."""
    askers = [[await _connected(name) for name in names] for names in clusters]
    # Polls at once must be of different clusters: a connection has one request at a time.
    at_once = min(AT_ONCE, len(askers))
    parts = [itertools.cycle(askers[number::at_once]) for number in range(at_once)]
    began = time.monotonic()
    done = await asyncio.gather(*(_polls(part, began + seconds) for part in parts))
    return sum(done), time.monotonic() - began


async def carried(folder: Path, held: Hosts, needed: float, seconds: float) -> Figure:
    """Measure the polls a second that the hosts answer, against twice the `needed` ones."""
    file = folder / "hosts.json"
    file.write_text(json.dumps(held.clusters), encoding="utf-8")
    pipe = {"stdout": asyncio.subprocess.PIPE}
    async with started("tests.bench.load", str(file), f"{seconds:g}", **pipe) as process:
        assert process.stdout is not None
        polls, took = json.loads(await process.stdout.readline())
    name = f"the hosts of {len(held.clusters):,} clusters: twice the polls a second; those they answer at most"
    return Figure(name, 2 * needed, polls / took, "polls/s", 1.0, polls)


if __name__ == "__main__":
    found = asyncio.run(generate(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), float(sys.argv[2])))
    print(json.dumps(found), flush=True)  # noqa: T201 - for the parent
