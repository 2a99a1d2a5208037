"""Memory of the process: garbage that is old is freed by time, and free pages go back to the operating system."""

import asyncio
import ctypes
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count

EVERY_SECONDS = 600.0
SOON_SECONDS = 60.0
"""Seconds after a reload: what waits for a time limit keeps the program before it alive."""
WHOLE_EVERY = 6
"""Each sixth collection goes through all objects, the others through those made since the last one.

With a thousand clusters a whole one takes half a second, in which no poll and no answer goes on. A cycle that was alive
at a collection and is garbage later waits for the next whole one.
"""

IDLE_SECONDS = 2.0
"""Most seconds for which a collection waits for answers in progress."""

FULL_AFTER = 1000
"""Collections of the middle generation after which all objects are gone through; the default is 10.

With a thousand clusters that takes about a third of a second, in which no answer goes on. By default it happens every
few seconds, and finds some ten objects: nearly all garbage is found young.
"""

_ARENA_MAX = -8
"""Parameter of mallopt, from malloc.h of glibc."""


def share_one_heap() -> None:
    """Let all threads take memory from one heap; call before the first thread begins.

    By default each thread of glibc has another heap, with other holes. Threads of Python wait for each other anyhow.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)


def spare() -> None:
    """Leave all objects that exist now out of later collections, and make full ones seldom.

    They are mostly libraries. Going through them takes a fifth of a second, in which no poll and no answer goes on.
    """
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, FULL_AFTER)


def collect_and_spare(*, whole: bool = True) -> None:
    """Free garbage and spare the rest; if `whole`, free also what was spared before: the former parts at a reload."""
    if whole:
        gc.unfreeze()
    gc.collect()
    spare()
    # Only glibc keeps free pages between used ones, and only it can give them back.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@asynccontextmanager
async def collected_by_time(
    idle: Callable[[float], Awaitable[object]],
    *,
    reloaded: bool,
    soon: float = SOON_SECONDS,
    every: float = EVERY_SECONDS,
    whole_every: int = WHOLE_EVERY,
) -> AsyncIterator[None]:
    """Collect the garbage of the process every so many seconds until the block ends.

    After a reload, all of it is collected in `soon` seconds. `idle` waits up to so many seconds for the answers in
    progress.
    """

    async def collect(number: int, after: float) -> None:
        await asyncio.sleep(after)
        await idle(IDLE_SECONDS)
        collect_and_spare(whole=number % whole_every == 0)

    async def collect_on() -> None:
        if reloaded:
            await collect(0, soon)
        for number in count(0 if reloaded else 1):
            await collect(number, every)

    task = asyncio.create_task(collect_on(), name="garbage")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
