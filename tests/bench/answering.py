"""Rows: time to acknowledge `/cm stat` while every host hangs, and time to answer it while none does."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Figure, milliseconds
from tests.bench.workspace import Sent, Workspace, workspace
from tests.bench.world import PATIENCE, Hosts, hosts, program, settings, simple

COMMAND = "stat c0"


@dataclass(frozen=True, slots=True)
class Pair:
    """The bot and the simple program, each connected to a separate workspace, and the hosts that both use."""

    ours: Workspace
    other: Workspace
    hosts: Hosts


@asynccontextmanager
async def pair(folder: Path, module: str) -> AsyncIterator[Pair]:
    """Start the bot and the simple program."""
    async with AsyncExitStack() as stack:
        held = await stack.enter_async_context(hosts(1))
        ours, other = [await stack.enter_async_context(workspace()) for _ in range(2)]
        await stack.enter_async_context(simple(module, other, *held.clusters[0]))
        await stack.enter_async_context(program(ours, settings(folder, ours, held.clusters)))
        yield Pair(ours, other, held)


async def acknowledging(folder: Path, *, bursts: int = 40, size: int = 50) -> Figure:
    """Send bursts to the bot and to a bare Bolt app in turn; the hosts answer after all acknowledgements."""
    took_ours: list[float] = []
    took_other: list[float] = []
    async with pair(folder, "tests.bench.bare_bolt") as both:
        # The first burst of each does not count: nothing is warmed up.
        await _burst(both, size)
        for _ in range(bursts):
            ours, other = await _burst(both, size)
            took_ours += ours
            took_other += other
    ms_ours, ms_other = milliseconds(took_ours, 99), milliseconds(took_other, 99)
    name = f"/cm stat acknowledged, {size} at once, all hosts hanging, p99"
    return Figure(name, ms_ours, ms_other, "ms", 1.5, len(took_ours))


async def _burst(both: Pair, size: int) -> tuple[list[float], list[float]]:
    other = await _acknowledged(await both.other.commands(size, COMMAND))
    await both.hosts.send("hang")
    sent = await both.ours.commands(size, COMMAND)
    ours = await _acknowledged(sent)
    await _answered(sent, both.hosts)
    return ours, other


async def _answered(sent: Sequence[Sent], held: Hosts) -> None:
    """Let the hosts answer, and wait until no command of this burst runs."""
    await held.send("serve")
    await _all(each.answered for each in sent)


async def _acknowledged(sent: Sequence[Sent]) -> list[float]:
    return [at - each.at for each, at in zip(sent, await _all(each.acked for each in sent), strict=True)]


async def _all(waited: Iterable[asyncio.Future[float]]) -> list[float]:
    async with asyncio.timeout(PATIENCE):
        return await asyncio.gather(*waited)


async def answering(folder: Path, *, rounds: int = 300, warm_up: int = 10) -> Figure:
    """Send one command at a time to the bot and the script in turn; measure from the frame to the posted answer."""
    async with pair(folder, "tests.bench.script") as both:
        took = [(await answer(both.ours), await answer(both.other)) for _ in range(warm_up + rounds)][warm_up:]
    ms_ours, ms_other = (milliseconds(column) for column in zip(*took, strict=True))
    return Figure("/cm stat, from envelope to posted answer, p50", ms_ours, ms_other, "ms", 1.5, rounds)


async def answer(slack: Workspace) -> float:
    """Send one command; return the seconds until its answer was posted."""
    [sent] = await slack.commands(1, COMMAND)
    [at] = await _all([sent.answered])
    return at - sent.at
