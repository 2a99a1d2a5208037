"""The addresses at which an interaction is answered: `response_url`, used five times within thirty minutes."""

from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from bot.playground.slack_sim.api import cut, meet_fault
from bot.playground.slack_sim.arguments import Args, is_true, text_of
from bot.playground.slack_sim.content import content_of
from bot.playground.slack_sim.faults import Faults
from bot.playground.slack_sim.message import Message
from bot.playground.slack_sim.passes import ResponseUrl
from bot.playground.slack_sim.refusal import ApiError
from bot.playground.slack_sim.workspace import Workspace

_NAME = "response_url"


def respond(ws: Workspace, held: ResponseUrl, body: Args) -> None:
    """Carry out one use of a response_url; raises ApiError. What it posts can be replaced by its next use."""
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
        """One use: "ok", or 404 `used_url`/`expired_url`, or 400 with the error."""
        early = await meet_fault(self.faults, request, _NAME)
        if early is not None:
            return early
        held, code = self.workspace.passes.use_response_url(request.match_info["key"])
        if held is None:
            self.workspace.violate(code, "a response_url is good for 5 uses within 30 minutes", _NAME)
            return web.json_response({"ok": False, "error": code}, status=HTTPStatus.NOT_FOUND)
        try:
            respond(self.workspace, held, await _body(request))
        except ApiError as error:
            self.workspace.violate(error.code, error.detail or "a response_url was refused", _NAME)
            told = {"ok": False, "error": error.code, **error.extra}
            return web.json_response(told, status=HTTPStatus.BAD_REQUEST)
        return cut(request) if self.faults.take(("lost_reply",), _NAME) else web.Response(text="ok")


async def _body(request: web.Request) -> Args:
    try:
        body = await request.json()
    except ValueError as error:
        raise ApiError("invalid_payload", "a response is JSON") from error
    if not isinstance(body, dict):
        raise ApiError("invalid_payload", "a response is a JSON object")
    return body
