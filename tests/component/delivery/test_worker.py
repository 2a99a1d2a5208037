"""What a channel shows after the outbox worked, with Slack in each of its moods."""

import asyncio
import time
from collections.abc import Callable
from random import Random

import pytest

from bot.common.message_key import MessageKey
from bot.delivery.worker import Outbox, RateLimit
from bot.interactions.message import Message
from bot.store.database import Store
from bot.store.repositories.outbox import OutboxMessage
from bot.views.blocks import section
from bot.views.charts import Series, line_chart
from tests.component.delivery.conftest import MakeOutbox
from tests.support.databases import Clock, optional_key
from tests.support.scripted_slack import FakeSlack, Fault

AGES = 1e6


async def put(store: Store, slot: str, words: str, *, channel: str = "C1", parent: str | None = None) -> None:
    async with store.begin() as uow:
        await uow.outbox.put(
            MessageKey.parse(slot),
            channel,
            Message(words, ({"type": "divider"},)),
            parent=optional_key(parent),
        )


async def remove(store: Store, slot: str) -> None:
    async with store.begin() as uow:
        await uow.outbox.remove(MessageKey.parse(slot))


def once(fault: Fault, method: str = "post") -> Callable[[str, str], Fault | None]:
    """That fault at the first call of that method, then none."""
    left = [fault]
    return lambda called, _channel: left.pop() if called == method and left else None


async def test_messages_are_posted_edited_and_deleted_as_the_store_says(
    store: Store, slack: FakeSlack, make: MakeOutbox
) -> None:
    outbox = make()
    await put(store, "alert:1", "One disk is broken.")
    await put(store, "alert:1:line:1", "It got worse.", parent="alert:1")
    await put(store, "alert:2", "No leader.", channel="C2")
    assert await outbox.drain(patience=AGES) == 0
    card, line = slack.shown["C1"]
    assert (card.text, line.text, line.thread_ts) == ("One disk is broken.", "It got worse.", card.ts)
    await put(store, "alert:1", "Two disks are broken.")
    await remove(store, "alert:2")
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts() == ["Two disks are broken.", "It got worse."]
    assert slack.texts("C2") == []
    assert (slack.shown["C1"][0].slot, slack.shown["C1"][0].version) == ("alert:1", "2")


async def test_unchanged_message_sends_no_request(store: Store, slack: FakeSlack, make: MakeOutbox) -> None:
    outbox = make()
    await put(store, "a", "same")
    await outbox.drain(patience=AGES)
    await put(store, "a", "same")
    await outbox.drain(patience=AGES)
    assert slack.methods() == ["post"]


async def test_outage_ends_with_the_newest_content_only(
    store: Store, slack: FakeSlack, make: MakeOutbox, clock: Clock
) -> None:
    outbox = make()
    await put(store, "a", "One disk is broken.")
    slack.fault = lambda _method, _channel: Fault.DOWN
    started = clock.now
    for count in range(2, 8):
        await outbox.drain(patience=300)
        await put(store, "a", f"{count} disks are broken.")
    slack.fault = lambda _method, _channel: None
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts() == ["7 disks are broken."]
    assert len(slack.calls) <= (clock.now - started) / 30 + 12, "waits grow to a minute"


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.DOUBLED, Fault.LATE])
async def test_a_post_whose_answer_was_lost_is_there_once(
    store: Store, slack: FakeSlack, make: MakeOutbox, fault: Fault
) -> None:
    await put(store, "a", "one")
    slack.fault = once(fault)
    assert await make().drain(patience=AGES) == 0
    assert slack.texts() == ["one"]
    async with store.read() as uow:
        assert await uow.outbox.ts_of(MessageKey.parse("a")) == slack.shown["C1"][0].ts


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.DOUBLED])
async def test_found_message_is_edited_to_newest_content(
    store: Store, slack: FakeSlack, make: MakeOutbox, fault: Fault
) -> None:
    outbox = make()
    await put(store, "a", "one")
    slack.fault = once(fault)
    await outbox.drain()
    await put(store, "a", "two")
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts() == ["two"]


async def test_lost_post_of_a_removed_key_is_deleted(store: Store, slack: FakeSlack, make: MakeOutbox) -> None:
    outbox = make()
    await put(store, "a", "one")
    slack.fault = once(Fault.DOUBLED)
    await outbox.drain()
    await remove(store, "a")
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts() == []


async def test_a_post_that_did_not_leave_is_not_looked_for(store: Store, slack: FakeSlack, make: MakeOutbox) -> None:
    await put(store, "a", "one")
    slack.fault = once(Fault.DOWN)
    await make().drain(patience=AGES)
    assert slack.methods() == ["post", "post"]


async def test_message_is_posted_although_the_history_is_unreadable(
    store: Store, slack: FakeSlack, make: MakeOutbox
) -> None:
    await put(store, "a", "one")
    slack.fault = once(Fault.LOST_BEFORE)
    slack.refuse["find"] = "missing_scope"
    outbox = make()
    assert await outbox.drain(patience=AGES) == 0
    assert (slack.texts(), outbox.healthy) == (["one"], True)


async def test_retry_after_is_obeyed_for_its_channel_only(
    store: Store, slack: FakeSlack, make: MakeOutbox, clock: Clock
) -> None:
    await put(store, "a", "one")
    await put(store, "b", "two")
    await put(store, "c", "three", channel="C2")
    start = clock.now
    slack.fault = once(Fault.LIMITED)
    assert await make(parallel=1).drain(patience=AGES) == 0
    times = {channel: [at - start for at, _, where in slack.calls if where == channel] for channel in ("C1", "C2")}
    assert times["C1"][1] >= 7
    assert times["C2"][0] < 1
    assert slack.texts() == ["one", "two"]


async def test_edits_wait_together_when_slack_limits_them(
    store: Store, slack: FakeSlack, make: MakeOutbox, clock: Clock
) -> None:
    outbox = make(parallel=1)
    for slot, channel in (("a", "C1"), ("b", "C2")):
        await put(store, slot, "old", channel=channel)
    await outbox.drain(patience=AGES)
    for slot, channel in (("a", "C1"), ("b", "C2"), ("c", "C3")):
        await put(store, slot, "new", channel=channel)
    slack.fault, slack.calls, start = once(Fault.LIMITED, "update"), [], clock.now
    assert await outbox.drain(patience=AGES) == 0
    assert [(method, at - start >= 7) for at, method, _ in slack.calls] == [
        ("update", False),
        ("post", False),
        ("update", True),
        ("update", True),
    ]


async def test_channel_allows_a_burst_then_one_message_a_second(
    store: Store, slack: FakeSlack, make: MakeOutbox, clock: Clock
) -> None:
    for number in range(8):
        await put(store, f"s{number}", f"{number}")
    start = clock.now
    assert await make(pace=RateLimit(interval=1.0, burst=3)).drain(patience=AGES) == 0
    assert [round(at - start) for at, _, _ in slack.calls] == [0, 0, 0, 1, 2, 3, 4, 5]
    assert slack.texts() == [str(number) for number in range(8)]


@pytest.mark.parametrize("code", ["channel_not_found", "not_in_channel", "is_archived", "msg_too_long"])
async def test_final_refusal_is_dead_and_blocks_no_message(
    store: Store, slack: FakeSlack, make: MakeOutbox, code: str
) -> None:
    posted: list[OutboxMessage] = []

    async def on_dead(post: OutboxMessage) -> None:
        posted.append(post)

    slack.refuse["C9"] = code
    await put(store, "a", "one", channel="C9")
    await put(store, "b", "two")
    outbox = make(on_dead=on_dead)
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts() == ["two"]
    assert [(str(post.message_key), post.channel, post.last_error, post.text) for post in posted] == [
        ("a", "C9", code, "one")
    ]
    assert (await outbox.health()).dead == 1
    del slack.refuse["C9"]
    async with store.begin() as uow:
        assert await uow.outbox.requeue(MessageKey.parse("a"))
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts("C9") == ["one"]


async def test_refused_blocks_are_sent_as_plain_text(store: Store, slack: FakeSlack, make: MakeOutbox) -> None:
    outbox = make()
    async with store.begin() as uow:
        await uow.outbox.put(MessageKey.parse("a"), "C1", Message("12 % free.", ({"type": "broken"},)))
    assert await outbox.drain(patience=AGES) == 0
    assert [(posted.text, posted.blocks) for posted in slack.shown["C1"]] == [("12 % free.", 0)]


async def test_a_refused_chart_is_sent_as_figures(store: Store, slack: FakeSlack, make: MakeOutbox) -> None:
    outbox = make()
    chart = line_chart("Used", ["Nov 1"], [Series("prod", (12.0,))])
    async with store.begin() as uow:
        await uow.outbox.put(MessageKey.parse("a"), "C1", Message("12 % used.", (section("prod"), chart)))
    assert await outbox.drain(patience=AGES) == 0
    assert [(posted.text, posted.blocks) for posted in slack.shown["C1"]] == [("12 % used.", 2)]


@pytest.mark.parametrize("code", ["invalid_auth", "account_inactive", "token_revoked"])
async def test_rejected_token_keeps_messages_and_is_unhealthy(
    store: Store, slack: FakeSlack, make: MakeOutbox, code: str
) -> None:
    outbox = make()
    slack.refuse = {"C1": code, "C2": code}
    await put(store, "a", "one")
    await put(store, "b", "two", channel="C2")
    assert await outbox.drain(patience=3600) == 2
    assert (outbox.healthy, outbox.auth_error) == (False, code)
    assert len(slack.calls) < 3600 / 15 + 4, "one try in a while, not one per row and second"
    slack.refuse = {}
    assert await outbox.drain(patience=AGES) == 0
    assert (slack.texts(), slack.texts("C2"), outbox.healthy) == (["one"], ["two"], True)


async def test_message_deleted_by_a_person_is_not_posted_again(
    store: Store, slack: FakeSlack, make: MakeOutbox
) -> None:
    outbox = make()
    await put(store, "a", "one")
    await outbox.drain(patience=AGES)
    slack.shown["C1"].clear()
    await put(store, "a", "two")
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts() == []
    assert (await outbox.health()).dead == 0
    await remove(store, "a")
    assert await outbox.drain(patience=AGES) == 0


async def test_faulty_message_stops_neither_others_nor_worker(store: Store, slack: FakeSlack, make: MakeOutbox) -> None:
    class Broken(Message):
        def to_json(self) -> dict[str, object]:
            return {"nonsense": 1}

    async with store.begin() as uow:
        await uow.outbox.put(MessageKey.parse("a"), "C1", Broken("x"))
    await put(store, "b", "two")
    await put(store, "c", "three", channel="C2")
    assert await make().drain(patience=AGES) == 0
    assert (slack.texts(), slack.texts("C2")) == (["two"], ["three"])
    async with store.read() as uow:
        assert [(str(post.message_key), post.last_error) for post in await uow.outbox.dead()] == [("a", "crashed")]


async def test_call_without_answer_is_given_up_and_verified(store: Store, slack: FakeSlack, make: MakeOutbox) -> None:
    await put(store, "a", "one")
    slack.gate.clear()
    outbox = make(call_timeout=0.01)
    await outbox.drain()
    slack.gate.set()
    assert await outbox.drain(patience=AGES) == 0
    assert (slack.texts(), slack.methods()) == (["one"], ["post", "find", "post", "find"])


async def test_the_worker_runs_is_woken_and_can_be_waited_for(store: Store, slack: FakeSlack) -> None:
    outbox = Outbox(store, slack, owner="me", clock=time.time, random=Random(1).random, idle=3600.0)
    slack.refuse["C9"] = "is_archived"
    running = asyncio.create_task(outbox.run())
    try:
        async with asyncio.timeout(60):
            await put(store, "a", "one")
            post = await outbox.settled(MessageKey.parse("a"), within=60)
            assert post is not None
            assert (post.state, post.ts) == ("sent", slack.shown["C1"][0].ts)
            await put(store, "b", "two", channel="C9")
            dead = await outbox.settled(MessageKey.parse("b"), within=60)
            assert dead is not None
            assert (dead.state, dead.last_error) == ("dead", "is_archived")
            assert await outbox.settled(MessageKey.parse("nothing"), within=60) is None
            assert outbox.last_success > 0
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_wait_for_a_key_ends_without_an_answer_of_slack(store: Store, slack: FakeSlack, make: MakeOutbox) -> None:
    await put(store, "a", "one")
    post = await make().settled(MessageKey.parse("a"), within=0.01)
    assert post is not None
    assert (post.state, slack.calls) == ("pending", [])
