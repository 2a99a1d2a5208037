"""The page of metrics: written in parts, within a time, and for a few readers at once.

A client that asks for it and does not read would else hold its connection without a limit. Many such clients would
leave none for `/livez`.
"""

import asyncio

from aiohttp import hdrs, web

from bot.common.frozen import frozen
from bot.telemetry.metrics import Metrics

_UNAVAILABLE = 503
_RETRY_SECONDS = 10


@frozen
class ScrapeLimits:
    """How many scrapes run `at_once`, the seconds for one part of the page (`stalled`) and for all (`longest`)."""

    at_once: int = 4
    stalled: float = 15.0
    longest: float = 30.0


USUAL_LIMITS = ScrapeLimits()


class MetricsPage:
    """Answers `/metrics`."""

    def __init__(self, metrics: Metrics, limits: ScrapeLimits) -> None:
        self._metrics, self._limits = metrics, limits
        self._open = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Write the page; a reader that is too slow is disconnected."""
        answer = web.StreamResponse(headers={"Content-Type": self._metrics.content_type})
        if request.method == hdrs.METH_HEAD:
            await answer.prepare(request)
            return answer
        if self._open >= self._limits.at_once:
            return web.Response(
                status=_UNAVAILABLE,
                headers={hdrs.RETRY_AFTER: str(_RETRY_SECONDS)},
                text=f"{self._open} scrapes are running, and no more are answered at once. "
                f"Try again in {_RETRY_SECONDS} s.\n",
            )
        self._open += 1
        try:
            async with asyncio.timeout(self._limits.longest):
                await self._write(request, answer)
        except (TimeoutError, ConnectionError):
            # A reader that went away is no error. Not `close`, which waits until the client has read what is written.
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._open -= 1
        return answer

    async def _write(self, request: web.Request, answer: web.StreamResponse) -> None:
        await answer.prepare(request)
        parts = self._metrics.parts()
        # In a thread, part by part: with a thousand clusters the text has 10 MB, and the event loop must go on.
        while (part := await asyncio.to_thread(next, parts, None)) is not None:
            async with asyncio.timeout(self._limits.stalled):
                await answer.write(part)
        async with asyncio.timeout(self._limits.stalled):
            await answer.write_eof()
