"""A dead member is replaced step by step, including the change of the settings."""

import asyncio

import pytest

from bot.playground.slack_sim.workspace import Message
from tests.e2e.program_process import Outside

pytestmark = pytest.mark.system

ALICE, BOB, STORAGE = "U0ALICE", "U0BOB", "C0STORAGE"


async def test_dead_member_is_replaced_step_by_step(outside: Outside) -> None:
    """The same command proposes each step; each is approved, executed and verified."""
    cluster = outside.cluster
    await cluster.kill(3)
    node = cluster.host(await cluster.add_node(4)).removeprefix("http://")
    line = f"/cm member replace 3 4 127.0.0.1:10113 node={node}"
    async with outside.bot():
        await _step(outside, line, "Remove peer 3")
        await _step(outside, line, "Add peer 4 to prod as a learner")
        # The dead node's address is still in the settings, and it may be the address of peer 4.
        await _answered(outside, line, f"write {node} under `hosts` in the settings")
    outside.configure([cluster.host(1), cluster.host(2), cluster.host(4)])
    async with outside.bot():
        await _step(outside, line, "Remove peer 4")
        await _step(outside, line, "Add peer 4 to prod as a voter")
        await _answered(outside, line, "all steps are done")
    assert [seen.body for seen in cluster.log.matching(method="POST", path="/member/remove")] == [
        '{"peer_id":3}',
        '{"peer_id":4}',
    ]
    assert {peer for peer in cluster.raft.members if cluster.raft.is_voter(peer)} == {1, 2, 4}


async def _step(outside: Outside, line: str, words: str) -> None:
    """Repeat the command until the step is proposed, approve it and wait for its end."""
    answer = await _answered(outside, line, "waits for")
    number = answer.full_text.partition("Operation ")[2].split()[0]
    card = await outside.slack.wait_for(
        STORAGE, lambda m: f"Operation {number}, proposed" in m.full_text and not m.thread_ts, timeout=30
    )
    assert words in card.full_text
    assert "other than <@U0ALICE>" in card.full_text
    await outside.slack.as_user(BOB).click(STORAGE, card.ts, "op_confirm", confirmed=True)
    await outside.slack.wait_for(STORAGE, lambda m: m.ts == card.ts and "Verified" in m.full_text, timeout=30)


async def _answered(outside: Outside, line: str, words: str) -> Message:
    """Repeat the command until its answer has these words."""
    alice = outside.slack.as_user(ALICE)
    async with asyncio.timeout(90):
        while True:
            before = {m.ts for m in alice.sees(STORAGE)}
            await alice.command(STORAGE, line)
            reply = await outside.slack.wait_for(
                STORAGE,
                lambda m, before=before: m.ts not in before and not m.metadata,  # type: ignore[misc]
                user=ALICE,
                timeout=30,
            )
            if words in reply.full_text:
                return reply
