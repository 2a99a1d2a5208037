"""The heartbeat: an address that is called as long as all is well, so that somebody else notices when it is not."""

from collections.abc import Awaitable, Callable

import aiohttp
import structlog

from bot.common.errors import system_words

log = structlog.get_logger(__name__)

EVERY_SECONDS = 30.0
LOG_SECONDS = 600.0
"""How often it is logged at most that the address cannot be reached, or is not called."""
_FAILED = 400


class Heartbeat:
    """Calls `url` (GET) at most every `every` seconds; no fault of the address harms the caller.

    Whoever knows it can pretend to be alive, so it is a secret and is never logged.
    """

    def __init__(self, url: str, *, every: float = EVERY_SECONDS, timeout: float = 5.0) -> None:
        self._url, self._every = url, every
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._called_at = self._logged_at = float("-inf")

    def due(self, now: float) -> bool:
        """Whether it is time again; never when there is no address."""
        return bool(self._url) and now - self._called_at >= self._every

    async def beat(self, now: float, trouble: Callable[[], Awaitable[str]]) -> None:
        """Call the address unless `trouble` tells of something in a sentence."""
        self._called_at = now
        wrong = await trouble() or await self._call()
        if wrong and now - self._logged_at >= LOG_SECONDS:
            self._logged_at = now
            log.warning("heartbeat.silent", why=wrong)
        elif not wrong and self._logged_at > float("-inf"):
            self._logged_at = float("-inf")
            log.info("heartbeat.back")

    async def _call(self) -> str:
        """Call once: what went wrong, by its kind alone, since an error's words may hold the address."""
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout) as session,
                session.get(self._url, allow_redirects=False) as answer,
            ):
                return f"its address answered {answer.status}" if answer.status >= _FAILED else ""
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return f"its address cannot be reached ({_why(error)})"


def _why(error: Exception) -> str:
    """Why, without the address, which is a secret."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientSSLError):
        return "the encrypted connection failed"
    if isinstance(error, aiohttp.InvalidURL):
        return "it is no address"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    if isinstance(error, OSError):
        return system_words(error)
    return "the answer broke off or is no HTTP"
