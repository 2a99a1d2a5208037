"""Signals to `cmbot run`: it stops in order and in time even while Slack hangs, and SIGHUP reloads it."""

import asyncio
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

DOCKER_SECONDS = 10.0
"""Seconds after which Docker kills a process."""


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[tuple[Started, LocalSlack]]:
    async with SimulatedCluster(timing=QUICK) as cluster, LocalSlack() as slack:
        config, port = settings(folder, slack, list(cluster.hosts))
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        async with started(folder, config, port, **tokens) as run:
            await slack.wait_connected(timeout=30)
            await run.until("/metrics", 'cmbot_last_tick_time{cluster="prod"}')
            yield run, slack


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
async def test_stop_while_slack_hangs_is_orderly_and_in_time(tmp_path: Path, which: signal.Signals) -> None:
    async with connected(tmp_path) as (run, slack):
        slack.faults.inject("delay", count=1000, seconds=60.0)
        for line in ("/cm stat", "/cm members", "/cm disks", "/cm silence peer_down for=1h"):
            await slack.as_user("U0ALICE").command("C0STORAGE", line)
        run.process.send_signal(which)
        assert await asyncio.wait_for(run.process.wait(), DOCKER_SECONDS) == 0
    assert "Traceback" not in run.stderr.read_text()
    assert not (tmp_path / "cmbot.db-wal").exists()


async def test_hangup_reloads_the_process(tmp_path: Path) -> None:
    async with connected(tmp_path) as (run, _):
        config = tmp_path / "config.yaml"
        config.write_text(f"{config.read_text()}timezone: Europe/Berlin\n")
        run.process.send_signal(signal.SIGHUP)
        while "reload.done" not in run.stderr.read_text():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.1)
        assert "timezone: UTC → Europe/Berlin" in run.stderr.read_text()
        await run.until("/metrics", 'cmbot_last_tick_time{cluster="prod"}')
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
        assert await asyncio.wait_for(run.process.wait(), DOCKER_SECONDS) == 130


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
            assert await asyncio.wait_for(run.process.wait(), DOCKER_SECONDS) == 0
        assert "Traceback" not in run.stderr.read_text()
