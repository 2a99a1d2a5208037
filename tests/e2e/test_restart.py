"""The program as a process of its own, killed and started again: nothing lost or doubled, buttons that still work."""

import asyncio
from functools import partial

import pytest

from bot.playground.slack_sim.workspace import Message
from tests.e2e.outside import Outside

pytestmark = pytest.mark.system

ALICE, BOB = "U0ALICE", "U0BOB"
STORAGE = "C0STORAGE"


async def test_an_alert_survives_the_process(outside: Outside) -> None:
    """Told once before the kill; after it the same message is edited, and no second one comes."""
    async with outside.bot():
        outside.cluster.break_disk(3)
        first = await outside.slack.wait_for(STORAGE, lambda m: "disk #3" in m.full_text)
    outside.cluster.break_disk(4)
    async with outside.bot():
        await outside.slack.wait_for(STORAGE, lambda m: m.ts == first.ts and "disk #4" in m.full_text, timeout=20)
    assert len(outside.told("disk #3")) == 1


async def test_a_disk_that_broke_while_nobody_looked_is_told(outside: Outside) -> None:
    """What happened while the program was down is found by its first look."""
    async with outside.bot():
        await outside.slack.as_user(ALICE).command(STORAGE, "/cm stat")
        await outside.slack.wait_for(STORAGE, lambda m: "prod is" in m.text)
    outside.cluster.break_disk(9)
    async with outside.bot():
        await outside.slack.wait_for(STORAGE, lambda m: "disk #9" in m.full_text, timeout=20)
    assert len(outside.told("disk #9")) == 1


async def test_a_leader_that_changed_while_nobody_looked_is_told_once(outside: Outside) -> None:
    """Neither silence nor an election replayed at every start."""
    async with outside.bot():
        await _noted(outside, leader=1)
    await outside.cluster.elect(2)
    async with outside.bot():
        await outside.slack.wait_for(STORAGE, lambda m: "from peer 1 to peer 2" in m.full_text, timeout=20)
    async with outside.bot():
        await _noted(outside, leader=2)
    assert len(outside.told("from peer 1 to peer 2")) == 1


async def _noted(outside: Outside, *, leader: int) -> None:
    """Wait until the watch wrote down who leads: /cm clusters tells what it noted."""
    alice = outside.slack.as_user(ALICE)
    async with asyncio.timeout(20):
        shown = ""
        while f"{leader} at" not in shown:
            before = {m.ts for m in alice.sees(STORAGE)}
            await alice.command(STORAGE, "/cm clusters")
            answer = await outside.slack.wait_for(STORAGE, partial(_later, before), user=ALICE)
            shown = answer.full_text


def _later(before: set[str], message: Message) -> bool:
    return message.ts not in before


async def test_the_buttons_of_an_old_card_work_after_a_restart(outside: Outside) -> None:
    """Proposed by one process, confirmed with the next."""
    async with outside.bot():
        card = await outside.proposed("/cm task disable balance")
    async with outside.bot():
        await outside.slack.as_user(ALICE).click(STORAGE, card.ts, "op_confirm", confirmed=True)
        await outside.slack.wait_for(STORAGE, lambda m: m.ts == card.ts and "Done and read back" in m.full_text)
    assert len(outside.cluster.log.matching(method="POST", path="/config/set")) == 1


@pytest.mark.parametrize(
    ("line", "approver", "path", "truth"),
    [
        ("/cm task disable balance", ALICE, "/config/set", "balance is now off"),
        ("/cm member remove 3", BOB, "/member/remove", "peer 3 is no member any more"),
        ("/cm leader transfer 2", ALICE, "/leadership/transfer", "peer 2 leads"),
    ],
)
async def test_killed_while_it_runs_the_truth_is_told(
    outside: Outside, line: str, approver: str, path: str, truth: str
) -> None:
    """Killed between the request and its answer: the next process looks, and never sends again."""
    async with outside.bot():
        card = await outside.proposed(line)
        for node in (1, 2, 3):
            outside.cluster.slow(node, 1.0)
        await outside.slack.as_user(approver).click(STORAGE, card.ts, "op_confirm", confirmed=True)
        await outside.cluster.until(lambda: bool(outside.cluster.log.matching(method="POST", path=path)))
    for node in (1, 2, 3):
        outside.cluster.slow(node, 0.0)
    async with outside.bot():
        await outside.slack.wait_for(STORAGE, lambda m: m.ts == card.ts and truth in m.full_text, timeout=30)
    assert len(outside.cluster.log.matching(method="POST", path=path)) == 1


async def test_a_click_that_was_acknowledged_survives_the_process(outside: Outside) -> None:
    """Killed while it looks, before anything was sent: the next process carries the approval out, once."""
    async with outside.bot():
        card = await outside.proposed("/cm member remove 3")
        for node in (1, 2, 3):
            outside.cluster.slow(node, 3.0)
        await outside.slack.as_user(BOB).click(STORAGE, card.ts, "op_confirm", confirmed=True)
    assert not outside.cluster.log.matching(method="POST")
    for node in (1, 2, 3):
        outside.cluster.slow(node, 0.0)
    async with outside.bot():
        await outside.slack.wait_for(
            STORAGE, lambda m: m.ts == card.ts and "Done and read back" in m.full_text, timeout=60
        )
    assert len(outside.cluster.log.matching(method="POST")) == 1


async def test_a_cluster_that_leaves_the_settings_leaves_nothing_open(outside: Outside) -> None:
    """Its waiting operation is closed and told; its card does nothing any more."""
    async with outside.bot():
        card = await outside.proposed("/cm member remove 3")
    outside.configure(outside.cluster.hosts, name="other")
    async with outside.bot():
        closed = await outside.slack.wait_for(
            STORAGE, lambda m: m.ts == card.ts and "no longer in the settings" in m.full_text, timeout=30
        )
    assert "nothing was sent" in closed.full_text
    assert not any(block["type"] == "actions" for block in closed.blocks)


async def test_what_is_under_way_at_an_orderly_end_is_told_before_it(outside: Outside) -> None:
    """SIGTERM while a change runs: its card shows what came of it, without another start."""
    async with outside.bot() as process:
        card = await outside.proposed("/cm task disable balance")
        for node in (1, 2, 3):
            outside.cluster.slow(node, 0.5)
        await outside.slack.as_user(ALICE).click(STORAGE, card.ts, "op_confirm", confirmed=True)
        await outside.cluster.until(lambda: bool(outside.cluster.log.matching(method="POST", path="/config/set")))
        process.terminate()
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    [shown] = [m for m in outside.slack.workspace.messages if m.ts == card.ts]
    assert "Done and read back" in shown.full_text


async def test_an_orderly_end(outside: Outside) -> None:
    """SIGTERM ends it with status 0."""
    async with outside.bot() as process:
        process.terminate()
        async with asyncio.timeout(20):
            assert await process.wait() == 0
