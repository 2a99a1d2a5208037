"""A connection to a receiver that sends nothing: for checks."""

import asyncio
import ssl
from urllib.parse import urlsplit

from bot.integrations.client import DeliveryFailed
from bot.integrations.sender import ReceiverTarget
from bot.telemetry.http_faults import FAULTS, fault_words

_SECONDS = 5.0


async def reach(target: ReceiverTarget) -> str:
    """Connect to the receiver, encrypted if its address says so. Raises DeliveryFailed."""
    parts = urlsplit(target.url)
    encrypted = parts.scheme == "https"
    context = (target.context or ssl.create_default_context()) if encrypted else None
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or (443 if encrypted else 80), ssl=context
            )
    except ssl.SSLError as error:
        raise DeliveryFailed("it cannot be reached (the encrypted connection failed)") from error
    except FAULTS as error:
        raise DeliveryFailed(f"it cannot be reached ({fault_words(error)})") from error
    writer.transport.abort()
    return "it can be reached; a message was not sent"
