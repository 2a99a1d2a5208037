"""Health and metrics over HTTP.

`/livez` fails when the process itself is broken, `/healthz` also without Slack, `/readyz` on any problem.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from aiohttp import web

from bot.common.errors import CmbotError
from bot.telemetry.connection_limits import KEEP_ALIVE_SECONDS, ConnectionLimits
from bot.telemetry.metrics import Metrics
from bot.telemetry.metrics_page import USUAL_LIMITS, MetricsPage, ScrapeLimits

Probe = Callable[[], Awaitable[str]]
"""Return the problem as a sentence, "" for none; a CmbotError that it raises counts as a problem too."""

_OK = 200
_UNAVAILABLE = 503
_MAX_BODY = 1024 * 1024


class Health:
    """The pages; `alive`, `live` and `ready` are the named probes of `/livez`, `/healthz` and `/readyz`.

    Each must answer within `within` seconds.

    `remarks` replace "ok" for a problem that does not fail the page. `watches` lists the clusters that this process
    polls, for `/readyz`.
    """

    def __init__(
        self,
        metrics: Metrics,
        *,
        live: Mapping[str, Probe],
        ready: Mapping[str, Probe],
        alive: Mapping[str, Probe] | None = None,
        remarks: Mapping[str, Callable[[], str]] | None = None,
        within: float = 3.0,
        watches: Callable[[], Sequence[str]] | None = None,
        scrapes: ScrapeLimits = USUAL_LIMITS,
    ) -> None:
        self._metrics = MetricsPage(metrics, scrapes)
        self._live, self._ready, self._within = live, ready, within
        self._alive, self._watches = alive or {}, watches
        self._remarks = remarks or {}

    def server(self) -> web.Application:
        """Build a web application with the pages; more routes may be added before it is served."""
        server = web.Application(client_max_size=_MAX_BODY)
        server.router.add_get("/livez", self._livez)
        server.router.add_get("/healthz", self._healthz)
        server.router.add_get("/readyz", self._readyz)
        server.router.add_get("/metrics", self._metrics.answer)
        return server

    async def _livez(self, _: web.Request) -> web.Response:
        # The answer itself proves that the event loop runs.
        return await self._answer(self._alive, dict)

    async def _healthz(self, _: web.Request) -> web.Response:
        return await self._answer(self._live, dict)

    async def _readyz(self, _: web.Request) -> web.Response:
        return await self._answer(self._ready, self._facts)

    def _facts(self) -> Mapping[str, object]:
        return {} if self._watches is None else {"watches": [*self._watches()]}

    async def _answer(self, probes: Mapping[str, Probe], facts: Callable[[], Mapping[str, object]]) -> web.Response:
        answers = await asyncio.gather(*(self._ask(probe) for probe in probes.values()))
        problems = {name: answer for name, answer in zip(probes, answers, strict=True) if answer}
        checks = {name: problems.get(name) or self._remark(name) for name in probes}
        body = {"ok": not problems, "checks": checks, **facts()}
        return web.json_response(body, status=_UNAVAILABLE if problems else _OK)

    def _remark(self, name: str) -> str:
        return (self._remarks[name]() if name in self._remarks else "") or "ok"

    async def _ask(self, probe: Probe) -> str:
        try:
            async with asyncio.timeout(self._within):
                return await probe()
        except TimeoutError:
            return f"no answer within {self._within:g} s"
        except CmbotError as error:
            return str(error) or type(error).__name__


def socket_alive(dead_for: Callable[[], float], *, longest: float, last_error: Callable[[], str]) -> Probe:
    """Build a probe that fails when Slack has not been connected for `longest` seconds."""

    async def probe() -> str:
        silent = dead_for()
        return f"Slack has been disconnected for {silent:.0f} s. {last_error()}".strip() if silent > longest else ""

    return probe


class Attempt:
    """Probe that makes one attempt at a time and answers within `within` seconds, even if the attempt hangs.

    A hanging attempt is not cancelled, and no second one starts beside it. A result is valid for `every` seconds.
    """

    def __init__(
        self,
        attempt: Probe,
        *,
        hanging: str,
        within: float = 2.0,
        every: float = 2.0,
    ) -> None:
        self._attempt, self._hanging, self._within, self._every = attempt, hanging, within, every
        self._task: asyncio.Task[str] | None = None
        self._began = float("-inf")

    async def __call__(self) -> str:
        """Return the problem, "" for none."""
        now = time.monotonic()
        if self._task is None or (self._task.done() and now - self._began >= self._every):
            self._began = now
            self._task = asyncio.create_task(_run(self._attempt), name="attempt")
        await asyncio.wait({self._task}, timeout=self._within)
        if not self._task.done():
            return f"{self._hanging} ({time.monotonic() - self._began:.0f} s so far)"
        return self._task.result()

    async def close(self) -> None:
        """Cancel the attempt in progress."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


async def _run(attempt: Probe) -> str:
    try:
        return await attempt()
    except CmbotError as error:
        return str(error) or type(error).__name__


@asynccontextmanager
async def served(
    server: web.Application,
    host: str,
    port: int,
    bound: Sequence[socket.socket] = (),
    *,
    limits: ConnectionLimits | None = None,
) -> AsyncIterator[int]:
    """Serve `server` until the block ends; yield the port, a free one if `port` is 0. Raises OSError.

    `bound` are sockets of that address. They stay open, so that requests wait there while nothing is served.
    """
    # No access log: it would have a line for every health check. No decompression: a small body that unfolds to a
    # gigabyte would block the event loop for seconds before its signature is checked, and no client needs it.
    runner = web.AppRunner(
        server,
        access_log=None,
        shutdown_timeout=1.0,
        auto_decompress=False,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
        lingering_time=0.0,
    )
    limits = limits or ConnectionLimits()
    await runner.setup()
    try:
        if runner.server is None:
            raise RuntimeError("aiohttp did not set up the server")
        limits.around(runner.server)
        accept = partial(limits.accept, runner.server)
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            listening = [await loop.create_server(accept, sock=each.dup()) for each in bound] or [
                await loop.create_server(accept, host, port)
            ]
            for each in listening:
                # Its own block would wait for clients that keep their connection, from Python 3.12 on.
                stack.callback(each.close)
            stack.push_async_callback(_accept_no_more, listening, runner.server, limits)
            yield int(listening[0].sockets[0].getsockname()[1])
    finally:
        await runner.cleanup()
        limits.close()


async def _accept_no_more(listening: Sequence[asyncio.Server], server: web.Server, limits: ConnectionLimits) -> None:
    """Let every client that has connected be answered.

    A server of asyncio that closes loses a connection that it accepted in the same moment: nothing reads or closes it.
    """
    loop = asyncio.get_running_loop()
    for own in (own for each in listening for own in each.sockets):
        loop.remove_reader(own.fileno())
    await limits.settle(server)
