"""`make chaos`: repeat runs until enough processes were killed; each run prints its seed and its result."""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from tests.chaos.fault_schedule import Kind
from tests.chaos.single_run import Report, chaos

REPLICAS = 3
KILLS_IN_A_RUN = 50
"""Seconds of a run: long enough for leases to end, and short enough for its logs to be read."""


async def main(options: argparse.Namespace) -> int:
    """Run both parts; return exit status 0 if no check failed."""
    out = Console(markup=False, highlight=False, soft_wrap=True)
    began, seeds = time.monotonic(), _seeds(options.seed)
    found: list[Report] = []
    for replicas, kills, share in ((REPLICAS, options.replica_kills, 0.5), (1, options.single_kills, 1.0)):
        until = began + options.minutes * 60 * share
        found += await _part(out, replicas, kills, until, seeds)
    total: Counter[Kind] = sum((report.blows for report in found), Counter())
    bad = [report for report in found if report.problems]
    out.print(
        f"In all {_words(total)} in {time.monotonic() - began:.0f} s; runs with problems: {len(bad)} of {len(found)}."
    )
    return 1 if bad else 0


async def _part(out: Console, replicas: int, kills: int, until: float, seeds: Iterator[int]) -> list[Report]:
    found: list[Report] = []
    while (left := kills - sum(report.blows[Kind.KILL] for report in found)) > 0 and time.monotonic() < until:
        folder, seed = Path(tempfile.mkdtemp(prefix="cmbot-chaos-")), next(seeds)
        out.print(f"{replicas} x: seed {seed}, logs in {folder}")
        report = await chaos(
            seed,
            min(left, KILLS_IN_A_RUN),
            replicas=replicas,
            folder=folder,
            most_seconds=max(1.0, until - time.monotonic()),
            long=True,
        )
        out.print(str(report))
        found.append(report)
    return found


def _seeds(first: int) -> Iterator[int]:
    while True:
        yield first
        first += 1


def _words(total: Counter[Kind]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in sorted(total.items()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 10**6))
    parser.add_argument("--replica-kills", type=int, default=200)
    parser.add_argument("--single-kills", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=58.0, help="begin nothing after so long")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(_options())))
