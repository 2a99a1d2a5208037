"""Translates failed calls to Slack into our error tree; only this module knows the SDK's exceptions.

A sentence has the method's name and Slack's error code only: no token, no address, no library message.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.common.errors import SlackError, SlackLost, SlackRetryable
from bot.slack.methods import Method
from bot.slack.session import Redirected

FOREIGN = (SlackClientError, aiohttp.ClientError, OSError, ValueError, AttributeError)
"""Exceptions of the SDK; a body that is not a JSON object leads to ValueError or AttributeError."""

LATER = frozenset({"service_unavailable", "request_timeout", "internal_error", "fatal_error"})
"""Slack's error codes after which a retry may succeed."""

_OK = 200
_TOO_MANY = 429
_FAILED = 500
_UNAVAILABLE = 503
_LONGEST_WAIT = 3600.0


def translated(error: Exception, method: Method, proxy: str | None = None) -> SlackError:
    """Return our error for one of FOREIGN; `proxy` is the address of the proxy that was used."""
    if isinstance(error, SlackApiError):
        response = error.response
        # The SDK's response, or that of aiohttp if the body is not JSON.
        status = int(getattr(response, "status_code", 0) or getattr(response, "status", _OK))
        return refused(status, getattr(response, "headers", None), getattr(response, "data", None), method)
    return _unsent(error, method, proxy) or _unanswered(error, method)


def _unsent(error: Exception, method: Method, proxy: str | None) -> SlackError | None:
    """Return our error if nothing was sent, else None."""
    if isinstance(error, aiohttp.ClientSSLError):
        return unsafe(error, method.name)
    if isinstance(error, PROXY_ERRORS):
        return behind_proxy(error, method.name, proxy)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return SlackRetryable(f"Slack could not be reached for {method.name}.", code="unreachable")
    if isinstance(error, aiohttp.InvalidURL):
        return SlackError(f"The address for {method.name} is not valid.", code="invalid_url")
    return None


def _unanswered(error: Exception, method: Method) -> SlackError:
    """Return our error for a call that was sent and not answered by Slack."""
    if isinstance(error, TimeoutError):
        return _lost(f"Slack did not answer {method.name} in time", "timeout", method)
    if isinstance(error, Redirected):
        return _lost(f"Something in front of Slack redirects {method.name}; see slack.api_url", "redirected", method)
    if isinstance(error, aiohttp.ClientError | OSError) and not isinstance(error, aiohttp.ClientResponseError):
        return _lost(f"The connection to Slack broke during {method.name}", "connection_lost", method)
    return _lost(f"Slack's answer to {method.name} could not be read", "bad_answer", method)


PROXY_ERRORS = (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError)
_WANTS_LOGIN = 407


def behind_proxy(
    error: aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError, what: str, proxy: str | None
) -> SlackRetryable:
    """Return our error for a proxy (its address) that does not answer, or refuses; nothing was sent to Slack."""
    name = f"The proxy {urlsplit(proxy or '').netloc.rpartition('@')[2]}"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return SlackRetryable(f"{name} could not be reached for {what} of Slack.", code="proxy_unreachable")
    why = f"HTTP status {error.status}"
    if error.status == _WANTS_LOGIN:
        why = f"{why}: it wants a user and password, see SLACK_PROXY"
    return SlackRetryable(f"{name} refused the connection to Slack for {what} ({why}).", code="proxy_refused")


def unsafe(error: aiohttp.ClientSSLError, what: str) -> SlackRetryable:
    """Return our error for a connection that TLS refused; nothing was sent."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "") or "it could not be verified"
        return SlackRetryable(
            f"The certificate that is shown for Slack at {what} is not trusted on this system ({reason}). {TRUST}",
            code="untrusted_certificate",
        )
    return SlackRetryable(f"No encrypted connection to Slack came about for {what}: TLS failed.", code="tls_failed")


TRUST = (
    "If a proxy opens the connections, set the environment variable SSL_CERT_FILE to a PEM file with its "
    "authority's certificate, beside those of the system."
)


def refused(status: int, headers: Mapping[str, str] | None, data: Any, method: Method) -> SlackError:
    """Return our error for a refusal: an HTTP status, with Slack's error code or without."""
    code = data["error"] if isinstance(data, Mapping) and isinstance(data.get("error"), str) else ""
    wait = _retry_after(headers)
    if status == _TOO_MANY or code in {"ratelimited", "rate_limited"}:
        return SlackRetryable(f"Slack asks to slow down with {method.name}.", code="ratelimited", retry_after=wait)
    if status >= _FAILED or code in LATER:
        # Of the 5xx of a gateway only 503 means that the call was not started.
        code = code or ("service_unavailable" if status == _UNAVAILABLE else "internal_error")
        return SlackRetryable(f"Slack failed at {method.name}: {code}.", code=code, retry_after=wait)
    if not code and status == _OK:
        return _lost(f"Slack's answer to {method.name} could not be read", "bad_answer", method)
    code = code or f"http_{status}"
    needs = f" (it needs the scope {' or '.join(method.scopes)})" if code == "missing_scope" and method.scopes else ""
    return SlackError(f"Slack refused {method.name}: {code[:80]}{needs}.", code=code)


def _lost(sentence: str, code: str, method: Method) -> SlackError:
    if method.posts:
        return SlackLost(f"{sentence}: it may or may not have been done.", code=code)
    return SlackRetryable(f"{sentence}.", code=code)


def _retry_after(headers: Mapping[str, str] | None) -> float:
    lower = {name.lower(): value for name, value in headers.items()} if headers else {}
    try:
        wait = float(lower.get("retry-after", 1.0))
    except ValueError:
        return 1.0
    return min(max(wait, 0.0), _LONGEST_WAIT) if wait == wait else 1.0  # noqa: PLR0124 - "nan" is a float too


def faults_of(error: SlackError) -> list[str]:
    """Return each fault that Slack found in the blocks of a refused call: where it is, and what is wrong."""
    response = getattr(error.__cause__, "response", None)
    data = getattr(response, "data", None)
    listed = data.get("errors") if isinstance(data, Mapping) else None
    found = [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    return [f"{each.get('pointer', '')}: {each.get('message') or each.get('code', '')}" for each in found] or [
        error.code
    ]
