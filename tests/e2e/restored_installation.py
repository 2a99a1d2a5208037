"""Restore the installation of tests/fixtures/installation/ and run the present program on it."""

import asyncio
import contextlib
import fcntl
import gzip
import json
import os
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import certifi

from bot.playground.clustermgr_sim import SimulatedCluster, Timing
from bot.playground.slack_sim import views
from bot.playground.slack_sim.delivery import Ack
from bot.playground.slack_sim.errors import ERROR
from bot.playground.slack_sim.message import Message, View
from bot.playground.slack_sim.server import LocalSlack
from bot.playground.slack_sim.workspace import RESPONSE_SECONDS, ResponseUrl, Trigger

FIXTURES = Path(__file__).parents[1] / "fixtures" / "installation"
LOCK = Path("/tmp/cmbot-installation.lock")  # noqa: S108 - one for all checkouts on this machine
RECORDED_AT = 1_772_534_280.0
"""Unix seconds of the moment at which the installation was recorded."""
STARTED_AT = RECORDED_AT + 240.0
"""Start time of the present program: by then the recorded process counts as dead."""
BOT_TOKEN = "xoxb-local-installation"
"""The local workspace's token when it was recorded: it seals the forms."""
CLUSTER_SECRET = "s3cret"
PATIENCE = 60.0
SLACK_PORT, PAGES_PORT, NEW_NODE_PORT = 21100, 21120, 21106
PROD_PORTS, ARCHIVE_PORTS = (21101, 21102, 21103, 21104), (21111, 21112, 21113)
SECRETS = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": "xapp-1-local", "CMBOT_TOKEN_PROD": CLUSTER_SECRET}
QUICK = Timing(wait=1.0, election=60.0, refresh=0.2, catch_up=0.2, transfer=0.05)


def text_of(name: str) -> str:
    """A fixture's text, unpacked."""
    path = FIXTURES / name
    return gzip.decompress(path.read_bytes()).decode() if name.endswith(".gz") else path.read_text(encoding="utf-8")


def lines_of(name: str) -> list[dict[str, Any]]:
    """The JSON lines of a fixture."""
    return [json.loads(line) for line in text_of(name).splitlines()]


def recorded(table: str) -> list[dict[str, Any]]:
    """The recorded rows of a table."""
    return [line["row"] for line in lines_of("export.jsonl.gz") if line.get("table") == table]


def configured(folder: Path) -> Path:
    """Write the recorded settings; replace only file paths and the poll interval."""
    text = text_of("config.yaml").replace("sqlite:///cmbot.db", f"sqlite:///{folder}/cmbot.db")
    text = text.replace("ca_file: ca.pem", f"ca_file: {certifi.where()}").replace(
        "poll_interval: 2m", "poll_interval: 1s"
    )
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def restored(folder: Path) -> Path:
    """Restore the recorded database."""
    path = folder / "cmbot.db"
    database = sqlite3.connect(path)
    database.executescript(text_of("database.sql.gz"))
    database.close()
    path.chmod(0o600)
    return path


POSTS = {row["slot"]: row for row in recorded("posts")}
"""The recorded messages by their keys."""


async def cmbot(config: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run one command at the recorded time; return its exit status and output."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.e2e.program_at", str(STARTED_AT), *arguments, "--config", str(config)),
        env=os.environ | SECRETS | {"CMBOT_STORE_URL": "", "COLUMNS": "200"} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    return process.returncode or 0, (out + errors).decode()


@dataclass
class Moved:
    """The real clock, shifted so that it showed `start` at creation; the clusters and the workspace use it."""

    start: float
    began: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        """Unix seconds."""
        return self.start + time.monotonic() - self.began

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds."""
        await asyncio.sleep(seconds)


@dataclass
class Installation:
    """The recorded clusters and workspace, and the present program."""

    slack: LocalSlack
    clusters: Mapping[str, SimulatedCluster]
    folder: Path
    clock: Moved

    @property
    def log(self) -> list[dict[str, Any]]:
        """The program's log so far."""
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines() if line.startswith("{")]

    @asynccontextmanager
    async def bot(self) -> AsyncIterator[None]:
        """Run the program until the block ends; it ends in order."""
        with (self.folder / "log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.e2e.program_at", str(self.clock.now())),
                *("run", "--config", str(self.folder / "config.yaml")),
                env=os.environ | SECRETS | {"SLACK_APP_TOKEN": self.slack.app_token, "CMBOT_STORE_URL": ""},
                stderr=log,
            )
        try:
            await self.slack.wait_connected(timeout=60)
            await self._watches()
            yield
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
            await self.slack.wait_connected(connected=False)

    async def _watches(self) -> None:
        """Wait until both clusters are watched."""
        async with asyncio.timeout(60):
            while True:
                watches = json.loads(await self.page("readyz"))["watches"]
                if set(watches) == set(self.clusters):
                    return
                await asyncio.sleep(0.1)

    async def page(self, name: str) -> str:
        """Body of one of the program's pages."""
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{PAGES_PORT}/{name}") as answer:
            return await answer.text()

    async def deliver(self, kind: str, payload: Mapping[str, Any]) -> Ack:
        """Deliver a payload exactly as it was recorded, with the view that it comes from on its sender's screen."""
        ws, person = self.slack.workspace, payload.get("user")
        user = str(person["id"] if isinstance(person, Mapping) else payload.get("user_id", ""))
        if trigger := payload.get("trigger_id"):
            ws.grants.triggers[trigger] = Trigger(user, self.clock.now() + 60)
        if (held := payload.get("view")) and ws.view(held["id"]) is None:
            kept = ("type", "title", "blocks", "submit", "close", "callback_id", "private_metadata")
            ws.put_view(View(held["id"], user, {key: held[key] for key in kept if held.get(key)}, held["hash"]))
        ack = await self.slack.delivery.deliver(kind, payload)
        if payload.get("type") == "view_submission" and (view := ws.view(payload["view"]["id"])):
            views.after(ws, view, ack.payload)
        return ack

    def message(self, slot: str) -> Message:
        """The message that was posted under a key of the record, as it stands now."""
        row = POSTS[slot]
        found = self.slack.workspace.find(row["channel"], row["ts"])
        assert found is not None, f"{slot} was deleted"
        return found

    def writes(self) -> list[tuple[str, str, str]]:
        """Every changing request that the clusters received: (cluster, path, body)."""
        held = ((name, cluster.log.matching(method="POST")) for name, cluster in self.clusters.items())
        return [(name, seen.path, seen.body) for name, log in held for seen in log]

    async def until(self, wanted: Callable[[], Any], what: str) -> None:
        """Wait until the condition holds; an error shows the newest messages."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    if wanted():
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            last = "\n---\n".join(f"{m.channel} {m.action_ids()} {m.full_text[:400]}" for m in self.latest(4))
            raise AssertionError(f"not seen: {what}\nThe last messages are:\n{last}") from error

    def latest(self, number: int) -> list[Message]:
        """The newest messages."""
        return self.slack.workspace.messages[-number:]

    def ask(self, statement: str) -> list[Any]:
        """Query the database; return the first column of each row."""
        with contextlib.closing(sqlite3.connect(self.folder / "cmbot.db")) as database:
            return [row[0] for row in database.execute(statement)]


@asynccontextmanager
async def installation(folder: Path, *, later: float = 0.0) -> AsyncIterator[Installation]:
    """The recorded installation, `later` seconds after the record. The program is not running yet."""
    clock, states = Moved(STARTED_AT + later), json.loads(text_of("clusters.json"))
    restored(folder)
    configured(folder)
    with _ports():
        prod, archive = (
            SimulatedCluster(
                flavour=flavour,
                nodes=len(ports),
                ports=ports,
                timing=QUICK,
                clock=clock,
                secret=secret,
                **{key: states[name][key] for key in ("leader", "term", "commit")},
            )
            for name, flavour, ports, secret in (
                ("prod", "master", PROD_PORTS, CLUSTER_SECRET),
                ("archive", "v1", ARCHIVE_PORTS, ""),
            )
        )
        slack = LocalSlack(port=SLACK_PORT, bot_token=BOT_TOKEN, clock=clock.now)
        async with prod, archive, slack:
            assert slack.api_url == f"http://127.0.0.1:{SLACK_PORT}/api/", "the port of the recorded workspace is taken"
            world = Installation(slack, {"prod": prod, "archive": archive}, folder, clock)
            await _as_recorded(world, states)
            yield world
            # Work that was accepted long ago is answered at an address that Slack has closed meanwhile.
            slack.assert_no_violations(allow=(ERROR, "expired_url") if later else (ERROR,))


async def _as_recorded(world: Installation, states: Mapping[str, Any]) -> None:
    """Set the clusters and the workspace to the recorded state."""
    await world.clusters["prod"].add_node(6, port=NEW_NODE_PORT)
    world.clusters["archive"].set_allocatable(2)
    for name, cluster in world.clusters.items():
        for disk in states[name]["broken"]:
            cluster.break_disk(disk)
        for disk in states[name]["expired"]:
            cluster.expire_disk(disk)
        for key in set(cluster.data.kv) | set(states[name]["switches"]):
            cluster.set_switch(key, states[name]["switches"].get(key))
        cluster.recount()
    grants = json.loads(text_of("passes.json"))
    until = RECORDED_AT + RESPONSE_SECONDS
    world.slack.workspace.grants.response_urls |= {
        key: ResponseUrl(until=until, **place) for key, place in grants.items()
    }
    for held in lines_of("messages.jsonl.gz"):
        world.slack.workspace.add(Message(**(held | {"blocks": tuple(held.get("blocks", ())), "files": ()})))


@contextmanager
def _ports() -> Iterator[None]:
    """Wait for the ports of the record: one installation at a time on this machine."""
    with LOCK.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
