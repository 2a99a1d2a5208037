"""Rows: the start of `cmbot --help` against that of an empty interpreter; process start to the first command."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.asking import acknowledged
from tests.bench.figures import Figure, milliseconds
from tests.bench.workspace import workspace
from tests.bench.world import hosts, program, settings

HELP_TARGET = 12
ACK_TARGET_MS = 3000
_EMPTY = (sys.executable, "-c", "")


async def help_text(_: Path, *, rounds: int = 30) -> Figure:
    """Start each in turn; the first start of each fills the caches of the file system and does not count."""
    ours = (str(Path(sys.executable).with_name("cmbot")), "--help")
    took = [(_run(ours), _run(_EMPTY)) for _ in range(1 + rounds)][1:]
    column_ours, column_other = zip(*took, strict=True)
    name = "cmbot --help; an empty interpreter's start, p50"
    return Figure(name, milliseconds(column_ours), milliseconds(column_other), "ms", HELP_TARGET, rounds)


def _run(command: Sequence[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    return time.monotonic() - began


async def first_ack(folder: Path, *, clusters: int = 100, rounds: int = 5) -> Figure:
    """Start the program, send a command once its socket is open; the first start also makes the database."""
    took = []
    async with hosts(clusters) as held:
        for _ in range(rounds):
            async with workspace() as slack:
                began = time.monotonic()
                async with program(slack, settings(folder, slack, held.clusters)):
                    took.append(await acknowledged(slack, "stat c0") - began)
    name = f"process start → first acknowledged command, {clusters} clusters, p50"
    note = f"with a new database {took[0] * 1000:.0f} ms"
    return Figure(name, milliseconds(took), 0, "ms", ACK_TARGET_MS, rounds, absolute=True, note=note)
