"""One cause is one message: a repair that its switch prevents, and a killed leader."""

import pytest

from bot.cli.demo import Demo
from bot.playground.slack_sim.workspace import Message
from tests.e2e.test_alert_commands import buttons
from tests.e2e.test_journey import ALICE, OPERATIONS, STORAGE, alert, ask, propose
from tests.support.slow_polls import switches_read

pytestmark = pytest.mark.fast_time
REPAIR = "disk_repair"


def about_prod(world: Demo) -> list[Message]:
    """The messages of alerts of prod in the channel, without replies and notes on silences."""
    shown = world.slack.workspace.visible(STORAGE, "")
    return [m for m in shown if m.metadata and not m.thread_ts and "alert #" in m.full_text]


async def switched(world: Demo, value: str) -> None:
    """Store a value under the switch of disk_repair, and read it at the next poll."""
    cluster = world.app.clusters["prod"]
    await cluster.api.config_set(REPAIR, value)
    await switches_read(cluster, world.app.clock)


async def edited(world: Demo, posted: Message, *words: str, within: float = 300) -> Message:
    return await world.slack.wait_for(
        STORAGE, lambda m: m.ts == posted.ts and all(word in m.full_text for word in words), timeout=within
    )


async def test_waiting_repair_is_one_message_with_its_fix(world: Demo) -> None:
    """A broken disk, a switch that means nothing and work that waits: one message, and one button ends all three."""
    world.clusters["prod"].break_disk(3)
    posted = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    await switched(world, "Enable")
    meaningless = await edited(world, posted, "Of the same cause", "is invalid")
    assert "Enable disk_repair" in buttons(meaningless)
    waits = await edited(world, posted, "Of the same cause", "waits to be repaired")
    assert [m.ts for m in about_prod(world)] == [posted.ts]
    listed = (await ask(world, "/cm alerts")).full_text
    assert "3 alerts of 1 cause are open." in listed
    assert listed.count("in the message of #1") == 2
    alice = world.slack.as_user(ALICE)
    await alice.click(STORAGE, waits.ts, "alert_ack")
    held = await edited(world, posted, "acknowledged by")
    assert held.full_text.count(f"acknowledged by <@{ALICE}>") == 3
    assert "Acknowledge" not in buttons(held)
    await alice.click(STORAGE, posted.ts, "alert_fix", confirmed=True)
    card = await world.slack.wait_for(OPERATIONS, lambda m: "*Waiting*" in m.full_text)
    await alice.click(OPERATIONS, card.ts, "op_confirm", confirmed=True)
    await world.slack.wait_for(OPERATIONS, lambda m: m.ts == card.ts and "Verified" in m.full_text)
    await switches_read(world.app.clusters["prod"], world.app.clock)
    fixed = await edited(world, posted, "✅ #2", "✅ #3")
    assert "`disk_repair` of prod is on" in fixed.full_text
    world.clusters["prod"].repair_disk(3, "repaired")
    over = await edited(world, posted, "Resolved after")
    assert over.full_text.count("✅ #") == 2
    assert [m.ts for m in about_prod(world) if m.ts != posted.ts] == []


async def test_folded_alert_speaks_for_itself_once_the_first_is_over(world: Demo) -> None:
    """The switch is found first, then the disk; the word is corrected to off, so the disk still waits."""
    await switched(world, "Enable")
    posted = await world.slack.wait_for(STORAGE, alert(REPAIR, "firing"))
    world.clusters["prod"].break_disk(3)
    await edited(world, posted, "Of the same cause", "disk #3")
    said = await world.slack.wait_for(
        STORAGE, lambda m: m.thread_ts == posted.ts and "of the same cause (#2)" in m.full_text
    )
    assert said.broadcast  # a disk that breaks is news to the channel
    await switched(world, "false")
    own = await world.slack.wait_for(
        STORAGE, lambda m: not m.thread_ts and m.ts != posted.ts and "disk #3" in m.full_text
    )
    assert "alert #2" in own.full_text
    await edited(world, posted, "Resolved after")
    await world.slack.wait_for(STORAGE, lambda m: m.thread_ts == posted.ts and "a separate message now" in m.full_text)
    await edited(world, own, "Of the same cause", "waits to be repaired")


async def test_killed_leader_is_one_message(world: Demo) -> None:
    """The change of the leader carries the risk to the quorum, with its severity, until the node is back."""
    cluster, watch = world.clusters["prod"], world.app.watches["prod"]
    await cluster.until(lambda: watch.previous is not None)
    await cluster.kill(1)
    posted = await world.slack.wait_for(STORAGE, alert("The leader of prod changed", "from peer 1"), timeout=60)
    assert "Warning" in posted.full_text
    risk = await edited(world, posted, "Of the same cause", "one failure from losing writes")
    assert risk.full_text.startswith("Critical in prod: The leader of prod changed")
    said = await world.slack.wait_for(STORAGE, lambda m: m.thread_ts == posted.ts and "one failure from" in m.full_text)
    assert said.broadcast
    assert "one failure from losing writes" in (await ask(world, "/cm stat prod")).text
    assert [m.ts for m in about_prod(world)] == [posted.ts]
    await cluster.start(1)
    await edited(world, posted, "✅", "safe again")
    over = await edited(world, posted, "Resolved after", within=1200)
    assert "safe again" in over.full_text
    assert about_prod(world) == []


async def test_slow_election_is_one_message(world: Demo) -> None:
    """Without a leader, then with another one and a voter less: one message and thread, also for a shortcut."""
    cluster, watch = world.clusters["prod"], world.app.watches["prod"]
    await cluster.until(lambda: watch.previous is not None)
    await cluster.kill(2)
    await cluster.kill(1)
    posted = await world.slack.wait_for(STORAGE, alert("has no leader", "firing"), timeout=120)
    await cluster.start(2)
    await edited(world, posted, "The leader of prod changed", "was without a leader for")
    await world.slack.wait_for(STORAGE, lambda m: m.thread_ts == posted.ts and "has a leader again" in m.full_text)
    await edited(world, posted, "Of the same cause", "one failure from losing writes")
    assert [m.ts for m in about_prod(world)] == [posted.ts]
    alice = world.slack.as_user(ALICE)
    await alice.shortcut(STORAGE, posted.ts, "cm_acknowledge")
    await edited(world, posted, f"acknowledged by <@{ALICE}>")
    await cluster.start(1)
    await edited(world, posted, "Resolved after", within=1200)
    assert about_prod(world) == []


async def test_planned_change_of_leader_leaves_the_cluster_healthy(world: Demo) -> None:
    """A transfer through cmbot is listed as information with its operation, and is no reason in the status."""
    card, _ = await propose(world, "/cm leader transfer 2")
    await world.slack.as_user(ALICE).click(OPERATIONS, card.ts, "op_confirm", confirmed=True)
    await world.slack.wait_for(OPERATIONS, lambda m: m.ts == card.ts and "Verified" in m.full_text, timeout=60)
    said = await world.slack.wait_for(STORAGE, alert("The leader of prod changed", "by operation #1"), timeout=60)
    assert said.full_text.startswith("Info in prod")
    watch = world.app.watches["prod"]
    await world.clusters["prod"].until(lambda: watch.state.level == "healthy", timeout=60)
    assert "prod is healthy: peer 2 leads" in (await ask(world, "/cm stat prod")).full_text
