"""The program killed and started again: nothing is lost or doubled, and old buttons still work."""

import asyncio
from contextlib import ExitStack
from functools import partial

import pytest

from bot.playground.slack_sim.workspace import Message
from tests.e2e.program_process import Outside

pytestmark = pytest.mark.system

ALICE, BOB = "U0ALICE", "U0BOB"
STORAGE = "C0STORAGE"


async def test_alert_survives_a_restart(outside: Outside) -> None:
    """It is posted once before the kill; after it the same message is edited."""
    async with outside.bot():
        outside.cluster.break_disk(3)
        first = await outside.slack.wait_for(STORAGE, lambda m: "disk #3" in m.full_text)
    outside.cluster.break_disk(4)
    async with outside.bot():
        await outside.slack.wait_for(STORAGE, lambda m: m.ts == first.ts and "disk #4" in m.full_text, timeout=20)
    assert len(outside.posted("disk #3")) == 1


async def test_disk_that_broke_during_the_stop_is_announced(outside: Outside) -> None:
    """The first poll after the start finds the broken disk."""
    async with outside.bot():
        await outside.slack.as_user(ALICE).command(STORAGE, "/cm stat")
        await outside.slack.wait_for(STORAGE, lambda m: "prod is" in m.text)
    outside.cluster.break_disk(9)
    async with outside.bot():
        await outside.slack.wait_for(STORAGE, lambda m: "disk #9" in m.full_text, timeout=20)
    assert len(outside.posted("disk #9")) == 1


async def test_leader_that_changed_during_the_stop_is_announced_once(outside: Outside) -> None:
    """The change is announced at the first start after it, and at no later one."""
    async with outside.bot():
        await _saved(outside, leader=1)
    await outside.cluster.elect(2)
    async with outside.bot():
        await outside.slack.wait_for(STORAGE, lambda m: "from peer 1 to peer 2" in m.full_text, timeout=20)
    async with outside.bot():
        await _saved(outside, leader=2)
    assert len(outside.posted("from peer 1 to peer 2")) == 1


async def _saved(outside: Outside, *, leader: int) -> None:
    """Wait until the leader is saved: the details of `/cm clusters` show the saved state."""
    alice = outside.slack.as_user(ALICE)
    async with asyncio.timeout(20):
        shown = ""
        while f"{leader} at" not in shown:
            before = {m.ts for m in alice.sees(STORAGE)}
            await alice.command(STORAGE, "/cm clusters details=yes")
            answer = await outside.slack.wait_for(STORAGE, partial(_later, before), user=ALICE)
            shown = answer.full_text


def _later(before: set[str], message: Message) -> bool:
    return message.ts not in before


async def test_buttons_of_an_old_card_work_after_a_restart(outside: Outside) -> None:
    """One process proposes the change, the next one takes the approval."""
    async with outside.bot():
        card = await outside.proposed("/cm task disable balance")
    async with outside.bot():
        await outside.slack.as_user(ALICE).click(STORAGE, card.ts, "op_confirm", confirmed=True)
        await outside.slack.wait_for(STORAGE, lambda m: m.ts == card.ts and "Verified" in m.full_text)
    assert len(outside.cluster.log.matching(method="POST", path="/config/set")) == 1


@pytest.mark.parametrize(
    ("line", "approver", "path", "truth"),
    [
        ("/cm task disable balance", ALICE, "/config/set", "balance is now off"),
        ("/cm member remove 3", BOB, "/member/remove", "peer 3 is no member any more"),
        ("/cm leader transfer 2", ALICE, "/leadership/transfer", "peer 2 leads"),
    ],
)
async def test_change_interrupted_by_a_kill_is_settled_truthfully(
    outside: Outside, line: str, approver: str, path: str, truth: str
) -> None:
    """The kill comes between the request and its answer: the next process reads the cluster and sends nothing again."""
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


@pytest.mark.parametrize("path", ["/disk/access", "/disk/drop"])
async def test_disk_offline_goes_on_after_a_kill(outside: Outside, path: str) -> None:
    """The kill comes during a step: the next process sees its effect, and sends only what was not sent."""
    cluster = outside.cluster
    await cluster.start_scheduler()
    async with outside.bot():
        card = await outside.proposed('/cm disk offline 7 reason="replace it"')
        for node in (1, 2, 3):
            cluster.slow(node, 0.2)
        await outside.slack.as_user(BOB).click(STORAGE, card.ts, "op_confirm", confirmed=True)
        await cluster.until(lambda: bool(cluster.log.matching(method="POST", path=path)))
    for node in (1, 2, 3):
        cluster.slow(node, 0.0)
    async with outside.bot():
        await outside.slack.wait_for(
            STORAGE, lambda m: m.ts == card.ts and "disk #7 is being dropped" in m.full_text, timeout=40
        )
    for each in ("/disk/access", "/disk/drop"):
        assert len(cluster.log.matching(method="POST", path=each)) == 1


async def test_acknowledged_click_survives_a_kill(outside: Outside) -> None:
    """The kill comes before a request, mostly during the checks: the next process executes the approval once."""
    with ExitStack() as held:
        async with outside.bot():
            card = await outside.proposed("/cm member remove 3")
            held.enter_context(outside.cluster.holding(lambda _: True))
            await outside.slack.as_user(BOB).click(STORAGE, card.ts, "op_confirm", confirmed=True)
    assert not outside.cluster.log.matching(method="POST")
    async with outside.bot():
        await outside.slack.wait_for(STORAGE, lambda m: m.ts == card.ts and "Verified" in m.full_text, timeout=60)
    assert len(outside.cluster.log.matching(method="POST")) == 1


async def test_removed_cluster_leaves_no_open_operation(outside: Outside) -> None:
    """Its waiting operation is closed, and its card has no buttons any more."""
    async with outside.bot():
        card = await outside.proposed("/cm member remove 3")
    outside.configure(outside.cluster.hosts, name="other")
    async with outside.bot():
        closed = await outside.slack.wait_for(
            STORAGE, lambda m: m.ts == card.ts and "no longer in the settings" in m.full_text, timeout=30
        )
    assert "nothing was sent" in closed.full_text
    assert not any(block["type"] == "actions" for block in closed.blocks)


async def test_orderly_stop_waits_for_a_running_change(outside: Outside) -> None:
    """After SIGTERM during a change, its card shows the result without another start."""
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
    assert "Verified" in shown.full_text


async def test_sigterm_stops_with_status_zero(outside: Outside) -> None:
    async with outside.bot() as process:
        process.terminate()
        async with asyncio.timeout(20):
            assert await process.wait() == 0
