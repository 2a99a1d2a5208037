"""Who holds an alert: taken over, given back, expired and reminded, over real sockets."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.cli.demo import EXAMPLE, Demo, demo
from bot.operations.policy import PolicyMode
from bot.playground.slack_sim.workspace import Message
from tests.e2e.conftest import QUICK
from tests.e2e.test_alert_commands import buttons
from tests.e2e.test_journey import ALICE, BOB, DAVE, STORAGE, alert, ask

pytestmark = pytest.mark.fast_time

CALLS = "  escalate_to: S0ONCALL\n  escalate_after: 10s\n  escalate_severity: warning\n  remind_holder: 6s"


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Demo]:
    """The demo with alerts that call people soon; Bob may acknowledge as well as Alice."""
    changed = tmp_path / "config.yaml"
    own = EXAMPLE.read_text().replace("\n#   escalate_to:", f"\n{CALLS}\n#   escalate_to:", 1)
    changed.write_text(own)
    monkeypatch.setattr("bot.cli.demo.EXAMPLE", changed)
    async with demo(
        port=0, policies=PolicyMode.LOOSE, timing=QUICK, poll=0.5, example_ports=False, clock=time.time
    ) as parts:
        yield parts
        parts.slack.assert_no_violations()


async def held(world: Demo, posted: Message, words: str) -> Message:
    """The alert's message once it has these words."""
    return await world.slack.wait_for(STORAGE, lambda m: m.ts == posted.ts and words in m.full_text, timeout=60)


async def said(world: Demo, posted: Message, words: str) -> Message:
    """The reply in the alert's thread with these words."""
    return await world.slack.wait_for(STORAGE, lambda m: m.thread_ts == posted.ts and words in m.full_text, timeout=60)


async def refused(world: Demo, user: str, words: str) -> Message:
    """The answer to this person alone."""
    return await world.slack.wait_for(STORAGE, lambda m: m.only_for == user and words in m.full_text, user=user)


async def test_alert_changes_hands(world: Demo) -> None:
    """Taken over by a button, given back by a button; stale clicks and other people are refused."""
    world.clusters["prod"].break_disk(3)
    posted = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    alice, bob = world.slack.as_user(ALICE), world.slack.as_user(BOB)
    await alice.click(STORAGE, posted.ts, "alert_ack")
    first = await held(world, posted, f"acknowledged by <@{ALICE}>")
    assert {"Take over", "Give back"} <= set(buttons(first))
    await world.slack.as_user(DAVE).click(STORAGE, posted.ts, "alert_take")
    await refused(world, DAVE, "not an operator")
    assert "To take it over: `/cm ack 1 take`" in (await ask(world, "/cm ack 1", user=BOB)).text
    await bob.click(STORAGE, posted.ts, "alert_take")
    await held(world, posted, f"acknowledged by <@{BOB}>")
    said_so = await said(world, posted, "took over alert #1")
    assert f"<@{BOB}> took over alert #1 from <@{ALICE}>" in said_so.text
    await alice.force_click(first, "alert_give_back")
    await refused(world, ALICE, f"<@{BOB}> holds it now")
    await bob.click(STORAGE, posted.ts, "alert_give_back")
    back = await held(world, posted, "firing since")
    assert "Acknowledge" in buttons(back)
    await said(world, posted, f"<@{BOB}> gave back alert #1: no one holds it now")
    await bob.force_click(first, "alert_take")
    await refused(world, BOB, "no one holds it now")
    await said(world, posted, "<!subteam^S0ONCALL>")
    noted = (await ask(world, "/cm audit")).full_text
    for row in ("alert acknowledged", "alert taken over", "alert given back"):
        assert row in noted


async def test_acknowledgement_expires_and_the_alert_escalates(world: Demo) -> None:
    """It names its end, its end is said in the thread, and the group is called again."""
    world.clusters["prod"].break_disk(3)
    posted = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    until = await ask(world, "/cm ack 1 for=5s")
    assert "until" in until.text
    assert "until" in (await held(world, posted, f"acknowledged by <@{ALICE}>")).full_text
    assert f"acknowledged by <@{ALICE}> until" in (await ask(world, "/cm alerts")).full_text
    assert f"<@{ALICE}> since" in (await ask(world, "/cm handover")).full_text
    over = await said(world, posted, "no one holds this alert now")
    assert f"The acknowledgement by <@{ALICE}> ended" in over.text
    await held(world, posted, "firing since")
    await said(world, posted, "<!subteam^S0ONCALL>")
    assert "alert hold expired" in (await ask(world, "/cm audit")).full_text


async def test_holder_is_reminded_in_the_thread(world: Demo) -> None:
    """By a mention; after /cm unack no more."""
    world.clusters["prod"].break_disk(3)
    posted = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    await ask(world, "/cm ack 1")
    reminder = await said(world, posted, "you have held alert #1")
    assert reminder.text.startswith("⚠️ ") or reminder.text.startswith(f"<@{ALICE}>")
    assert "gave back" in (await ask(world, "/cm unack 1")).text
    assert "No one holds alert #1" in (await ask(world, "/cm unack 1")).text
    assert "alert holder reminded" in (await ask(world, "/cm audit")).full_text


async def until_listed(world: Demo, words: str) -> Message:
    """Ask for the alerts until the answer has these words."""
    async with asyncio.timeout(60):
        while True:
            listed = await ask(world, "/cm alerts")
            if words in listed.full_text:
                return listed
            await asyncio.sleep(0.2)


async def test_alert_under_an_earlier_silence_is_listed(world: Demo) -> None:
    """It was never announced, so it cannot be acknowledged."""
    await ask(world, "/cm silence disk_broken prod for=2h")
    world.clusters["prod"].break_disk(3)
    listed = await until_listed(world, "1 alert is open")
    assert "1 alert is open, 1 of them silenced." in listed.full_text
    assert f"silenced by <@{ALICE}> (#1), not announced" in listed.full_text
    assert "was not announced" in (await ask(world, "/cm ack 1")).text
