"""Signals to `cmbot run`: it stops in order and in time even while Slack hangs, and SIGHUP reloads it."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.playground.clustermgr_sim import SimulatedCluster
from bot.playground.slack_sim.server import LocalSlack
from tests.e2e.conftest import QUICK
from tests.support.started_program import Started, settings, started

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
END_SECONDS = 8.0
"""Seconds within which a process ends after a signal, even if Slack hangs; Docker kills it after ten."""
HANGING_NAMES = """
import socket, time

def hang(host, *_, **__):
    time.sleep(600)

socket.getaddrinfo = hang
"""
"""The search for every name hangs, as with a name server that does not answer."""


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[tuple[Started, LocalSlack]]:
    async with SimulatedCluster(timing=QUICK) as cluster, LocalSlack() as slack:
        config, port = settings(folder, slack, list(cluster.hosts))
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        async with started(folder, config, port, **tokens) as run:
            await slack.wait_connected(timeout=60)
            await run.until("/metrics", 'cmbot_poll_last_timestamp_seconds{cluster="prod"}')
            yield run, slack


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
async def test_stop_while_slack_hangs_is_orderly_and_in_time(tmp_path: Path, which: signal.Signals) -> None:
    async with connected(tmp_path) as (run, slack):
        slack.faults.inject("delay", count=1000, seconds=60.0)
        for line in ("/cm stat", "/cm members", "/cm disks", "/cm silence peer_down for=1h"):
            await slack.as_user("U0ALICE").command("C0STORAGE", line)
        run.process.send_signal(which)
        assert await asyncio.wait_for(run.process.wait(), END_SECONDS) == 0
    assert "Traceback" not in run.stderr.read_text()
    assert not (tmp_path / "cmbot.db-wal").exists()


async def test_hangup_reloads_the_process(tmp_path: Path) -> None:
    async with connected(tmp_path) as (run, _):
        config = tmp_path / "config.yaml"
        config.write_text(f"{config.read_text()}timezone: Europe/Berlin\n")
        run.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(60):
            while "reload.done" not in run.stderr.read_text():  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.1)
        lines = [json.loads(line) for line in run.stderr.read_text().splitlines()]
        [accepted] = [line for line in lines if line["event"] == "reload.accepted"]
        assert accepted["changes"] == ["timezone: UTC → Europe/Berlin"]
        await run.until("/metrics", 'cmbot_poll_last_timestamp_seconds{cluster="prod"}')
        assert (await run.checks())["watch"] == "ok"
        assert run.process.returncode is None


async def test_second_interrupt_stops_at_once(tmp_path: Path) -> None:
    async with connected(tmp_path) as (run, slack):
        slack.faults.inject("delay", count=1000, seconds=60.0)
        for line in ("/cm stat", "/cm members"):
            await slack.as_user("U0ALICE").command("C0STORAGE", line)
        run.process.send_signal(signal.SIGINT)
        while "signal.ending" not in run.stderr.read_text():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)
        run.process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(run.process.wait(), END_SECONDS) == 130


async def test_stop_while_waiting_for_the_database_is_orderly(tmp_path: Path) -> None:
    async with LocalSlack() as slack:
        config, port = settings(tmp_path, slack, ["127.0.0.1:1"])
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        url = "postgresql://cmbot@127.0.0.1:9/cmbot"
        async with started(tmp_path, config, port, **tokens, CMBOT_STORE_URL=url) as run:
            while "waiting_for_the_database" not in run.stderr.read_text():  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.1)
            run.process.send_signal(signal.SIGHUP)
            run.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(run.process.wait(), END_SECONDS) == 0
        assert "Traceback" not in run.stderr.read_text()


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """A port at which connections are taken and nothing is ever answered."""

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])
        server.close()


@pytest.mark.parametrize("names_hang", [False, True])
async def test_stop_while_slack_never_answered(tmp_path: Path, names_hang: bool) -> None:
    """Neither a server that takes connections and is silent, nor a name server that is silent, delays the end."""
    (tmp_path / "sitecustomize.py").write_text(HANGING_NAMES)
    async with silent_server() as silent, LocalSlack() as slack, SimulatedCluster(timing=QUICK) as cluster:
        address = "http://slack.example.com/api/" if names_hang else f"http://127.0.0.1:{silent}/api/"
        config, port = settings(tmp_path, slack, list(cluster.hosts), api=address)
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        path = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"} if names_hang else {}
        async with started(tmp_path, config, port, **tokens, **path) as run:
            assert (await run.page("/livez"))[0] == 200
            await run.until("/metrics", 'cmbot_poll_last_timestamp_seconds{cluster="prod"}')
            run.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(run.process.wait(), END_SECONDS) == 0
    written = run.stderr.read_text()
    assert "signal.ending" in written
    assert "Traceback" not in written
    assert ('"step": "threads"' in written) is names_hang, written
