"""The Web API over HTTP: tokens, scopes, faults, and the table of methods."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.playground.slack import lookups, methods
from bot.playground.slack.delivery import Delivery
from bot.playground.slack.faults import Faults
from bot.playground.slack.posting import EXPECTED, ApiError
from bot.playground.slack.workspace import RESPONSE_USES, Message, Workspace

Handler = Callable[[Workspace, Mapping[str, Any]], dict[str, Any]]

METHODS: Mapping[str, tuple[Handler, tuple[str, ...]]] = {
    "auth.test": (lookups.auth_test, ()),
    "bots.info": (lookups.bots_info, ("users:read",)),
    "chat.delete": (methods.chat_delete, ("chat:write",)),
    "chat.getPermalink": (lookups.chat_get_permalink, ()),
    "chat.postEphemeral": (methods.chat_post_ephemeral, ("chat:write",)),
    "chat.postMessage": (methods.chat_post_message, ("chat:write",)),
    "chat.update": (methods.chat_update, ("chat:write",)),
    "conversations.history": (lookups.conversations_history, ("channels:history",)),
    "conversations.info": (lookups.conversations_info, ("channels:read",)),
    "conversations.list": (lookups.conversations_list, ("channels:read",)),
    "conversations.members": (lookups.conversations_members, ("channels:read",)),
    "conversations.open": (lookups.conversations_open, ("im:write",)),
    "conversations.replies": (lookups.conversations_replies, ("channels:history",)),
    "files.completeUploadExternal": (methods.files_complete_upload, ("files:write",)),
    "files.getUploadURLExternal": (methods.files_get_upload_url, ("files:write",)),
    "pins.add": (methods.pins_add, ("pins:write",)),
    "pins.list": (methods.pins_list, ("pins:read",)),
    "reactions.add": (methods.reactions_add, ("reactions:write",)),
    "team.info": (lookups.team_info, ("team:read",)),
    "usergroups.list": (lookups.usergroups_list, ("usergroups:read",)),
    "usergroups.users.list": (lookups.usergroups_users_list, ("usergroups:read",)),
    "users.info": (lookups.users_info, ("users:read",)),
    "users.list": (lookups.users_list, ("users:read",)),
    "views.open": (methods.views_open, ()),
    "views.publish": (methods.views_publish, ()),
    "views.update": (methods.views_update, ()),
}
"""Every method of the Web API that this workspace has: its handler and the scopes it needs."""

_ADDRESSES = frozenset({"permalink", "upload_url"})


@dataclass(slots=True)
class Api:
    """Serves `/api/<method>` and `/response/<key>`."""

    workspace: Workspace
    faults: Faults
    delivery: Delivery
    bot_token: str
    app_token: str
    origin: str = ""

    async def call(self, request: web.Request) -> web.StreamResponse:
        """One call of a method."""
        method = request.match_info["method"]
        if (faulty := await self._fault(request, method)) is not None:
            return faulty
        try:
            args, token = await _arguments(request)
            told = {"ok": True, **self._run(method, args, token)}
        except ApiError as error:
            self._judge(method, error.code)
            told = {"ok": False, "error": error.code, **error.extra}
        if self.faults.take(("lost_reply",), method):
            return _cut(request)
        told = {key: self.origin + value if key in _ADDRESSES else value for key, value in told.items()}
        return web.json_response(told, headers={"X-OAuth-Scopes": ",".join(self.workspace.team.scopes)})

    async def _fault(self, request: web.Request, method: str) -> web.StreamResponse | None:
        if fault := self.faults.take(("delay",), method):
            await asyncio.sleep(fault.seconds)
        if fault := self.faults.take(("ratelimited",), method):
            headers = {"Retry-After": str(max(1, round(fault.seconds)))}
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
        if self.faults.take(("server_error",), method):
            return web.Response(status=503, text="upstream connect error")
        if self.faults.take(("lost_request",), method):
            return _cut(request)
        return None

    def _run(self, method: str, args: Mapping[str, Any], token: str) -> dict[str, Any]:
        if not token:
            raise ApiError("not_authed")
        if method == "apps.connections.open":
            return self._open_connection(token)
        if method == "api.test":
            return {"args": dict(args)}
        if method not in METHODS:
            raise ApiError("unknown_method", req_method=method)
        if token != self.bot_token:
            raise ApiError("not_allowed_token_type" if token == self.app_token else "invalid_auth")
        handler, needed = METHODS[method]
        scopes = self.workspace.team.scopes
        missing = [scope for scope in needed if scope not in scopes]
        if missing:
            raise ApiError("missing_scope", needed=",".join(missing), provided=",".join(scopes))
        return handler(self.workspace, args)

    def _open_connection(self, token: str) -> dict[str, Any]:
        if token != self.app_token:
            raise ApiError("not_allowed_token_type" if token == self.bot_token else "invalid_auth")
        address = self.origin.replace("http://", "ws://")
        return {"url": f"{address}/link/?ticket={self.delivery.new_ticket()}"}

    def _judge(self, method: str, code: str) -> None:
        """Whatever the app could have known before is a violation; what people did to the workspace is none."""
        if code not in EXPECTED and code not in {"invalid_blocks", "invalid_arguments", "expired_trigger_id"}:
            self.workspace.violate(code, f"{method} answered {code}")

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """One use of a response_url."""
        ws = self.workspace
        held = ws.response_urls.get(request.match_info["key"])
        if (faulty := await self._fault(request, "response_url")) is not None:
            return faulty
        if held is None or ws.clock() > held.until or held.uses >= RESPONSE_USES:
            used = held is not None and held.uses >= RESPONSE_USES
            ws.violate("used_url" if used else "expired_url", "a response_url was used too often or too late")
            return web.Response(status=404, text="used_url" if used else "expired_url")
        held.uses += 1
        try:
            body = await request.json()
            methods.respond(ws, held, body)
        except (ValueError, ApiError) as error:
            return web.Response(status=400, text=error.code if isinstance(error, ApiError) else "invalid_payload")
        if self.faults.take(("lost_reply",), "response_url"):
            return _cut(request)
        return web.Response(text="ok")

    def acknowledged(self, channel: str, user: str, payload: Any) -> None:
        """Show what the app said in its acknowledgement of a command."""
        if isinstance(payload, dict) and payload.get("text"):
            text = str(payload["text"])
            self.workspace.add(Message(channel, "", self.workspace.team.bot_user, text, only_for=user))


def _cut(request: web.Request) -> web.StreamResponse:
    """Drop the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _arguments(request: web.Request) -> tuple[dict[str, Any], str]:
    args: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        try:
            data = await request.json()
        except ValueError as error:
            raise ApiError("invalid_json") from error
        if not isinstance(data, dict):
            raise ApiError("json_not_object")
        args |= data
    else:
        args |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    return args, bearer or str(args.pop("token", ""))
