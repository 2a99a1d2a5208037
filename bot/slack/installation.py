"""Installation check: the workspace (or organisation) and the app of a payload must be ours.

auth.test names the workspace. Slack names the app's id when the WebSocket opens or a message is posted; until then
only the workspace is compared, because a bot token does not name its app.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.common.errors import SlackError
from bot.common.json_object import JsonObject
from bot.slack.identity import Identity, part
from bot.slack.strangers import is_stranger

log = structlog.get_logger(__name__)

LEARN_SECONDS = 1.5
"""Seconds that a payload waits for auth.test, of the three in which it must be acknowledged."""
UNKNOWN = "cmbot does not know its workspace yet, because Slack does not answer. Try again in a few seconds."


def foreign(body: JsonObject, me: Identity, app: str) -> str:
    """Return why a payload is not for us, "" if it is; `app` is our app's id, "" until it is known."""
    if app and body.get("api_app_id") != app:
        return "another app"
    if me.team_id in _teams(body) or me.enterprise in _enterprises(body):
        return ""
    return "another workspace"


def _teams(body: JsonObject) -> set[str]:
    """Return the ids of the workspaces of a payload."""
    installed = _words(each.get("team_id") for each in _authorizations(body))
    seen = part(body, "view").get("app_installed_team_id"), part(body, "team").get("id"), body.get("team_id")
    return installed or _words(seen[:1]) or _words(seen[1:2]) or _words(seen[2:])


def _enterprises(body: JsonObject) -> set[str]:
    installed = [each.get("enterprise_id") for each in _authorizations(body)]
    return _words([*installed, part(body, "enterprise").get("id"), body.get("enterprise_id")])


def _words(values: Iterable[Any]) -> set[str]:
    return {value for value in values if isinstance(value, str) and value}


def _authorizations(body: JsonObject) -> list[JsonObject]:
    """Return the installations of an event."""
    held = body.get("authorizations")
    return [each for each in held if isinstance(each, dict)] if isinstance(held, list) else []


class InstallationCheck(AsyncMiddleware):
    """Passes on payloads for this installation; refuses all others without an acknowledgement."""

    def __init__(self, identity: Callable[[], Awaitable[Identity]], app_id: Callable[[], str]) -> None:
        self._identity, self._app_id = identity, app_id
        self._one_at_a_time = asyncio.Lock()
        self.on_stranger: Callable[[JsonObject], None] | None = None
        """Answers a person of another organisation, whose payloads go no further."""

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002 - the signature is Bolt's
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - as above
    ) -> BoltResponse | None:
        """Pass the payload on, or refuse it."""
        try:
            me = await self._me()
        except (SlackError, TimeoutError) as error:
            log.warning("inbound.workspace_unknown", error=str(error) or "timeout")
            return _unknown(req.body)
        why = foreign(req.body, me, self._app_id())
        if why:
            log.warning("inbound.foreign", why=why, kind=str(req.body.get("type") or "command")[:40])
            return BoltResponse(status=403, body="")
        if self.on_stranger is not None and is_stranger(req.body, me):
            self.on_stranger(req.body)
            return BoltResponse(status=200, body="")
        return await next()

    async def _me(self) -> Identity:
        async with asyncio.timeout(LEARN_SECONDS), self._one_at_a_time:
            return await self._identity()

    async def learn(self) -> None:
        """Ask early, so that the first payload does not wait."""
        try:
            await self._identity()
        except SlackError as error:
            log.warning("slack.workspace_unknown", error=str(error), code=error.code)


def _unknown(body: JsonObject) -> BoltResponse:
    if "command" in body:
        return BoltResponse(status=200, body={"response_type": "ephemeral", "text": UNKNOWN})
    return BoltResponse(status=503, body="")
