"""`make soak`: three replicas watch fifty clusters under faults, and nothing may be lost, doubled, or grow.

    python -m tests.soak --minutes 60

The simulators know the truth: which disks broke, which requests arrived, which messages are in the channels. The exit
status is 1 if they and the program disagree. Memory and lag are reported, not judged.
"""

import argparse
import asyncio
import json
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from tests.chaos.invariants import problems, settled
from tests.chaos.people import Changes
from tests.chaos.world import World, world
from tests.soak.faults import FaultsOfClusters, FaultsOfSlack, Interruptions
from tests.soak.load import DiskEpisodes
from tests.soak.samples import Sampler

REPLICAS, CLUSTERS, POLL, LEASE = 3, 50, 10.0, 10.0
CHANGING = 5
"""Clusters in which people change switches; disks break in all of them."""
PAUSE = 60.0
"""Most seconds between two episodes of a cluster."""
SAMPLES = 200
RULES = "".join(f", {rule}: {{enabled: false}}" for rule in ("volumes_at_risk", "volumes_unreachable", "own_network"))
"""Rules that are off, because an alert of theirs would take those of broken disks into its message."""
START_SECONDS = 300.0
PATIENCE = 300.0
"""Seconds after which an expected message counts as lost; Slack may delay a call by minutes after refusals."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run did, what it found, and its trends."""

    minutes: float
    clusters: int
    alerts: int
    operations: int
    messages: int
    interruptions: dict[str, int]
    faults: dict[str, int]
    memory: str
    lag: str
    longest_hold_ms: float
    problems: list[str]


async def soak(minutes: float, clusters: int, seed: int, folder: Path) -> tuple[Result, Sampler]:
    """Run for so many minutes after the start, then let everything settle and compare."""
    dice, counts = random.Random(seed), Counter[str]()
    slack = FaultsOfSlack(dice=dice, counts=counts, ended=True)
    async with world(
        REPLICAS,
        folder,
        long=True,
        clusters=clusters,
        poll=POLL,
        lease=LEASE,
        port=_free_port(),
        rules=RULES,
        faults=slack,
    ) as made:
        faults: list[FaultsOfSlack | FaultsOfClusters] = [slack]
        for cluster in made.clusters.values():
            cluster.faults = own = FaultsOfClusters(dice=dice, counts=counts, ended=True)
            faults.append(own)
        for process in made.processes:
            # Pages of all processes have one port, so each process needs an address.
            process.environment = {**process.environment, "CMBOT_HTTP_HOST": _address(process.number)}
            await process.start()
        await made.slack.wait_connected(timeout=START_SECONDS)
        for each in faults:
            each.ended = False
        page = f"http://{_address(0)}:{made.port}/metrics"
        sampler = Sampler(made.processes[0], page, max(2.0, minutes * 60 / SAMPLES))
        interruptions = Interruptions(made, min(60.0, max(15.0, minutes * 6)))
        disks = [DiskEpisodes(made, name, random.Random(dice.random()), PAUSE, PATIENCE) for name in made.clusters]
        changes = [Changes(made, name, PAUSE / 4, PATIENCE) for name in list(made.clusters)[:CHANGING]]
        await _work(made, minutes, disks, changes, sampler, interruptions)
        for each in faults:
            each.ended = True
        await made.calm()
        found = [*await settled(made), *await problems(made, disks, changes)]
        memory, lag = sampler.trends()
        return Result(
            minutes=minutes,
            clusters=clusters,
            alerts=sum(len(each.posted) for each in disks),
            operations=sum(each.confirmed for each in changes),
            messages=len(made.slack.workspace.messages),
            interruptions=dict(interruptions.counts),
            faults=dict(counts),
            memory=memory.text("MB"),
            lag=lag.text("ms"),
            longest_hold_ms=round(sampler.longest_hold),
            problems=found,
        ), sampler


async def _work(
    made: World,
    minutes: float,
    disks: Sequence[DiskEpisodes],
    changes: Sequence[Changes],
    sampler: Sampler,
    interruptions: Interruptions,
) -> None:
    """Let all of them run for so many minutes, and finish what they began."""
    ending, until = asyncio.Event(), time.monotonic() + minutes * 60
    people = [*(each.run(ending) for each in disks), *(each.run(ending) for each in changes)]
    load = [asyncio.create_task(run) for run in people]
    beside = [asyncio.create_task(run) for run in (sampler.run(ending), interruptions.run(ending))]
    try:
        # Each ends by itself only if it found a problem.
        while time.monotonic() < until and not any(task.done() for task in (*load, *beside)):
            await asyncio.wait((*load, *beside), timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
        ending.set()
        await asyncio.gather(*beside)
        await made.calm()
        await asyncio.gather(*load)
    finally:
        for task in (*load, *beside):
            task.cancel()
        await asyncio.gather(*load, *beside, return_exceptions=True)


def _address(number: int) -> str:
    return f"127.0.0.{10 + number}"


def _free_port() -> int:
    with socket.socket() as held:
        held.bind((_address(0), 0))
        return int(held.getsockname()[1])


def main() -> int:
    """Run, print the report, and write the samples."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--clusters", type=int, default=CLUSTERS)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**6))
    options = parser.parse_args()
    out = Console(markup=False, highlight=False, soft_wrap=True)
    folder = Path(tempfile.mkdtemp(prefix="cmbot-soak-"))
    out.print(f"seed {options.seed}, {options.clusters} clusters, {options.minutes:g} minutes; logs in {folder}")
    result, sampler = asyncio.run(soak(options.minutes, options.clusters, options.seed, folder))
    for name, value in asdict(result).items():
        out.print(f"{name.replace('_', ' ')}: {value or 'none'}")
    text = json.dumps({**asdict(result), "samples": [asdict(each) for each in sampler.samples]}, indent=1)
    (folder / "soak.json").write_text(text)
    out.print(f"samples: {folder}/soak.json")
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
