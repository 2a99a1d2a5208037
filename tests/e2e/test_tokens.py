"""`cmbot run` with wrong tokens: refused if the form is wrong, not ready if Slack rejects them."""

from pathlib import Path

import pytest

from bot.playground.clustermgr_sim import SimulatedCluster
from bot.playground.slack_sim.server import LocalSlack
from tests.e2e.conftest import QUICK
from tests.e2e.test_check import cmbot
from tests.support.started_program import settings, started

pytestmark = pytest.mark.system


@pytest.mark.parametrize(
    ("bot", "app", "signing", "words"),
    [
        ("xapp-1-swapped", "xoxb-swapped", "", "SLACK_BOT_TOKEN takes the token that begins with xoxb-"),
        ("xoxb-…", "xapp-…", "", "SLACK_APP_TOKEN is a placeholder"),
        ("", "xapp-1-2", "", "SLACK_BOT_TOKEN is not set"),
        ("xoxb-1-2", "", "", "neither an app token nor a signing secret is set"),
        ("xoxb-1-2", "", "<secret>", "SLACK_SIGNING_SECRET is a placeholder"),
    ],
)
async def test_run_with_faulty_tokens_is_refused(tmp_path: Path, bot: str, app: str, signing: str, words: str) -> None:
    async with LocalSlack() as slack:
        config, _ = settings(tmp_path, slack, ["127.0.0.1:1"])
        tokens = {"SLACK_BOT_TOKEN": bot, "SLACK_APP_TOKEN": app, "SLACK_SIGNING_SECRET": signing}
        status, out = await cmbot("run", "--config", config, **tokens)
    assert status == 1
    assert words in out
    assert not (tmp_path / "cmbot.db").exists()


@pytest.mark.parametrize("rejected", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
async def test_run_with_a_rejected_token_polls_and_is_not_ready(tmp_path: Path, rejected: str) -> None:
    async with SimulatedCluster(timing=QUICK) as cluster, LocalSlack() as slack:
        config, port = settings(tmp_path, slack, list(cluster.hosts))
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        tokens[rejected] += "0"
        async with started(tmp_path, config, port, **tokens) as run:
            await run.until("/readyz", f"Slack rejects {rejected} (invalid_auth): ")
            status, body = await run.page("/healthz")
            assert (status, rejected in body) == (200, True)
            measured = f'cmbot_slack_rejected{{variable="{rejected}"}} 1.0'
            await run.until("/metrics", measured, 'cmbot_poll_last_timestamp_seconds{cluster="prod"}')
            assert (await run.checks())["watch"] == "ok"
        assert f"Slack rejects {rejected}" in run.stderr.read_text()


async def test_run_while_slack_is_unreachable_starts_and_polls(tmp_path: Path) -> None:
    async with SimulatedCluster(timing=QUICK) as cluster, LocalSlack() as slack:
        config, port = settings(tmp_path, slack, list(cluster.hosts), api="http://127.0.0.1:9/api/")
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        async with started(tmp_path, config, port, **tokens) as run:
            await run.until("/metrics", 'cmbot_poll_last_timestamp_seconds{cluster="prod"}')
            assert (await run.checks())["watch"] == "ok"
            assert (await run.checks("/healthz"))["slack"] == "ok"
