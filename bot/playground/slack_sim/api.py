"""The Web API over HTTP: tokens, scopes, faults, errors, and every error noted as a violation."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.playground.slack_sim.arguments import Answer, Args, text_of
from bot.playground.slack_sim.faults import Fault, Faults
from bot.playground.slack_sim.methods import METHODS
from bot.playground.slack_sim.refusal import ApiError
from bot.playground.slack_sim.workspace import Workspace

_ADDRESSES = frozenset({"permalink", "upload_url", "url_private", "url"})
_APP_SCOPE = "connections:write"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the app proves itself with."""

    bot: str
    app: str


@dataclass(slots=True)
class Api:
    """Serves `/api/<method>`; `origin` is known once the server listens, `new_ticket` lets a socket in."""

    workspace: Workspace
    faults: Faults
    tokens: Tokens
    new_ticket: Callable[[], str]
    origin: str = ""

    async def call(self, request: web.Request) -> web.StreamResponse:
        """One call of a method."""
        method = request.match_info["method"]
        early = await meet_fault(self.faults, request, method)
        if early is not None:
            return early
        told = await self._answer(request, method)
        if self.faults.take(("lost_reply",), method):
            return cut(request)
        scopes = self.workspace.team.scopes
        headers = {"X-OAuth-Scopes": ",".join(scopes), "X-Slack-Req-Id": self.workspace.new_id("R")}
        if method in METHODS and METHODS[method].scope:
            headers["X-Accepted-OAuth-Scopes"] = METHODS[method].scope.replace("{family}", "channels")
        return web.json_response(told, headers=headers)

    async def _answer(self, request: web.Request, method: str) -> Answer:
        try:
            args, token = await _arguments(request)
            kinds = ("error", "thread_error") if args.get("thread_ts") else ("error",)
            if fault := self.faults.take(kinds, method):
                return {"ok": False, "error": fault.code}
            return {"ok": True, **self._placed(self._run(method, args, token))}
        except ApiError as error:
            self.workspace.violate(error.code, error.detail or f"{method} answered {error.code}", method)
            return {"ok": False, "error": error.code, **error.extra}

    def _placed(self, told: Any) -> Any:
        if isinstance(told, dict):
            return {
                key: self.origin + held
                if key in _ADDRESSES and isinstance(held, str) and held.startswith("/")
                else self._placed(held)
                for key, held in told.items()
            }
        return [self._placed(held) for held in told] if isinstance(told, list) else told

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
    """The answer that an injected fault gives instead of the real one, if there is one."""
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
