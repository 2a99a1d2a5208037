"""Health and metrics over HTTP: /healthz (restart me when it fails), /readyz (am I of use), /metrics."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from bot.errors import CmbotError
from bot.telemetry.door import KEEP_ALIVE_SECONDS, Door, Handler
from bot.telemetry.metrics import Metrics

Probe = Callable[[], Awaitable[str]]
"""Tells in a sentence what is wrong, "" when nothing is; a CmbotError is what is wrong too."""

_WELL = 200
_ILL = 503
_MAX_BODY = 1024 * 1024


class Health:
    """The three pages; `live` and `ready` name their probes, each of which must answer within `within` seconds."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        live: Mapping[str, Probe],
        ready: Mapping[str, Probe],
        within: float = 3.0,
    ) -> None:
        self._metrics, self._live, self._ready, self._within = metrics, live, ready, within

    def server(self) -> web.Application:
        """A web application with the three pages, to which others may be mounted before it is served."""
        server = web.Application(client_max_size=_MAX_BODY)
        server.router.add_get("/healthz", self._healthz)
        server.router.add_get("/readyz", self._readyz)
        server.router.add_get("/metrics", self._exposed)
        return server

    async def _healthz(self, _: web.Request) -> web.Response:
        # That this is answered at all shows that the event loop turns.
        return await self._answer(self._live)

    async def _readyz(self, _: web.Request) -> web.Response:
        return await self._answer(self._ready)

    async def _exposed(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.exposed(), headers={"Content-Type": self._metrics.content_type})

    async def _answer(self, probes: Mapping[str, Probe]) -> web.Response:
        words = await asyncio.gather(*(self._ask(probe) for probe in probes.values()))
        wrong = {name: word for name, word in zip(probes, words, strict=True) if word}
        body = {"ok": not wrong, "checks": {name: wrong.get(name, "ok") for name in probes}}
        return web.json_response(body, status=_ILL if wrong else _WELL)

    async def _ask(self, probe: Probe) -> str:
        try:
            async with asyncio.timeout(self._within):
                return await probe()
        except TimeoutError:
            return f"no answer within {self._within:g} s"
        except CmbotError as error:
            return str(error) or type(error).__name__


def socket_alive(dead_for: Callable[[], float], *, longest: float, last_error: Callable[[], str]) -> Probe:
    """A probe that fails once there was no live connection to Slack for `longest` seconds."""

    async def probe() -> str:
        silent = dead_for()
        return f"no connection to Slack for {silent:.0f} s. {last_error()}".strip() if silent > longest else ""

    return probe


@asynccontextmanager
async def served(server: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve `server` until the context ends; gives the port (chosen when `port` is 0). Raises OSError."""
    # Its access log would be a line for every health check. Nobody has a reason to send us compressed bodies, and a
    # small one that unfolds to a gigabyte would hold the event loop for seconds before its signature is looked at.
    runner = web.AppRunner(
        server,
        access_log=None,
        shutdown_timeout=3.0,
        auto_decompress=False,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
        lingering_time=0.0,
    )
    doors: list[Door] = []

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await doors[0].admit(request, handler)

    server.middlewares.insert(0, admit)
    await runner.setup()
    try:
        if runner.server is None:
            raise RuntimeError("a server that is set up has its protocol")
        doors.append(Door(runner.server))
        listening = await asyncio.get_running_loop().create_server(doors[0], host, port)
        async with listening:
            yield int(listening.sockets[0].getsockname()[1])
    finally:
        await runner.cleanup()
