"""Deliveries over HTTP, for installations without an app token: the signature is checked, then Bolt answers.

Source: Slack's page "Verifying requests from Slack" (signature v0 over `v0:timestamp:body`, at most five minutes old).
"""

import re
from urllib.parse import parse_qs

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.common.errors import ConfigError

log = structlog.get_logger(__name__)

PATH = "/slack/events"
"""The path of all deliveries: commands, clicks, forms and events."""

_MAX_CHECK = 1024
_TIMESTAMP = re.compile(r"\d{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


class HttpDelivery:
    """Handles PATH; a request without a valid signature is answered 401 and never parsed.

    Raises ConfigError when there is no signing secret.
    """

    def __init__(self, app: AsyncApp, signing_secret: str) -> None:
        if not signing_secret.strip():
            raise ConfigError(
                "SLACK_APP_TOKEN and SLACK_SIGNING_SECRET: neither is set; "
                "set the first for Socket Mode, or the second for HTTP."
            )
        self._app = app
        self._verifier = SignatureVerifier(signing_secret)

    def mount(self, server: web.Application) -> None:
        """Add the route to `server`."""
        server.router.add_post(PATH, self.handle)
        server.router.add_get(PATH, self.probe, allow_head=False)

    async def probe(self, request: web.Request) -> web.StreamResponse:
        """Answer Slack's check of the certificate, its only GET request."""
        if request.query.get("ssl_check") == "1":
            return web.Response()
        raise web.HTTPMethodNotAllowed(request.method, ["POST"])

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one delivery."""
        body = await request.read()  # at most the server's client_max_size (1 MiB), else aiohttp answers 413
        if not self._signed(request, body):
            if _is_ssl_check(body, request.content_type):
                return web.Response()
            log.warning("delivery.unsigned", remote=request.remote, size=len(body))
            return web.Response(status=401)
        try:
            delivered = _read(body, request.content_type)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            log.warning("delivery.unreadable", size=len(body), error=type(error).__name__)
            return web.Response(status=400)
        response: web.StreamResponse = await to_aiohttp_response(await self._app.async_dispatch(delivered))
        return response

    def _signed(self, request: web.Request, body: bytes) -> bool:
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        # The SDK's verifier raises on anything that does not look like its own.
        if not (_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
            return False
        try:
            return bool(self._verifier.is_valid(body, timestamp, signature))
        except UnicodeDecodeError:
            return False


def _is_ssl_check(body: bytes, kind: str) -> bool:
    """True for Slack's check of the certificate, which is not signed."""
    if len(body) > _MAX_CHECK or kind != "application/x-www-form-urlencoded":
        return False
    return parse_qs(body.decode(errors="replace")).get("ssl_check") == ["1"]


def _read(body: bytes, kind: str) -> AsyncBoltRequest:
    """Return the signed body and its content type only: the signature covers neither address nor headers.

    A charset in the Content-Type could change the meaning of the bytes, and Bolt obeys its own headers.
    """
    return AsyncBoltRequest(body=body.decode(), headers={"Content-Type": kind})
