"""A broken disk reaches a webhook beside Slack, and a pager when Slack is away."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from bot.integrations.intake import PATH
from bot.integrations.webhook import signature
from bot.playground.slack_sim.workspace import Message
from tests.component.integrations.test_intake import delivery, reported
from tests.e2e.receiving_program import Receiving, receiving
from tests.support.receiver import RecordingReceiver, recording_receiver

pytestmark = pytest.mark.fast_time

CHANNEL = "C0STORAGE"


def _shows(words: str, message: Message) -> bool:
    return words in message.full_text and "HighLatency" in message.full_text


async def until(true: Callable[[], bool]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(900):
        while not true():  # noqa: ASYNC110 - what others record has no event
            await asyncio.sleep(0.02)


def states(receiver: RecordingReceiver) -> list[tuple[str, str]]:
    return [(body["alert"]["rule"], body["alert"]["state"]) for body in receiver.bodies]


async def shown(world: Receiving, line: str) -> None:
    """Wait until /metrics has this line."""
    async with asyncio.timeout(900), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{world.url}/metrics") as answer:
                if line in (await answer.text()).splitlines():
                    return
            await asyncio.sleep(0.2)


async def test_a_broken_disk_and_its_repair_reach_a_webhook(tmp_path: Path) -> None:
    async with recording_receiver(faults=[500]) as hook:
        outputs = f'outputs: {{receivers: [{{name: hook, kind: webhook, url: "{hook.url}/x", secret_env: S}}]}}'
        async with receiving(tmp_path, outputs, S="secret") as world:
            world.cluster.break_disk(3)
            await until(lambda: ("disk_broken", "firing") in states(hook))
            await world.slack.wait_for(CHANNEL, lambda m: "disk #3" in m.full_text)
            assert (await world.checks())["outputs"] == "ok"
            await shown(world, 'cmbot_output_depth{receiver="hook"} 0.0')
            await shown(world, 'cmbot_output_deliveries_total{outcome="failed",receiver="hook"} 1.0')
            world.cluster.repair_disk(3, "repairing")
            world.cluster.repair_disk(3, "repaired")
            await until(lambda: ("disk_broken", "resolved") in states(hook))
    for each in hook.taken:
        at = each.headers["X-Cmbot-Timestamp"]
        assert each.headers["X-Cmbot-Signature"] == signature("secret", at, each.body)
    events = [each.headers["X-Cmbot-Event"] for each in hook.taken]
    assert len(set(events)) == len(events)


async def test_without_slack_a_pager_gets_what_is_critical(tmp_path: Path) -> None:
    async with recording_receiver() as pager:
        outputs = f"""
outputs:
  slack_down_after: 10s
  receivers: [{{name: pager, kind: pagerduty, url: "{pager.url}", key_env: K, when: slack_down}}]
"""
        async with receiving(tmp_path, outputs, severity="critical", K="k") as world:
            for method in ("chat.postMessage", "chat.update"):
                world.slack.faults.inject("error", method=method, code="service_unavailable", count=100_000)
            world.cluster.break_disk(3)
            await until(lambda: bool(pager.taken))
            said = (await world.checks())["outputs"]
            assert said.startswith("Slack cannot be reached for")
            assert "alerts go to pager" in said
            world.slack.faults.clear()
            await world.slack.wait_for(CHANNEL, lambda m: "disk #3" in m.full_text, timeout=120)
            world.cluster.repair_disk(3, "repairing")
            world.cluster.repair_disk(3, "repaired")
            await until(lambda: any(body["event_action"] == "resolve" for body in pager.bodies))
    triggered = {body["dedup_key"] for body in pager.bodies if body["event_action"] == "trigger"}
    assert {body["payload"]["severity"] for body in pager.bodies if body["event_action"] == "trigger"} == {"critical"}
    assert {body["dedup_key"] for body in pager.bodies} == triggered


async def test_an_alert_of_an_alertmanager_is_posted_in_the_channel_of_its_cluster(tmp_path: Path) -> None:
    async with receiving(tmp_path, "inputs: {token_env: T}", T="a-long-random-token") as world:
        await asyncio.sleep(1)
        headers = {"Authorization": "Bearer a-long-random-token"}
        async with aiohttp.ClientSession(headers=headers) as session:
            for status in ("firing", "resolved"):
                body = delivery(reported(status=status, zone="<!channel>"))
                async with session.post(world.url + PATH, json=body) as answer:
                    assert answer.status == 200
                shown = "Resolved" if status == "resolved" else "Alertmanager reports"
                await world.slack.wait_for(CHANNEL, partial(_shows, shown))
        assert not any("<!channel>" in m.full_text for m in world.slack.as_user("U0ALICE").sees(CHANNEL))
        async with aiohttp.ClientSession() as session, session.post(world.url + PATH, json={}) as answer:
            assert answer.status == 401
