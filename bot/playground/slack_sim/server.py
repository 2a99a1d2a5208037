"""LocalSlack: the workspace as a server on loopback, with ways to act in it and to wait for the result."""

import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from bot.playground.slack_sim.acting import ActError, Actor
from bot.playground.slack_sim.api import Api, Responses, Tokens
from bot.playground.slack_sim.control import Control
from bot.playground.slack_sim.delivery import Delivery, Sockets
from bot.playground.slack_sim.errors import ERROR, ActRefused
from bot.playground.slack_sim.faults import Faults
from bot.playground.slack_sim.message import Message, View
from bot.playground.slack_sim.page import Page
from bot.playground.slack_sim.team import DEMO_TEAM, Team
from bot.playground.slack_sim.workspace import Workspace

POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
MARK = "X-Playground"
"""The header (value 1) of every action: a foreign page cannot send it without a CORS permission."""
_GUARDED = ("/play/", "/control/")
_SAFE = frozenset({"GET", "HEAD"})
_NAMES = frozenset({"127.0.0.1", "localhost"})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def refusal(host: str, path: str, method: str, headers: Mapping[str, str]) -> str:
    """The reason to refuse a request, "" if allowed. Host shows DNS rebinding, other headers show foreign sites."""
    if host.rpartition(":")[0] not in _NAMES and host not in _NAMES:
        return "wrong_host"
    if not path.startswith(_GUARDED):
        return ""
    if headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
        return "cross_site"
    if headers.get("Origin", f"http://{host}") != f"http://{host}":
        return "cross_site"
    return "cross_site" if method not in _SAFE and headers.get(MARK) != "1" else ""


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse foreign requests; answer a refused action as JSON."""
    why = refusal(request.headers.get("Host", ""), request.path, request.method, request.headers)
    if why:
        return web.json_response({"ok": False, "error": why}, status=HTTPStatus.FORBIDDEN)
    try:
        return await handler(request)
    except ActRefused as error:
        body = {"ok": False, "error": error.code, "message": str(error)}
        confirm = error.confirm if isinstance(error, ActError) else None
        return web.json_response(body | ({"confirm": confirm} if confirm else {}))


async def harden(_request: web.Request, response: web.StreamResponse) -> None:
    """Add the protective headers to an answer."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"


_MAX_BODY = 4 << 20
_LOOPBACK = "127.0.0.1"


class LocalSlack:
    """A Slack workspace at `page_url` whose app talks to `api_url`; an async context manager.

    Payloads go to `request_url` while the app has no socket. `extra_routes` are mounted beside the page; those under
    `/control/` have its protection. `clock` returns Unix seconds; `ack_seconds` and `retry_delays` (the pauses
    before the retries of an event) are real seconds.
    """

    def __init__(
        self,
        *,
        team: Team = DEMO_TEAM,
        port: int = 0,
        extra_routes: Iterable[web.AbstractRouteDef] = (),
        panel: bool = False,
        request_url: str | None = None,
        bot_token: str = "",
        clock: Callable[[], float] = time.time,
        ack_seconds: float = 3.0,
        retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0),
        faults: Faults | None = None,
    ) -> None:
        self.bot_token = bot_token or f"xoxb-local-{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-local-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self.workspace = Workspace(team, clock)
        self.faults = faults or Faults()
        links = Sockets(self.workspace, self.faults)
        self.delivery = Delivery(
            self.workspace, self.faults, links, self.signing_secret, request_url or "", ack_seconds, retry_delays
        )
        tokens = Tokens(self.bot_token, self.app_token)
        self._api = Api(self.workspace, self.faults, tokens, links.new_ticket)
        self._port = port
        self._routes = [
            web.route("*", "/api/{method}", self._api.call),
            web.get("/link/", links.serve),
            web.post("/response/{key}", Responses(self.workspace, self.faults).use),
            *extra_routes,
            *Page(self.workspace, self.delivery, self.faults, self.as_user, panel).routes(),
            *Control(self.workspace, self.faults, self.as_user).routes(),
        ]
        self._stack = AsyncExitStack()

    def rotate_tokens(self) -> None:
        """Replace both tokens; the old ones are rejected from now on, and open connections stay."""
        self.bot_token = f"xoxb-local-{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-local-{secrets.token_hex(12)}"
        self._api.tokens = Tokens(self.bot_token, self.app_token)

    @property
    def api_url(self) -> str:
        """The Web API's base address, with its closing slash."""
        return f"{self._api.origin}/api/"

    @property
    def page_url(self) -> str:
        """The address of the page."""
        return f"{self._api.origin}/"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_MAX_BODY, middlewares=[guard])
        app.on_response_prepare.append(harden)
        app.add_routes(self._routes)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        self._stack.push_async_callback(self.delivery.close)
        try:
            await web.TCPSite(runner, _LOOPBACK, self._port).start()
        except OSError:
            # The requested port is in use: take any free one.
            await web.TCPSite(runner, _LOOPBACK, 0).start()
        address: Any = runner.addresses[0]
        self._api.origin = f"http://{_LOOPBACK}:{address[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def as_user(self, user: str) -> Actor:
        """The person of that id or name; raises ActRefused for an unknown one."""
        held = self.workspace.team.user(user)
        if held is None:
            raise ActRefused("user_not_found", f"there is no {user!r:.60} here")
        return Actor(self.workspace, self.delivery, self._api.origin, held)

    async def wait_connected(self, *, connected: bool = True, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - as in wait_for
        """Wait until the app is connected, or disconnected; raises TimeoutError."""
        await self.workspace.wait_until(lambda: self.delivery.connected is connected or None, timeout)

    async def wait_for(
        self,
        channel: str,
        wanted: Callable[[Message], bool],
        *,
        user: str = "",
        timeout: float = 10.0,  # noqa: ASYNC109 - the error shows it
    ) -> Message:
        """Wait for a matching message in a channel, new or edited, and return the newest one.

        With `user`, messages to that person alone count too. Raises TimeoutError that lists the last messages.
        """

        def look() -> Message | None:
            return next((m for m in reversed(self.workspace.visible(channel, user)) if wanted(m)), None)

        try:
            return await self.workspace.wait_until(look, timeout)
        except TimeoutError as error:
            there = "\n---\n".join(m.full_text for m in self.workspace.visible(channel, user)[-5:])
            raise TimeoutError(f"no such message in {channel} within {timeout:g} s; the last ones:\n{there}") from error

    async def wait_for_view(
        self,
        wanted: Callable[[View], bool],
        *,
        user: str,
        home: bool = False,
        timeout: float = 10.0,  # noqa: ASYNC109 - as above
    ) -> View:
        """Wait for a matching modal (or Home tab) of a person; TimeoutError shows the present one."""
        ws = self.workspace

        def there() -> View | None:
            return ws.homes.get(user) if home else ws.modal(user)

        def look() -> View | None:
            view = there()
            return view if view is not None and wanted(view) else None

        try:
            return await ws.wait_until(look, timeout)
        except TimeoutError as error:
            view = there()
            body = view.full_text if view else "none"
            raise TimeoutError(f"{user} sees no such view within {timeout:g} s, but:\n{body}") from error

    def assert_no_violations(self, *, allow: Collection[str] = (ERROR,)) -> None:
        """Raise AssertionError naming every rule that the app broke; see Workspace.assert_no_violations."""
        self.workspace.assert_no_violations(allow)
