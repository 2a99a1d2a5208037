"""HTTP interface for actions, faults, uploads and downloads; each body is validated first."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.playground.slack_sim.acting import Actor
from bot.playground.slack_sim.delivery import Ack
from bot.playground.slack_sim.errors import ActRefused
from bot.playground.slack_sim.faults import KINDS, FaultRefused, Faults
from bot.playground.slack_sim.workspace import Workspace

_Chosen = str | dict[str, Any] | list[str | dict[str, Any]] | None


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _ByUser(_Body):
    user: str = Field(max_length=50)


class _Text(_ByUser):
    channel: str = Field(max_length=80)
    text: str = Field(max_length=20_000)
    thread_ts: str | None = Field(None, max_length=40)


class _Shortcut(_ByUser):
    channel: str = Field(max_length=80)
    ts: str = Field(max_length=40)
    callback_id: str = Field(max_length=255)


class _Click(_ByUser):
    action_id: str = Field(max_length=255)
    block_id: str | None = Field(None, max_length=255)
    channel: str | None = Field(None, max_length=80)
    ts: str | None = Field(None, max_length=40)
    view_id: str | None = Field(None, max_length=40)
    values: dict[str, dict[str, Any]] | None = None
    value: _Chosen = None
    selected_option: _Chosen = None
    confirmed: bool = False


class _View(_ByUser):
    view_id: str = Field(max_length=40)
    action: Literal["submit", "close"] = "submit"
    values: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)


class _Fault(_Body):
    kind: str = Field(max_length=40)
    count: int = 1
    method: str = Field("", max_length=60)
    seconds: float = 1.0
    code: str = Field("internal_error", max_length=60)


B = TypeVar("B", bound=_Body)


async def _body(request: web.Request, model: type[B]) -> B:
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        where = ".".join(map(str, found["loc"])) or "the body"
        raise ActRefused("invalid_body", f"{where}: {found['msg']}") from error


@dataclass(slots=True)
class Control:
    """Serves the acting half of `/play/`, `/control/faults`, `/control/violations` and `/upload/<file>`."""

    workspace: Workspace
    faults: Faults
    as_user: Callable[[str], Actor]

    def routes(self) -> list[web.RouteDef]:
        """The routes to mount."""
        return [
            web.post("/play/home", self._open_home),
            web.post("/play/command", self._command),
            web.post("/play/post", self._post),
            web.post("/play/click", self._click),
            web.post("/play/shortcut", self._shortcut),
            web.post("/play/view", self._view),
            web.get("/control/faults", self._list),
            web.post("/control/faults", self._inject),
            web.delete("/control/faults", self._clear),
            web.delete("/control/violations", self._forget),
            web.post("/upload/{id}", self._upload),
            web.get("/upload/{id}", self._download),
        ]

    async def _open_home(self, request: web.Request) -> web.StreamResponse:
        asked = await _body(request, _ByUser)
        return _ack_response(await self.as_user(asked.user).open_home())

    async def _command(self, request: web.Request) -> web.StreamResponse:
        asked = await _body(request, _Text)
        in_thread = bool(asked.thread_ts)
        return _ack_response(await self.as_user(asked.user).command(asked.channel, asked.text, in_thread=in_thread))

    async def _post(self, request: web.Request) -> web.StreamResponse:
        asked = await _body(request, _Text)
        return _ack_response(
            await self.as_user(asked.user).mention(asked.channel, asked.text, thread_ts=asked.thread_ts or "")
        )

    async def _click(self, request: web.Request) -> web.StreamResponse:
        asked = await _body(request, _Click)
        return _ack_response(await _clicked(self.as_user(asked.user), asked))

    async def _shortcut(self, request: web.Request) -> web.StreamResponse:
        asked = await _body(request, _Shortcut)
        return _ack_response(await self.as_user(asked.user).shortcut(asked.channel, asked.ts, asked.callback_id))

    async def _view(self, request: web.Request) -> web.StreamResponse:
        asked = await _body(request, _View)
        actor = self.as_user(asked.user)
        if asked.action == "close":
            return _ack_response(await actor.close_view(asked.view_id))
        return _ack_response(await actor.submit_view(asked.view_id, asked.values))

    async def _list(self, _request: web.Request) -> web.StreamResponse:
        pending = [asdict(fault) for fault in self.faults.pending]
        return web.json_response({"ok": True, "kinds": KINDS, "faults": pending})

    async def _inject(self, request: web.Request) -> web.StreamResponse:
        how = (await _body(request, _Fault)).model_dump()
        try:
            self.faults.inject(how.pop("kind"), **how)
        except FaultRefused as error:
            raise ActRefused("invalid_fault", str(error)) from error
        return self._changed()

    async def _clear(self, _request: web.Request) -> web.StreamResponse:
        self.faults.clear()
        return self._changed()

    async def _forget(self, _request: web.Request) -> web.StreamResponse:
        self.workspace.violations.clear()
        return self._changed()

    def _changed(self) -> web.StreamResponse:
        self.workspace.notify({"type": "state"})
        return web.json_response({"ok": True})

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        held = self._held(request)
        held["content"] = await _uploaded(request)
        return web.Response(text=f"OK - {len(held['content'])}")

    async def _download(self, request: web.Request) -> web.StreamResponse:
        held = self._held(request)
        return web.Response(body=held["content"] or b"", content_type="text/plain", charset="utf-8")

    def _held(self, request: web.Request) -> dict[str, Any]:
        held = self.workspace.files.get(request.match_info["id"])
        if held is None:
            raise web.HTTPNotFound
        return held


async def _clicked(actor: Actor, asked: _Click) -> Ack:
    value = asked.selected_option if asked.selected_option is not None else asked.value
    how: dict[str, Any] = {"value": value, "confirmed": asked.confirmed}
    if asked.ts:
        return await actor.click(asked.channel or "", asked.ts, asked.action_id, block_id=asked.block_id or "", **how)
    if asked.view_id and (modal := actor.workspace.modal(actor.user.id)) and modal.id == asked.view_id:
        return await actor.click_view(asked.action_id, state=asked.values, **how)
    return await actor.click_home(asked.action_id, block_id=asked.block_id or "", **how)


async def _uploaded(request: web.Request) -> bytes:
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    fields = list((await request.post()).values())
    first = fields[0] if fields else ""
    if isinstance(first, web.FileField):
        return first.file.read()
    return first.encode() if isinstance(first, str) else bytes(first)


def _ack_response(ack: Ack) -> web.Response:
    ok = not ack.error and not ack.errors
    return web.json_response({"ok": ok, "error": ack.error, "errors": dict(ack.errors)})
