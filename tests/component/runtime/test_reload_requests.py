"""Reloads that are refused, or cannot be done at this moment: what they leave, and when they are tried again."""

import socket
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.common.errors import ConfigError, UserError
from bot.config import Secrets, Settings, parse
from bot.runtime.app import build
from bot.runtime.handover import KeptOpen
from bot.runtime.parts import App
from bot.runtime.reload import Reloads

SECRETS = Secrets(slack_bot_token=SecretStr("xoxb-1-2"), slack_app_token=SecretStr("xapp-1-2"))
CONFIG = """
slack: {{api_url: "http://127.0.0.1:9/api/"}}
store: {{url: "sqlite:///{folder}/cmbot.db"}}
clusters: [{{name: prod, hosts: ["127.0.0.1:1"], alert_channel: C0STORAGE}}]
"""
BERLIN = "timezone: Europe/Berlin\n"


@dataclass
class World:
    """A program that is built and does not run, with the file of its settings."""

    folder: Path
    text: str
    handover: KeptOpen = field(default_factory=KeptOpen)

    def read(self) -> Settings:
        return parse(self.text, secrets=SECRETS, environment={})

    def __post_init__(self) -> None:
        self.reloads = Reloads(self.read(), self.read, self.handover)

    def sql(self, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / "cmbot.db")) as database, database:
            database.execute(statement)

    async def audited(self, app: App) -> list[str]:
        async with app.store.read() as uow:
            return [row.action for row in await uow.audit.range(limit=100)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, CONFIG.format(folder=tmp_path) + "http: {port: 0}\n")


@pytest.fixture
async def app(world: World) -> AsyncIterator[App]:
    with capture_logs():
        async with build(world.read(), reloads=world.reloads) as app:
            world.reloads.bind(app)
            yield app
    await world.handover.close()


async def ask_all(app: App) -> None:
    """Ask every replica to reload, as another one does."""
    async with app.store.begin() as uow:
        await uow.scheduled_runs.once("reload settings", time.time() + 1)


async def test_request_is_followed_once_the_database_takes_its_record(world: World, app: App) -> None:
    await ask_all(app)
    world.text += BERLIN
    world.sql(
        "CREATE TRIGGER down BEFORE INSERT ON audit WHEN NEW.action = 'settings.reloaded' "
        "BEGIN SELECT RAISE(ABORT, 'down'); END"
    )
    await world.reloads.follow()
    assert not world.reloads.accepted.is_set()
    world.sql("DROP TRIGGER down")
    await world.reloads.follow()
    assert world.reloads.accepted.is_set()
    assert world.reloads.settings.timezone == "Europe/Berlin"


async def test_request_is_followed_after_the_settings_that_are_being_taken_over(world: World, app: App) -> None:
    world.text += BERLIN
    await world.reloads.reload("SIGHUP")
    world.text = world.text.replace("Europe/Berlin", "Asia/Tokyo")
    await ask_all(app)
    await world.reloads.follow()
    assert world.reloads.settings.timezone == "Europe/Berlin"
    world.reloads.accepted.clear()
    await world.reloads.follow()
    assert world.reloads.settings.timezone == "Asia/Tokyo"


@pytest.mark.parametrize(
    "wrong", ["zebra: 1\n", f"http: {{port: 0, host: {'a' * 70}}}\n", "store: {url: 'sqlite:///'}\n"]
)
async def test_refused_settings_are_not_tried_again(world: World, app: App, wrong: str) -> None:
    await ask_all(app)
    good = world.text
    key = wrong.partition(":")[0]
    world.text = "".join(line for line in good.splitlines(keepends=True) if not line.startswith(key)) + wrong
    for _ in range(2):
        await world.reloads.follow()
    assert await world.audited(app) == ["settings.refused"]
    world.text = good + BERLIN
    await world.reloads.follow()
    assert not world.reloads.accepted.is_set(), "it waits for the next request"


async def test_address_of_refused_settings_is_released(world: World, app: App) -> None:
    """The address is bound before the other database is opened, which fails."""
    assert app.reloads is world.reloads
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    (world.folder / "file").touch()
    world.text = CONFIG.format(folder=world.folder / "file") + f"http: {{port: {port}}}\n"
    with pytest.raises(UserError, match="a part of the path is a file"):
        await world.reloads.reload("SIGHUP")
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))


async def test_host_that_cannot_be_used_is_named(world: World, app: App) -> None:
    assert app.reloads is world.reloads
    world.text = world.text.replace("port: 0", "port: 0, host: 192.0.2.1")
    with pytest.raises(UserError, match=r"http\.host: cannot listen on 192\.0\.2\.1:0") as refused:
        await world.reloads.reload("SIGHUP")
    assert isinstance(refused.value.__cause__, ConfigError)
