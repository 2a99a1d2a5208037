"""Heartbeat: cmbot calls a URL while all is well, so that a monitoring service notices when the calls stop."""

from collections.abc import Awaitable, Callable

import aiohttp
import structlog

from bot.telemetry.http_faults import FAULTS, fault_words

log = structlog.get_logger(__name__)

EVERY_SECONDS = 30.0
"""Least number of seconds between two calls."""
_TIMEOUT = aiohttp.ClientTimeout(total=5.0)
LOG_SECONDS = 600.0
"""Least number of seconds between two log lines about calls that fail or are not made."""
_FAILED = 400


class Heartbeat:
    """Calls `url` (GET) at most once in EVERY_SECONDS; a failing URL does not harm the caller.

    Anyone who knows the URL can fake the heartbeat, so the URL is a secret and is never logged.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._called_at = self._logged_at = float("-inf")

    def due(self, now: float) -> bool:
        """True if the next call is due; always False without a URL."""
        return bool(self._url) and now - self._called_at >= EVERY_SECONDS

    async def beat(self, now: float, problem: Callable[[], Awaitable[str]]) -> None:
        """Call the URL unless `problem` returns a sentence."""
        self._called_at = now
        why = await problem() or await self._call()
        if why and now - self._logged_at >= LOG_SECONDS:
            self._logged_at = now
            log.warning("heartbeat.silent", why=why)
        elif not why and self._logged_at > float("-inf"):
            self._logged_at = float("-inf")
            log.info("heartbeat.back")

    async def _call(self) -> str:
        """Call once; return the kind of failure only, because an error's text may contain the URL."""
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.get(self._url, allow_redirects=False) as answer,
            ):
                return f"its URL answered with status {answer.status}" if answer.status >= _FAILED else ""
        except FAULTS as error:
            return f"its URL cannot be reached ({fault_words(error)})"
