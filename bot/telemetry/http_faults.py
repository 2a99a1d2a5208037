"""Faults of HTTP calls in words that never contain the address, because an address may be a secret."""

import aiohttp

from bot.common.errors import system_words

FAULTS = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
"""What a call may raise."""


def fault_words(error: Exception) -> str:
    """Return the reason without the address."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientSSLError):
        return "the encrypted connection failed"
    if isinstance(error, aiohttp.InvalidURL):
        return "it is not a URL"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its host name cannot be resolved"
    if isinstance(error, OSError):
        return system_words(error)
    return "the answer was cut short or is not HTTP"
