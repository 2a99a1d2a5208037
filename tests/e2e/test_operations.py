"""Changes of the raft group: roles, void approvals, the request that is sent, and its verification."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.cli.demo import Demo
from bot.operations.model import Operation, OpState
from bot.operations.step_facts import LegacyWords
from bot.playground.slack_sim.workspace import Message

pytestmark = pytest.mark.fast_time

ALICE, BOB, CAROL, DAVE = "U0ALICE", "U0BOB", "U0CAROL", "U0DAVE"
STORAGE, OPERATIONS = "C0STORAGE", "C0OPERATIONS"
PATIENCE = 40.0


async def ask(world: Demo, line: str, *, user: str = ALICE) -> Message:
    """Type a command and wait for its answer."""
    person = world.slack.as_user(user)
    before = {m.ts for m in person.sees(STORAGE)}
    await person.command(STORAGE, line)
    return await world.slack.wait_for(
        STORAGE, lambda m: m.ts not in before and not m.metadata, user=user, timeout=PATIENCE
    )


async def propose(world: Demo, line: str, *, user: str = ALICE) -> Message:
    """Type a changing command and give its card."""
    reply = await ask(world, line, user=user)
    assert "waits for" in reply.text, reply.text
    number = (
        reply.text.split()[1]
        if reply.text.startswith("Operation")
        else reply.text.partition("Operation ")[2].split()[0]
    )
    return await world.slack.wait_for(
        OPERATIONS, lambda m: f"Operation {number}, proposed" in m.full_text and not m.thread_ts, timeout=PATIENCE
    )


async def card_with(world: Demo, card: Message, words: str) -> Message:
    """Wait for the card with these words."""
    return await world.slack.wait_for(OPERATIONS, lambda m: m.ts == card.ts and words in m.full_text, timeout=PATIENCE)


async def click(world: Demo, card: Message, user: str, action: str = "op_confirm") -> None:
    """Click a button as the card was when it was proposed, even after later steps."""
    block, element = button(card, action)
    await world.slack.as_user(user).send_click(card, {**element, "block_id": block.get("block_id", "x")})


async def reject(world: Demo, card: Message, user: str, reason: str = "") -> None:
    """Reject by the form of the card."""
    await click(world, card, user, "op_reject")
    await world.slack.wait_for_view(lambda view: "Reject operation" in str(view.content), user=user)
    await world.slack.as_user(user).submit({"card:reason": reason} if reason else {})


def button(card: Message, action: str) -> tuple[Any, Any]:
    return next(
        (block, element)
        for block in card.blocks
        for element in block.get("elements", ())
        if element.get("action_id") == action
    )


async def refused(world: Demo, card: Message, user: str, action: str = "op_confirm") -> str:
    """Text that only the person who clicks gets."""
    before = {m.ts for m in world.slack.as_user(user).sees(OPERATIONS)}
    await click(world, card, user, action)
    reply = await world.slack.wait_for(
        OPERATIONS, lambda m: m.ts not in before and m.only_for == user, user=user, timeout=PATIENCE
    )
    return reply.text


def writes(world: Demo, path: str) -> list[Any]:
    """The bodies of the requests that the prod cluster saw."""
    return [json.loads(seen.body) for seen in world.clusters["prod"].log.matching(method="POST", path=path)]


async def only_op(world: Demo, wanted: Callable[[Operation], bool] = lambda _: True) -> Operation:
    [op] = [op for op in await world.app.repository.recent(None, 50) if wanted(op)]
    return op


# --- the steps of a change


async def test_removal_approved_by_another_person_is_sent_once_and_verified(world: Demo) -> None:
    card = await propose(world, '/cm member remove 3 reason="disk lost"')
    assert "Quorum is 2 of 3; it can lose 1 more voter. Afterwards quorum is 2 of 2" in card.full_text
    assert "disk lost" in card.full_text
    assert "another person must approve it" in await refused(world, card, ALICE)
    assert writes(world, "/member/remove") == []
    await click(world, card, BOB)
    done = await card_with(world, card, "Verified")
    assert "Approved by <@U0BOB>, " in done.full_text
    assert "peer 3 is no member any more, <!date^" in done.full_text
    assert writes(world, "/member/remove") == [{"peer_id": 3}]


async def test_approval_after_the_leader_died_is_void(world: Demo) -> None:
    card = await propose(world, "/cm member remove 3")
    cluster = world.clusters["prod"]
    await cluster.kill(1)
    await cluster.until(lambda: cluster.leader not in {0, 1})
    await click(world, card, BOB)
    moved = await card_with(world, card, "The cluster changed since")
    assert "leader: peer 1 →" in moved.full_text
    assert "*Blocked*" in moved.full_text
    assert "Operation #2, proposed by" in moved.full_text
    assert "has no effect" in await refused(world, card, BOB)
    assert writes(world, "/member/remove") == []


async def test_harmlessly_changed_state_is_proposed_with_a_new_number(world: Demo) -> None:
    card = await propose(world, "/cm leader transfer 2")
    cluster = world.clusters["prod"]
    await cluster.elect(3)
    await click(world, card, BOB)
    replacement = await card_with(world, card, "Operation #2, proposed by")
    assert "*Waiting*" in replacement.full_text
    assert "leader: peer 1 → peer 3" in replacement.full_text
    assert writes(world, "/leadership/transfer") == []
    await click(world, replacement, BOB)
    await card_with(world, card, "Verified")
    assert writes(world, "/leadership/transfer") == [{"peer_id": 2}]


async def test_lost_answer_of_a_removal_ends_verified(world: Demo) -> None:
    """Steps that became stale before they were posted are only in the history of the card."""
    card = await propose(world, "/cm member remove 3")
    world.clusters["prod"].lose_replies(1, path="/member/remove")
    await click(world, card, BOB)
    await card_with(world, card, "Verified")
    op = await only_op(world)
    states = [event.state for event in op.history]
    assert states == [OpState.WAITING, OpState.RUNNING, OpState.UNKNOWN, OpState.VERIFIED]
    await world.slack.wait_for(OPERATIONS, lambda m: m.thread_ts == card.ts and "Verified" in m.text)
    async with asyncio.timeout(30):
        while (await world.app.outbox.health()).depth:
            await ask(world, "/cm whoami")
    thread = [m for m in world.slack.as_user(ALICE).sees(OPERATIONS) if m.thread_ts == card.ts]
    assert "Verified" in thread[-1].text
    assert len({m.text for m in thread}) == len(thread)
    assert writes(world, "/member/remove") == [{"peer_id": 3}]


async def test_ten_concurrent_approvals_execute_once(world: Demo) -> None:
    card = await propose(world, "/cm member remove 3")
    await asyncio.gather(*(click(world, card, BOB if turn % 2 else CAROL) for turn in range(10)))
    await card_with(world, card, "Verified")
    assert writes(world, "/member/remove") == [{"peer_id": 3}]


async def test_refusal_of_the_cluster_is_quoted(world: Demo) -> None:
    card = await propose(world, "/cm member remove 3")
    world.clusters["prod"].fail_next(400, path="/member/remove", words="Request Not Allow")
    await click(world, card, BOB)
    failed = await card_with(world, card, "*Failed*")
    assert "Request Not Allow" in failed.full_text
    assert writes(world, "/member/remove") == [{"peer_id": 3}]


async def test_member_is_added_as_a_learner(world: Demo) -> None:
    cluster = world.clusters["prod"]
    node = await cluster.add_node(4)
    address = cluster.host(node).removeprefix("http://")
    card = await propose(world, f"/cm member add 4 127.0.0.1:10113 node={address}")
    assert "as a learner" in card.full_text
    await click(world, card, BOB)
    done = await card_with(world, card, "Verified")
    assert "peer 4 is a member now, as learner" in done.full_text
    [sent] = writes(world, "/member/add")
    assert sent == {"peer_id": 4, "host": "127.0.0.1:10113", "member_type": 1, "node_host": address}


async def test_second_membership_change_is_refused_while_one_waits(world: Demo) -> None:
    card = await propose(world, "/cm member remove 3")
    reply = await ask(world, "/cm leader transfer 2")
    assert "Operation #1 (member remove) is waiting; only one may be open" in reply.text
    assert reply.only_for == ALICE
    await click(world, card, ALICE, "op_cancel")
    await card_with(world, card, "*Cancelled* by <@U0ALICE>")
    await propose(world, "/cm leader transfer 2")


async def test_leader_change_by_an_operation_names_the_operation(world: Demo) -> None:
    card = await propose(world, "/cm leader transfer 2")
    await click(world, card, BOB)
    reply = await world.slack.wait_for(STORAGE, lambda m: "from peer 1 to peer 2" in m.text, timeout=PATIENCE)
    assert "by operation #1" in reply.text
    assert reply.text.startswith("Info")
    assert "approved by <@U0BOB>" in reply.full_text


# --- roles


async def test_person_without_a_role_is_refused_and_recorded(world: Demo) -> None:
    reply = await ask(world, "/cm member remove 3", user=DAVE)
    assert "not an operator" in reply.text
    card = await propose(world, "/cm member remove 3")
    for action in ("op_confirm", "op_reject"):
        refusal = await refused(world, card, DAVE, action)
        assert "not an approver" in refusal
        assert "`access.approvers`" in refusal
    assert "or an admin may cancel it" in await refused(world, card, DAVE, "op_cancel")
    async with world.app.store.read() as uow:
        noted = [row for row in await uow.audit.range() if row.action.startswith("refused")]
    assert [(row.actor, row.action) for row in noted] == [
        (DAVE, "refused.command"),
        *[(DAVE, "refused.click")] * 3,
    ]


async def test_another_person_can_reject_but_not_cancel(world: Demo) -> None:
    card = await propose(world, "/cm member remove 3")
    assert "or an admin may cancel it" in await refused(world, card, BOB, "op_cancel")
    await reject(world, card, BOB)
    await card_with(world, card, "*Rejected* by <@U0BOB>")
    assert "is already rejected" in await refused(world, card, BOB)


async def test_group_that_slack_cannot_list_grants_nothing(world: Demo) -> None:
    card = await propose(world, "/cm member remove 3")
    world.slack.faults.inject("error", method="usergroups.users.list", count=50)
    assert "Slack did not list the approver group" in await refused(world, card, CAROL)


async def test_expired_card_does_nothing(world: Demo) -> None:
    card = await propose(world, "/cm member remove 3")
    op = await only_op(world)
    await world.app.repository.note(replace(op, expires_at=1.0), fact=LegacyWords("time passes"))
    assert "expired" in await refused(world, card, BOB)
    await world.app.executor.expire_undecided()
    await card_with(world, card, "*Expired*")
    assert writes(world, "/member/remove") == []


@pytest.mark.parametrize("value", ["{}", "[]", "null", '{"op":1}', '{"op":1,"v":99}', '{"op":99,"v":1}', "[" * 1900])
async def test_forged_button_does_nothing(world: Demo, value: str) -> None:
    card = await propose(world, "/cm member remove 3")
    forged = {"type": "button", "action_id": "op_confirm", "block_id": "x", "value": value}
    await world.slack.as_user(BOB).send_click(card, forged)
    await world.slack.wait_for(OPERATIONS, lambda m: m.only_for == BOB, user=BOB, timeout=PATIENCE)
    assert (await only_op(world)).state is OpState.WAITING
    assert writes(world, "/member/remove") == []


async def test_break_glass_needs_a_reason_and_two_approvers(world: Demo) -> None:
    cluster = world.clusters["prod"]
    await cluster.kill(3)
    assert "break-glass" in (await ask(world, "/cm leader transfer 3 force=yes reason=test", user=BOB)).text
    assert "needs a reason" in (await ask(world, "/cm leader transfer 3 force=yes")).text
    card = await propose(world, "/cm leader transfer 3 force=yes reason=drill")
    assert "BREAK-GLASS" in card.full_text
    assert "FORCED against this block" in card.full_text
    assert "another person must approve" in await refused(world, card, ALICE)
    await click(world, card, BOB)
    half = await card_with(world, card, "(1 of 2 so far)")
    assert "already" in await refused(world, half, BOB)
    assert writes(world, "/leadership/transfer") == []
    await click(world, half, CAROL)
    await card_with(world, card, "Approved by <@U0BOB> and <@U0CAROL>, ")
    await cluster.until(lambda: bool(writes(world, "/leadership/transfer")))


# --- invalid requests


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/cm member remove -1", "out of range"),
        ("/cm member remove 0", "Peer id 0 cannot be used"),
        ("/cm member remove 18446744073709551616", "out of range"),
        ("/cm member remove abc", "whole number"),
        ("/cm leader transfer 9", "no member"),
        ("/cm leader transfer 1", "already leads"),
        ("/cm member remove 1", "is the leader"),
        ("/cm member add 4 http://10.0.0.4:10110 node=10.0.0.4:9998", "a scheme such as http://"),
        ("/cm member add 4 10.0.0.4 node=10.0.0.4:9998", "has no port"),
        ("/cm member add 4 10.0.0.4:10110", "service address is missing"),
        ("/cm member add 4 10.0.0.4:10110 node=<!channel>", "has no port"),
        ("/cm member add 3 10.0.0.4:10110 node=10.0.0.4:9998", "is already a member"),
        ("/cm member add 4 127.0.0.1:10111 node=10.0.0.4:9998", "belongs to peer 2"),
        ("/cm task disable balance for=soon", "for= takes a time"),
        ("/cm task disable balance for=5d dialect=v1", "leave `dialect=` out"),
        ("/cm op 77", "There is no operation #77"),
        ("/cm op cancel 77", "There is no operation #77"),
        ("/cm op settle 77 done reason=seen", "There is no operation #77"),
    ],
)
async def test_impossible_change_gets_one_sentence_and_sends_nothing(world: Demo, line: str, words: str) -> None:
    reply = await ask(world, line)
    assert words in reply.text
    assert reply.only_for == ALICE
    assert not world.clusters["prod"].log.matching(method="POST")


async def test_dry_run_proposes_and_stores_nothing(world: Demo) -> None:
    reply = await ask(world, "/cm member remove 3 dry-run=yes")
    assert "nothing was proposed" in reply.text
    assert "it can lose no more voters" in reply.full_text
    assert await world.app.repository.recent(None, 5) == []


async def test_commands_list_show_and_cancel_operations(world: Demo) -> None:
    card = await propose(world, "/cm member remove 3")
    assert "Remove peer 3 from prod" in (await ask(world, "/cm ops", user=DAVE)).full_text
    shown = await ask(world, "/cm op 1", user=DAVE)
    assert "it can lose 1 more voter" in shown.full_text
    assert "op_confirm" not in json.dumps(shown.blocks)
    await ask(world, "/cm op cancel 1")
    await card_with(world, card, "*Cancelled*")
    assert "no open operation" in (await ask(world, "/cm ops")).text
    assert "cancelled" in (await ask(world, "/cm ops state=recent")).full_text


async def test_admin_settles_an_unknown_operation(world: Demo) -> None:
    card = await propose(world, "/cm leader transfer 2")
    op = await only_op(world)
    running = await world.app.repository.move(op, OpState.RUNNING, by=BOB)
    await world.app.repository.move(running, OpState.UNKNOWN, fact=LegacyWords("no answer"))
    assert "unknown, so it blocks others of its kind" in (await ask(world, "/cm member remove 3")).text
    assert "You are not an admin" in (await ask(world, "/cm op settle 1 done reason=seen", user=BOB)).text
    await ask(world, '/cm op settle 1 not-done reason="the log shows nothing"')
    settled = await card_with(world, card, "settled as not done by an admin: the log shows nothing")
    assert "*Failed*" in settled.full_text


# --- time limits


async def test_leased_switch_is_announced_and_put_back_once(world: Demo) -> None:
    card = await propose(world, "/cm task disable balance for=2h")
    await click(world, card, ALICE)
    await card_with(world, card, " is turned back on ")
    op = await only_op(world)
    await world.app.repository.note(op, fact=LegacyWords("time passes"), warn_at=1.0)
    await world.app.reversions.end_due()
    warning = await world.slack.wait_for(
        OPERATIONS, lambda m: m.thread_ts == card.ts and m.text.startswith("⏳") and "is turned back on" in m.text
    )
    assert "op_extend" in json.dumps(warning.blocks)
    op = await only_op(world)
    await world.app.repository.note(op, fact=LegacyWords("time passes"), lease_until=1.0)
    await asyncio.gather(world.app.reversions.end_due(), world.app.reversions.end_due())
    back = await world.slack.wait_for(
        OPERATIONS, lambda m: m.thread_ts == card.ts and "Turn balance on in prod again: *Verified" in m.text
    )
    assert "balance is now on" in back.full_text
    await card_with(world, card, "*Time is up*: balance is on again (operation #2), ")
    assert [sent["value"] for sent in writes(world, "/config/set")] == ["false", "true"]


@pytest.mark.parametrize(("action", "words"), [("op_keep", "kept"), ("op_extend", "extended")])
async def test_lease_is_extended_or_kept_by_a_click(world: Demo, action: str, words: str) -> None:
    card = await propose(world, "/cm task disable balance for=2h")
    await click(world, card, ALICE)
    await card_with(world, card, " is turned back on ")
    before = (await only_op(world)).lease_until
    await world.app.repository.note(await only_op(world), fact=LegacyWords("time passes"), warn_at=1.0)
    await world.app.reversions.end_due()
    warning = await world.slack.wait_for(
        OPERATIONS, lambda m: m.thread_ts == card.ts and m.text.startswith("⏳") and "is turned back on" in m.text
    )
    await click(world, warning, BOB, action)
    await card_with(world, card, words)
    after = (await only_op(world)).lease_until
    assert after == (0.0 if action == "op_keep" else before + 7200)
    await world.slack.wait_for(OPERATIONS, lambda m: m.ts == warning.ts and "op_keep" not in json.dumps(m.blocks))


async def test_two_concurrent_approvals_both_count(world: Demo) -> None:
    """Neither gets an error about the other: both approvals count."""
    cluster = world.clusters["prod"]
    await cluster.kill(3)
    card = await propose(world, "/cm leader transfer 3 force=yes reason=drill")
    await asyncio.gather(click(world, card, BOB), click(world, card, CAROL))
    await card_with(world, card, "Approved by")
    await cluster.until(lambda: bool(writes(world, "/leadership/transfer")))
    assert sorted((await only_op(world)).approvals) == [BOB, CAROL]
    assert len(writes(world, "/leadership/transfer")) == 1


async def test_switch_changed_by_a_person_since_is_left_alone(world: Demo) -> None:
    card = await propose(world, "/cm task disable balance for=2h")
    await click(world, card, ALICE)
    await card_with(world, card, " is turned back on ")
    world.clusters["prod"].data.kv["balance"] = "true"
    await world.app.repository.note(await only_op(world), fact=LegacyWords("time passes"), lease_until=1.0)
    await world.app.reversions.end_due()
    reply = await world.slack.wait_for(OPERATIONS, lambda m: m.thread_ts == card.ts and "skipped" in m.text)
    assert "no longer what operation #1 set" in reply.text
    await card_with(world, card, "*Time is up*: balance was not restored (operation #2), ")
    assert len(writes(world, "/config/set")) == 1
