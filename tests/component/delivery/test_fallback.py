"""Messages that Slack refuses: posted elsewhere, posted again, or given up; on each database."""

from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.store.database import Store
from tests.component.delivery.conftest import MakeOutbox
from tests.support.databases import optional_key
from tests.support.scripted_slack import FakeSlack

AGES = 7200.0


async def put(store: Store, slot: str, text: str, *, parent: str | None = None, channel: str = "C1") -> None:
    """Say what a slot must show."""
    async with store.begin() as uow:
        await uow.outbox.put(MessageKey.parse(slot), channel, Message(text), parent=optional_key(parent))


async def yes(_slot: str) -> bool:
    return True


async def test_moved_alert_keeps_old_replies_and_links_home(store: Store, slack: FakeSlack, make: MakeOutbox) -> None:
    outbox = make()
    slack.refuse["C1"] = "is_archived"
    await put(store, "a", "one")
    await put(store, "a:1", "reply", parent="a")
    await outbox.drain(patience=AGES)
    async with store.begin() as uow:
        assert await uow.fallback.move(MessageKey.parse("a"), away_from="C1", to="C2")
    async with store.begin() as uow:
        assert not await uow.fallback.move(MessageKey.parse("a"), away_from="C1", to="C3")
    await outbox.drain(patience=AGES)
    assert slack.texts("C2") == ["For <#C1>, where cmbot cannot post: one", "reply"]
    slack.refuse = {}
    await put(store, "a", "two")
    await put(store, "a:2", "second reply", parent="a")
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts("C2") == ["For <#C1>, where cmbot cannot post: two", "reply", "second reply"]
    assert slack.texts("C1") == []
    assert len({posted.thread_ts for posted in slack.shown["C2"][1:]}) == 1


async def test_deleted_open_message_is_posted_again_with_its_replies(
    store: Store, slack: FakeSlack, make: MakeOutbox
) -> None:
    outbox = make(wanted=yes)
    await put(store, "a", "one")
    await outbox.drain(patience=AGES)
    slack.shown["C1"].clear()
    await put(store, "a:1", "reply", parent="a")
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts() == ["one", "reply"]
    head, reply = slack.shown["C1"]
    assert reply.thread_ts == head.ts
    slack.shown["C1"].clear()
    await put(store, "a", "two")
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts() == ["two"]


async def test_reply_to_a_deleted_resolved_message_is_given_up(
    store: Store, slack: FakeSlack, make: MakeOutbox
) -> None:
    outbox = make()
    await put(store, "a", "one")
    await outbox.drain(patience=AGES)
    slack.shown["C1"].clear()
    await put(store, "a:1", "reply", parent="a")
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts() == []
    assert (await outbox.health()).dead == 0
