"""A channel that takes no messages: what is still open is posted once it takes them again; the rest is not."""

import pytest

from bot.alerting.grouping import AlertGroup, ChannelHistory
from bot.common.message_key import MessageKey
from bot.delivery.fallback import RETRY_SECONDS, Fallback
from bot.interactions.message import Message
from bot.store.database import Store
from tests.component.delivery.conftest import MakeOutbox
from tests.support.databases import Clock
from tests.support.scripted_slack import FakeSlack

STATUS = MessageKey.status("C1")
GONE = MessageKey.parse("alert:99")
GROUP = MessageKey.parse("digest:C1:1")


@pytest.fixture
def fallback(store: Store, clock: Clock) -> Fallback:
    async def withdraw(card: int, reason: str) -> None:
        raise AssertionError(f"card {card} was withdrawn: {reason}")

    return Fallback(store, clock, lambda: None, withdraw)


async def put(store: Store, key: MessageKey, text: str) -> None:
    async with store.begin() as uow:
        await uow.outbox.put(key, "C1", Message(text))


async def test_open_subjects_are_posted_when_the_channel_opens(
    store: Store, slack: FakeSlack, make: MakeOutbox, clock: Clock, fallback: Fallback
) -> None:
    outbox = make(on_dead=fallback.on_dead)
    slack.refuse["C1"] = "is_archived"
    await put(store, STATUS, "cmbot polls prod.")
    await put(store, GONE, "An alert that was deleted.")
    await outbox.drain(patience=10.0)
    assert slack.texts("C1") == []
    assert (await fallback.problem()).startswith("cannot post in C1 (is_archived): unarchive it")
    slack.refuse = {}
    clock.now += RETRY_SECONDS
    for _ in range(2):
        await fallback.retry_closed_channels()
        await outbox.drain(patience=10.0)
    note, status = slack.texts("C1")
    assert note.startswith("cmbot can post here again. It could not since ")
    assert status == "cmbot polls prod."
    assert await fallback.problem() == ""


@pytest.mark.parametrize(
    ("key", "wanted"),
    [(STATUS, True), (GROUP, True), (MessageKey.parse("digest:C1:2"), False), (GONE, False)],
)
async def test_deleted_message_is_wanted_while_its_subject_is_open(
    store: Store, fallback: Fallback, key: MessageKey, wanted: bool
) -> None:
    group = AlertGroup(GROUP, 0.0, ("prod",), (1, 2))
    async with store.begin() as uow:
        await uow.channel_histories.put(ChannelHistory("C1", groups=(group,)))
    assert await fallback.wanted(key) is wanted


@pytest.mark.parametrize(
    ("key", "age", "left"),
    [
        (MessageKey.parse("alert:99:line:3"), 9999.0, None),
        (STATUS, 0.0, None),
        (STATUS, 900.0, 0.0),
        (GONE, 0.0, 0.0),
    ],
)
async def test_uneditable_message_is_replaced_only_when_it_shows_news(
    fallback: Fallback, clock: Clock, key: MessageKey, age: float, left: float | None
) -> None:
    assert await fallback.renew(key, f"{clock.now - age:.6f}") == left
