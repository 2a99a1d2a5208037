"""The Web API and `response_url` over HTTP: tokens, scopes, faults; each error is listed as a violation."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web

from bot.playground.slack_sim.arguments import Answer, Args, content_of, is_true, text_of
from bot.playground.slack_sim.errors import ApiError, Unsupported
from bot.playground.slack_sim.faults import Fault, Faults
from bot.playground.slack_sim.message import Message
from bot.playground.slack_sim.methods import METHODS
from bot.playground.slack_sim.workspace import ResponseUrl, Workspace

_ADDRESSES = frozenset({"permalink", "upload_url", "url_private", "url"})
_APP_SCOPE = "connections:write"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of the app."""

    bot: str
    app: str


@dataclass(slots=True)
class Api:
    """Serves `/api/<method>`; `origin` is set once the server listens, `new_ticket` admits a socket."""

    workspace: Workspace
    faults: Faults
    tokens: Tokens
    new_ticket: Callable[[], str]
    origin: str = ""

    async def call(self, request: web.Request) -> web.StreamResponse:
        """Serve one call of a method."""
        method = request.match_info["method"]
        early = await meet_fault(self.faults, request, method)
        if early is not None:
            return early
        answer = await self._answer(request, method)
        if self.faults.take(("lost_reply",), method):
            return cut(request)
        scopes = self.workspace.team.scopes
        headers = {"X-OAuth-Scopes": ",".join(scopes), "X-Slack-Req-Id": self.workspace.new_id("R")}
        if method in METHODS and METHODS[method].scope:
            headers["X-Accepted-OAuth-Scopes"] = METHODS[method].scope.replace("{family}", "channels")
        return web.json_response(answer, headers=headers)

    async def _answer(self, request: web.Request, method: str) -> Answer:
        try:
            args, token = await _arguments(request)
            kinds = ("error", "thread_error") if args.get("thread_ts") else ("error",)
            if fault := self.faults.take(kinds, method):
                return {"ok": False, "error": fault.code}
            return {"ok": True, **self._placed(self._run(method, args, token))}
        except ApiError as error:
            self._note(error, method)
            return {"ok": False, "error": error.code, **error.extra}

    def _note(self, error: ApiError, method: str) -> None:
        if not isinstance(error, Unsupported):
            self.workspace.violate(error.code, error.detail or f"{method} answered {error.code}", method)

    def _placed(self, answer: Any) -> Any:
        if isinstance(answer, dict):
            return {
                key: self.origin + held
                if key in _ADDRESSES and isinstance(held, str) and held.startswith("/")
                else self._placed(held)
                for key, held in answer.items()
            }
        return [self._placed(held) for held in answer] if isinstance(answer, list) else answer

    def _run(self, method: str, args: Args, token: str) -> Answer:
        if method == "api.test":
            return _api_test(args)
        if method == "apps.connections.open":
            return self._open_connection(token)
        if method not in METHODS:
            raise ApiError("unknown_method", method[:60], req_method=method)
        if not token:
            raise ApiError("not_authed")
        if token != self.tokens.bot:
            raise ApiError("not_allowed_token_type" if token == self.tokens.app else "invalid_auth")
        self._check_scope(METHODS[method].needs(self.workspace, args))
        return METHODS[method].handler(self.workspace, args)

    def _check_scope(self, needed: str) -> None:
        provided = self.workspace.team.scopes
        if needed and needed not in provided:
            raise ApiError("missing_scope", needed, needed=needed, provided=",".join(provided))

    def _open_connection(self, token: str) -> Answer:
        if not token:
            raise ApiError("not_authed")
        if token == self.tokens.bot:
            raise ApiError("not_allowed_token_type", f"an app-level token with {_APP_SCOPE} is needed")
        if token != self.tokens.app:
            raise ApiError("invalid_auth")
        origin = self.origin.replace("http://", "ws://")
        return {"url": f"{origin}/link/?ticket={self.new_ticket()}&app_id={self.workspace.team.app_id}"}


def _api_test(args: Args) -> Answer:
    if args.get("error"):
        raise ApiError(text_of(args, "error"), "asked for", args=dict(args))
    return {"args": dict(args)}


async def meet_fault(faults: Faults, request: web.Request, method: str) -> web.StreamResponse | None:
    """The answer of an injected fault instead of the real one, None without a fault."""
    if fault := faults.take(("delay",), method):
        await asyncio.sleep(fault.seconds)
    fault = faults.take(("ratelimited", "server_error", "lost_request"), method)
    return _faulty(request, fault) if fault else None


def _faulty(request: web.Request, fault: Fault) -> web.StreamResponse:
    if fault.kind == "ratelimited":
        headers = {"Retry-After": str(max(1, round(fault.seconds)))}
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
    if fault.kind == "server_error":
        return web.Response(status=503, text="upstream connect error or disconnect/reset before headers")
    return cut(request)


def cut(request: web.Request) -> web.StreamResponse:
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
    elif request.can_read_body:
        args |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    token = str(args.pop("token", "") or "")
    return args, bearer or token


_NAME = "response_url"


def respond(ws: Workspace, held: ResponseUrl, body: Args) -> None:
    """Apply one use of a response_url; raises ApiError. The next use can replace the posted message."""
    original = ws.find(held.channel, held.original) if held.original else None
    if is_true(body, "delete_original"):
        if original is not None:
            ws.change(original, deleted=True)
        return
    content = content_of(ws, body, _NAME)
    if is_true(body, "replace_original") and original is not None:
        ws.change(original, **content, edited_ts="" if original.only_for else ws.new_ts())
        return
    kind = text_of(body, "response_type") or "ephemeral"
    if kind not in {"ephemeral", "in_channel"}:
        ws.violate("invalid_response_type", f"{kind!r:.40}: it is ephemeral or in_channel", _NAME)
    only_for = "" if kind == "in_channel" else held.user
    thread_ts = text_of(body, "thread_ts") or held.thread_ts
    message = ws.add(Message(held.channel, "", ws.team.bot_user, only_for=only_for, thread_ts=thread_ts, **content))
    if not held.original:
        held.original = message.ts


@dataclass(slots=True)
class Responses:
    """Serves `/response/<key>`."""

    workspace: Workspace
    faults: Faults

    async def use(self, request: web.Request) -> web.StreamResponse:
        """Serve one use: "ok", or 404 `used_url`/`expired_url`, or 400 with the error."""
        early = await meet_fault(self.faults, request, _NAME)
        if early is not None:
            return early
        held, code = self.workspace.grants.use_response_url(request.match_info["key"])
        if held is None:
            self.workspace.violate(code, "a response_url is good for 5 uses within 30 minutes", _NAME)
            return web.json_response({"ok": False, "error": code}, status=HTTPStatus.NOT_FOUND)
        try:
            respond(self.workspace, held, await _body(request))
        except ApiError as error:
            if not isinstance(error, Unsupported):
                self.workspace.violate(error.code, error.detail or "a response_url was refused", _NAME)
            answer = {"ok": False, "error": error.code, **error.extra}
            return web.json_response(answer, status=HTTPStatus.BAD_REQUEST)
        return cut(request) if self.faults.take(("lost_reply",), _NAME) else web.Response(text="ok")


async def _body(request: web.Request) -> Args:
    try:
        body = await request.json()
    except ValueError as error:
        raise ApiError("invalid_payload", "a response is JSON") from error
    if not isinstance(body, dict):
        raise ApiError("invalid_payload", "a response is a JSON object")
    return body
