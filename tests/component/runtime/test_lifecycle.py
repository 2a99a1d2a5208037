"""The life of the program: start order, stop order, and a part that ends by itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from bot.common.errors import ConfigError
from bot.config import Secrets, Settings, parse
from bot.delivery.worker import Outbox
from bot.runtime import lifecycle
from bot.runtime.app import build
from bot.runtime.lifecycle import running
from bot.runtime.scheduler import Scheduler
from bot.runtime.shutdown import Shutdown

CONFIG = """
slack: {{api_url: "http://127.0.0.1:9/api/"}}
http: {{port: 0}}
store: {{url: "sqlite:///{folder}/cmbot.db"}}
clusters: [{{name: prod, hosts: ["127.0.0.1:1"], alert_channel: C0STORAGE}}]
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    secrets = Secrets(
        slack_bot_token=SecretStr("xoxb-1-2"), slack_app_token=SecretStr("xapp-1-2"), cmbot_store_url=SecretStr("")
    )
    return parse(CONFIG.format(folder=tmp_path), secrets=secrets, environment={})


async def test_parts_stop_in_the_opposite_order_of_their_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    stopped: list[str] = []

    class Recorder(Shutdown):
        @asynccontextmanager
        async def step_after(
            self, name: str, seconds: float, work: Callable[[], Awaitable[object]]
        ) -> AsyncIterator[None]:
            started.append(name)
            async with Shutdown.step_after(self, name, seconds, work):
                yield
            stopped.append(name)

    monkeypatch.setattr(lifecycle, "Shutdown", Recorder)
    async with build(settings) as app, running(app):
        assert app.state.started.is_set()
        assert app.port
    assert started == stopped[::-1]
    assert stopped == [
        "standing",
        "socket",
        "schedule",
        "release",
        "drain",
        "outbox",
        "announce shutdown",
        "last messages",
        "membership",
        "leave",
        "lag",
    ]


async def test_stop_begins_no_poll_and_waits_for_none_that_could_be_saved_now(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[tuple[bool, bool]] = []
    stop = Scheduler.stop

    async def noted(scheduler: Scheduler) -> None:
        closed.append((app.admission.closed, app.state_saver.closed))
        await stop(scheduler)

    monkeypatch.setattr(Scheduler, "stop", noted)
    async with build(settings) as app:
        assert {watcher._saver for watcher in app.watches.values()} == {app.state_saver}
        async with running(app):
            assert (app.admission.closed, app.state_saver.closed) == (False, False)
    assert closed == [(True, True)]


async def test_part_that_ends_by_itself_fails_both_pages_that_ask_for_a_restart(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: Outbox) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(Outbox, "run", fail)
    async with build(settings) as app, running(app), aiohttp.ClientSession() as session:
        async with asyncio.timeout(20):
            while not app.state.ended_parts:  # noqa: ASYNC110 - a callback of the task appends to it
                await asyncio.sleep(0.01)
        for page in ("livez", "healthz"):
            async with session.get(f"http://127.0.0.1:{app.port}/{page}") as answer:
                assert answer.status == 503
                assert (await answer.json())["checks"]["parts"] == "restart cmbot: outbox ended unexpectedly"


async def test_unusable_port_starts_nothing(settings: Settings) -> None:
    async with build(settings) as first, running(first):
        taken = settings.model_copy(update={"http": settings.http.model_copy(update={"port": first.port})})
        async with build(taken) as second:
            with pytest.raises(ConfigError, match=r"http\.port: cannot listen on"):
                async with running(second):
                    raise AssertionError("it must not start")
            assert not second.state.started.is_set()


async def test_polls_wait_while_an_alert_is_written(settings: Settings) -> None:
    async with build(settings) as app:
        async with app.store.grouped():
            assert not app.admission.alerting()
        async with app.store.grouped(urgent=True):
            assert app.admission.alerting()
        assert not app.admission.alerting()
