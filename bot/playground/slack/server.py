"""LocalSlack: the workspace as a server on loopback, with a way to act in it and to wait for what comes of it."""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from bot.playground.slack.acting import Actor
from bot.playground.slack.api import Api
from bot.playground.slack.delivery import Delivery
from bot.playground.slack.faults import Faults
from bot.playground.slack.page import Page, guard, refusals
from bot.playground.slack.parts import Parts
from bot.playground.slack.team import DEMO_TEAM, Team
from bot.playground.slack.workspace import Message, Violation, Workspace

_MOST_BODY = 4 << 20


class LocalSlack:
    """A Slack workspace at `page_url` whose app talks to `api_url`; an async context manager.

    `request_url` is where payloads go while the app has no socket. `extra_routes` are mounted beside the page.
    """

    def __init__(
        self,
        *,
        team: Team = DEMO_TEAM,
        port: int = 0,
        extra_routes: Iterable[web.AbstractRouteDef] = (),
        panel: bool = False,
        request_url: str | None = None,
        clock: Callable[[], float] = time.time,
        ack_seconds: float = 3.0,
    ) -> None:
        self.bot_token = f"xoxb-local-{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-local-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self.workspace = Workspace(team, clock)
        self.faults = Faults()
        self.delivery = Delivery(self.workspace, self.faults, self.signing_secret, request_url, ack_seconds)
        self._api = Api(self.workspace, self.faults, self.delivery, self.bot_token, self.app_token)
        self.parts = Parts(self.workspace, self.faults, self.delivery, self._api)
        self._port = port
        self._routes = [*extra_routes, *Page(self.parts, panel, {}).routes()]
        self._stack = AsyncExitStack()

    @property
    def api_url(self) -> str:
        """The Web API's base address."""
        return f"{self._api.origin}/api/"

    @property
    def page_url(self) -> str:
        """The address of the page."""
        return f"{self._api.origin}/"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_MOST_BODY, middlewares=[guard, refusals])
        app.add_routes(
            [
                web.route("*", "/api/{method}", self._api.call),
                web.get("/link/", self.delivery.connect),
                web.post("/response/{key}", self._api.respond),
                *self._routes,
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", self._port)
        try:
            await site.start()
        except OSError:
            # The port somebody wished for is taken: any free one serves as well.
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
        address: Any = runner.addresses[0]
        self._api.origin = f"http://127.0.0.1:{address[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.delivery.disconnect()
        await self._stack.aclose()

    def as_user(self, user_id: str) -> Actor:
        """The person of that id at their screen; raises KeyError when there is none."""
        user = self.workspace.team.user(user_id)
        if user is None:
            raise KeyError(user_id)
        return Actor(self.parts, user)

    async def wait_connected(self, *, timeout: float = 10.0) -> None:  # noqa: ASYNC109 - as in wait_for
        """Wait until the app would get what a person does; raises TimeoutError."""
        changed = asyncio.Event()

        def observe(_event: object) -> None:
            changed.set()

        self.workspace.observers.add(observe)
        try:
            async with asyncio.timeout(timeout):
                while not self.delivery.connected:
                    changed.clear()
                    await changed.wait()
        finally:
            self.workspace.observers.discard(observe)

    async def wait_for(
        self,
        channel: str,
        wanted: Callable[[Message], bool],
        *,
        user: str = "",
        timeout: float = 10.0,  # noqa: ASYNC109 - how long a person would wait, told in the error
    ) -> Message:
        """The newest message of a channel that is as wanted, waiting for it to come or to be edited so.

        With `user`, what only that person sees counts as well. Raises TimeoutError that tells what was there instead.
        """
        changed = asyncio.Event()
        observers = self.workspace.observers

        def observe(_event: object) -> None:
            changed.set()

        observers.add(observe)
        try:
            async with asyncio.timeout(timeout):
                while True:
                    changed.clear()
                    found = [m for m in self.workspace.visible(channel, user) if wanted(m)]
                    if found:
                        return found[-1]
                    await changed.wait()
        except TimeoutError as error:
            there = "\n---\n".join(m.full_text for m in self.workspace.visible(channel, user)[-5:])
            raise TimeoutError(f"no such message in {channel} within {timeout:g} s; the last ones:\n{there}") from error
        finally:
            observers.discard(observe)

    def assert_no_violations(self, *, allow: tuple[str, ...] = ()) -> None:
        """Raise AssertionError naming every rule that the app broke, unless allowed."""
        broken: list[Violation] = [each for each in self.workspace.violations if each.rule not in allow]
        if broken:
            told = "\n".join(f"{each.rule}: {each.detail}" for each in broken)
            raise AssertionError(f"the app broke rules of the platform:\n{told}")
