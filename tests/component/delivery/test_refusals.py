"""What Slack refuses: edits, replies, deletions, and codes that are in no table; on each database."""

import pytest

from bot.common.message_key import MessageKey
from bot.delivery.retry_policy import MAX_UNKNOWN_TRIES
from bot.interactions.message import Message
from bot.store.database import Store
from tests.component.delivery.conftest import MakeOutbox
from tests.component.delivery.test_worker import AGES, once, put
from tests.support.databases import Clock
from tests.support.scripted_slack import FakeSlack, Fault


@pytest.mark.parametrize("code", ["message_limit_exceeded", "external_channel_migrating", "update_failed", "new_one"])
async def test_unlisted_error_is_retried_for_hours_and_named(
    store: Store, slack: FakeSlack, make: MakeOutbox, clock: Clock, code: str
) -> None:
    slack.refuse["C1"] = code
    outbox = make()
    await put(store, "a", "one")
    began = clock.now
    assert await outbox.drain(patience=4 * 3600.0) == 1
    assert clock.now - began > 3 * 3600.0
    assert f"1 message ({code} in C1)" in await outbox.refused()
    assert len(slack.calls) == 84
    slack.refuse.clear()
    assert await outbox.drain(patience=600.0) == 0
    assert (slack.texts(), await outbox.refused()) == (["one"], "")


async def test_unlisted_error_of_one_message_holds_up_no_other(
    store: Store, slack: FakeSlack, make: MakeOutbox
) -> None:
    slack.will_refuse = {"a": "some_new_error"}
    outbox = make()
    await put(store, "a", "one")
    await put(store, "a:1", "reply", parent="a")
    await put(store, "b", "two")
    assert await outbox.drain(patience=60.0) == 2
    assert slack.texts() == ["two"]
    slack.will_refuse = {}
    assert await outbox.drain(patience=600.0) == 0
    assert slack.texts() == ["two", "one", "reply"]


async def test_unlisted_error_is_given_up_after_a_day(store: Store, slack: FakeSlack, make: MakeOutbox) -> None:
    slack.refuse["C1"] = "some_new_error"
    outbox = make()
    await put(store, "a", "one")
    assert await outbox.drain(patience=3 * 86400.0) == 0
    assert (await outbox.health()).dead == 1
    assert len(slack.calls) == MAX_UNKNOWN_TRIES


async def test_superseded_replies_are_not_sent(store: Store, slack: FakeSlack, make: MakeOutbox) -> None:
    outbox = make()
    await put(store, "op:1", "card")
    await put(store, "op:1:step:1.2", "running", parent="op:1")
    async with store.begin() as uow:
        await uow.outbox.put(
            MessageKey.parse("op:1:step:1.3"), "C1", Message("loud"), parent=MessageKey.parse("op:1"), broadcast=True
        )
        assert await uow.outbox.drop_unposted("op:1:step:1.") == 1
    await put(store, "op:1:line:1.4", "done", parent="op:1")
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts() == ["card", "loud", "done"]
    async with store.begin() as uow:
        assert await uow.outbox.drop_unposted("op:1:", loud=True) == 0


@pytest.mark.parametrize("code", ["cant_update_message", "edit_window_closed"])
async def test_refused_edit_becomes_a_new_message_with_a_link(
    store: Store, slack: FakeSlack, make: MakeOutbox, code: str
) -> None:
    outbox = make()
    await put(store, "a", "one")
    await outbox.drain(patience=AGES)
    slack.refuse["update"] = code
    await put(store, "a", "two")
    await put(store, "a:1", "reply", parent="a")
    assert await outbox.drain(patience=AGES) == 0
    old, new, reply = slack.shown["C1"]
    assert (old.text, new.text, reply.text) == ("one", "two", "reply")
    assert f"/C1/p{old.ts}" in new.shown
    assert reply.thread_ts == new.ts
    slack.refuse.clear()
    await put(store, "a", "three")
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts() == ["one", "three", "reply"]
    assert (await outbox.health()).dead == 0


async def test_refused_edit_waits_as_long_as_it_should(
    store: Store, slack: FakeSlack, make: MakeOutbox, clock: Clock
) -> None:
    answers: list[float | None] = [None, 50.0, 0.0]

    async def renew(message_key: MessageKey, _ts: str) -> float | None:
        assert message_key == MessageKey("a")
        return answers.pop(0)

    outbox = make(renew=renew)
    await put(store, "a", "one")
    await outbox.drain(patience=AGES)
    slack.refuse["update"] = "edit_window_closed"
    await put(store, "a", "two")
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts() == ["one"]
    await put(store, "a", "three")
    began = clock.now
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts() == ["one", "three"]
    assert clock.now - began >= 50.0


@pytest.mark.parametrize("code", ["restricted_action_non_threadable_channel", "restricted_action_thread_locked"])
async def test_refused_reply_is_said_in_the_channel(
    store: Store, slack: FakeSlack, make: MakeOutbox, code: str
) -> None:
    outbox = make()
    slack.refuse["reply"] = code
    await put(store, "alert:1", "broken")
    await put(store, "alert:1:line:2", "worse", parent="alert:1")
    await put(store, "op:1", "card")
    await put(store, "op:1:line:1.2", "quiet", parent="op:1")
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts() == ["broken", "worse", "card"]
    head, worse, _ = slack.shown["C1"]
    assert worse.thread_ts is None
    assert f"/C1/p{head.ts}" in worse.shown
    assert (await outbox.health()).dead == 0


async def test_refused_reply_whose_answer_is_lost_is_there_once(
    store: Store, slack: FakeSlack, make: MakeOutbox
) -> None:
    outbox = make()
    await put(store, "a", "one")
    await outbox.drain(patience=AGES)
    slack.refuse["reply"] = "restricted_action_non_threadable_channel"
    faults = [None, Fault.LOST_AFTER]
    slack.fault = lambda method, _channel: faults.pop(0) if method == "post" and faults else None
    await put(store, "a:1", "reply", parent="a")
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts() == ["one", "reply"]


async def test_undeletable_duplicate_does_not_block_its_message(
    store: Store, slack: FakeSlack, make: MakeOutbox
) -> None:
    slack.refuse["delete"] = "compliance_exports_prevent_deletion"
    slack.fault = once(Fault.DOUBLED)
    outbox = make()
    await put(store, "a", "one")
    assert await outbox.drain(patience=AGES) == 0
    await put(store, "a", "two")
    assert await outbox.drain(patience=AGES) == 0
    assert (slack.texts(), (await outbox.health()).dead) == (["two", "one"], 0)


async def test_a_workspace_without_access_holds_up_no_other(
    store: Store, slack: FakeSlack, make: MakeOutbox, clock: Clock
) -> None:
    slack.refuse["C1"] = "team_access_not_granted"
    outbox = make()
    await put(store, "a", "one")
    async with store.begin() as uow:
        await uow.outbox.put(MessageKey.parse("b"), "C2", Message("two"))
    began = clock.now
    assert await outbox.drain() == 0
    assert (slack.texts("C2"), slack.texts("C1"), clock.now - began) == (["two"], [], 0.0)
    assert outbox.healthy
