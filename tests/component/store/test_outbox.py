"""The outbox's table: slots coalesce, claims are exclusive and in order, nothing sticks."""

import asyncio

import pytest
from sqlalchemy import text

from bot.alerting.cluster_state.state import ClusterState
from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.store.database import Store
from bot.store.repositories.outbox_claims import Claim, Shown
from tests.support.databases import Clock, Postgres, optional_key

NOW = 1_700_000_000.0


def said(words: str) -> Message:
    return Message(words, ({"type": "divider"},))


async def put(store: Store, slot: str, words: str = "", channel: str = "C1", parent: str | None = None) -> None:
    async with store.begin() as uow:
        await uow.outbox.put(MessageKey.parse(slot), channel, said(words or slot), parent=optional_key(parent))


async def claim(
    store: Store, owner: str = "me", now: float = NOW, busy: tuple[str, ...] = (), *, edits: bool = True
) -> list[Claim]:
    async with store.begin() as uow:
        return await uow.outbox.claim(owner, now, 60.0, 10, busy, edits=edits)


async def sent(store: Store, taken: Claim, ts: str, owner: str = "me") -> str | None:
    async with store.begin() as uow:
        return await uow.outbox.sent(taken, owner, ts, NOW, version=taken.version)


async def failed(store: Store, taken: Claim, *, retry_at: float | None, maybe_sent: bool = False) -> bool:
    async with store.begin() as uow:
        return await uow.outbox.failed(taken, "me", error="bad", now=NOW, retry_at=retry_at, maybe_sent=maybe_sent)


async def slots(store: Store, now: float = NOW, *, edits: bool = True) -> list[str]:
    return [str(taken.message_key) for taken in await claim(store, now=now, edits=edits)]


async def post_all(store: Store) -> None:
    while claims := await claim(store):
        for taken in claims:
            await sent(store, taken, f"ts-{taken.message_key!s}")


async def test_a_put_is_posted_once_with_its_content(store: Store) -> None:
    await put(store, "alert:1", "one")
    [taken] = await claim(store)
    assert (str(taken.message_key), taken.channel, taken.version, taken.ts, taken.maybe_sent) == (
        "alert:1",
        "C1",
        1,
        None,
        False,
    )
    assert Message.from_json(taken.content) == said("one")
    assert await sent(store, taken, "1.0") == "1.0"
    async with store.read() as uow:
        assert (await uow.outbox.ts_of(MessageKey.parse("alert:1")), await uow.outbox.depth()) == ("1.0", 0)
    assert await slots(store) == []


async def test_edits_coalesce_and_the_same_content_is_no_edit(store: Store) -> None:
    await put(store, "alert:1", "one")
    await post_all(store)
    await put(store, "alert:1", "one")
    assert await slots(store) == []
    await put(store, "alert:1", "two")
    await put(store, "alert:1", "three")
    [taken] = await claim(store)
    assert (taken.ts, taken.version, taken.content["text"]) == ("ts-alert:1", 3, "three")


async def test_content_put_during_a_post_is_sent_next(store: Store) -> None:
    await put(store, "alert:1", "one")
    [taken] = await claim(store)
    await put(store, "alert:1", "two")
    await sent(store, taken, "1.0")
    [taken] = await claim(store)
    assert (taken.ts, taken.content["text"]) == ("1.0", "two")


async def test_posts_of_a_channel_are_ordered_and_channels_parallel(store: Store) -> None:
    for slot, channel in (("a", "C1"), ("b", "C1"), ("c", "C2"), ("d", "C2")):
        await put(store, slot, channel=channel)
    taken = {str(item.message_key): item for item in await claim(store)}
    assert list(taken) == ["a", "c"]
    await failed(store, taken["a"], retry_at=NOW + 50)
    await sent(store, taken["c"], "1.0")
    assert await slots(store) == ["d"]
    assert await slots(store, now=NOW + 50) == ["a", "d"]


async def test_edits_pass_a_first_post_that_is_held_up(store: Store) -> None:
    await put(store, "a", "one")
    await post_all(store)
    await put(store, "b")
    [taken] = await claim(store)
    await failed(store, taken, retry_at=NOW + 50)
    await put(store, "a", "two")
    assert await slots(store, edits=False) == []
    assert await slots(store) == ["a"]


async def test_a_reply_waits_for_its_thread(store: Store) -> None:
    await put(store, "op:1")
    await put(store, "op:1:line:1", parent="op:1")
    [card] = await claim(store)
    assert str(card.message_key) == "op:1"
    await sent(store, card, "7.7")
    [line] = await claim(store)
    assert (str(line.message_key), line.thread_ts) == ("op:1:line:1", "7.7")


async def test_replies_follow_the_state_of_their_post(store: Store) -> None:
    await put(store, "op:1")
    await put(store, "op:1:line:1", parent="op:1")
    await put(store, "other")
    [card] = await claim(store)
    assert await failed(store, card, retry_at=None)
    assert await slots(store) == ["other"]
    async with store.begin() as uow:
        dead = {str(post.message_key): post.last_error for post in await uow.outbox.dead()}
        assert dead == {"op:1": "bad", "op:1:line:1": "parent_dead"}
        assert await uow.outbox.requeue(MessageKey.parse("op:1"))
        assert not await uow.outbox.requeue(MessageKey.parse("nothing"))
        health = await uow.outbox.health(NOW + 30)
    assert (health.depth, health.oldest_age, health.dead) == (3, 30.0, 0)
    await post_all(store)
    async with store.read() as uow:
        assert [await uow.outbox.ts_of(MessageKey.parse(slot)) for slot in ("op:1", "op:1:line:1")] == [
            "ts-op:1",
            "ts-op:1:line:1",
        ]


async def test_new_content_gives_a_dead_letter_another_chance_elsewhere_too(store: Store) -> None:
    await put(store, "a", "one", channel="C-wrong")
    [taken] = await claim(store)
    await failed(store, taken, retry_at=None)
    await put(store, "a", "one", channel="C1")
    [taken] = await claim(store)
    assert (taken.channel, taken.version) == ("C1", 2)


async def test_posted_message_stays_in_its_channel(store: Store) -> None:
    await put(store, "a", "one", channel="C1")
    await post_all(store)
    await put(store, "a", "two", channel="C2")
    [taken] = await claim(store)
    assert (taken.channel, taken.ts) == ("C1", "ts-a")


async def test_a_refusal_of_old_content_does_not_kill_the_new(store: Store) -> None:
    await put(store, "a", "much too long")
    [taken] = await claim(store)
    await put(store, "a", "short")
    assert not await failed(store, taken, retry_at=None)
    assert await slots(store) == ["a"]


async def test_removed_message_is_deleted_and_untried_one_purged(store: Store) -> None:
    await put(store, "a")
    await post_all(store)
    await put(store, "b")
    async with store.begin() as uow:
        await uow.outbox.remove(MessageKey.parse("a"))
        await uow.outbox.remove(MessageKey.parse("b"))
        await uow.outbox.remove(MessageKey.parse("b"))
    [taken] = await claim(store)
    assert (str(taken.message_key), taken.removed, taken.ts) == ("a", True, "ts-a")
    async with store.begin() as uow:
        await uow.outbox.gone(taken, "me", NOW)
        assert (await uow.outbox.get(MessageKey.parse("a")), await uow.outbox.depth()) == (None, 0)


async def test_message_put_during_its_deletion_is_posted_again(store: Store) -> None:
    await put(store, "a", "one")
    await post_all(store)
    async with store.begin() as uow:
        await uow.outbox.remove(MessageKey.parse("a"))
    [taken] = await claim(store)
    await put(store, "a", "two")
    async with store.begin() as uow:
        await uow.outbox.gone(taken, "me", NOW)
    [taken] = await claim(store)
    assert (taken.ts, taken.removed, taken.maybe_sent, taken.content["text"]) == (None, False, False, "two")


async def test_a_message_removed_while_it_is_posted_is_deleted_next(store: Store) -> None:
    await put(store, "a")
    [taken] = await claim(store)
    async with store.begin() as uow:
        await uow.outbox.remove(MessageKey.parse("a"))
    await sent(store, taken, "1.0")
    [taken] = await claim(store)
    assert (taken.removed, taken.ts) == (True, "1.0")


async def test_no_two_processes_claim_one_row_or_one_channel(store: Store) -> None:
    for number in range(30):
        await put(store, f"s{number}", channel=f"C{number % 10}")
    claims = await asyncio.gather(*(claim(store, owner=f"p{number}") for number in range(4)))
    taken = [str(item.message_key) for batch in claims for item in batch]
    later = [str(item.message_key) for item in await claim(store, owner="late")]
    assert sorted([*taken, *later]) == sorted(f"s{number}" for number in range(10))


async def test_a_dead_owners_claim_is_taken_over_in_doubt(store: Store) -> None:
    await put(store, "a")
    [old] = await claim(store, "dead")
    assert await claim(store, "me", NOW + 59) == []
    [new] = await claim(store, "me", NOW + 60)
    assert (old.maybe_sent, new.maybe_sent, new.attempts) == (False, True, 2)


async def test_restarted_process_of_the_same_name_takes_its_claims(store: Store) -> None:
    await put(store, "a")
    await claim(store, "single")
    assert await claim(store, "single", busy=("C1",)) == []
    [again] = await claim(store, "single")
    assert again.maybe_sent


@pytest.mark.parametrize(("maybe_sent", "expected"), [(True, True), (False, False)])
async def test_a_failure_says_whether_the_row_is_in_doubt(store: Store, *, maybe_sent: bool, expected: bool) -> None:
    await put(store, "a")
    [taken] = await claim(store)
    await failed(store, taken, retry_at=NOW + 5, maybe_sent=maybe_sent)
    [again] = await claim(store, now=NOW + 5)
    assert again.maybe_sent is expected


async def test_first_recorded_sender_keeps_the_key(store: Store) -> None:
    await put(store, "a")
    [zombie] = await claim(store, "zombie")
    [replacement] = await claim(store, "next", NOW + 60)
    assert await sent(store, zombie, "1.0", "zombie") == "1.0"
    assert await sent(store, replacement, "2.0", "next") == "1.0"
    async with store.read() as uow:
        post = await uow.outbox.get(MessageKey.parse("a"))
    assert post is not None
    assert (post.ts, post.state) == ("1.0", "sent")


async def test_late_sender_learns_that_its_key_changed(store: Store) -> None:
    await put(store, "a")
    [zombie] = await claim(store, "zombie")
    [replacement] = await claim(store, "next", NOW + 60)
    await sent(store, replacement, "2.0", "next")
    assert await sent(store, zombie, "1.0", "zombie") == "2.0"
    async with store.begin() as uow:
        await uow.outbox.remove(MessageKey.parse("a"))
    [last] = await claim(store)
    async with store.begin() as uow:
        await uow.outbox.gone(last, "me", NOW)
    assert await sent(store, zombie, "1.0", "zombie") is None


async def test_a_poll_that_finds_nothing_new_writes_nothing(store: Store, clock: Clock) -> None:
    await put(store, "a", "one")
    async with store.begin() as uow:
        await uow.cluster_states.put("prod", ClusterState(term=1))
    await post_all(store)
    before = await _rows(store)
    clock.now += 100
    await put(store, "a", "one")
    async with store.begin() as uow:
        await uow.cluster_states.put("prod", ClusterState(term=1))
    assert await _rows(store) == before


async def _rows(store: Store) -> tuple[object, ...]:
    """Every column, and on PostgreSQL the transaction that wrote each row."""
    async with store.read() as uow:
        session = uow.outbox._session
        extra = ", xmin::text AS xmin" if session.postgres else ""
        posts = await session.rows(text(f"SELECT *{extra} FROM posts ORDER BY slot"))  # noqa: S608 - two constants
        return tuple(tuple(row.items()) for row in posts)


async def test_messages_are_recorded_together_unless_their_claim_or_row_changed(store: Store) -> None:
    for number in range(5):
        await put(store, f"alert:{number}", channel=f"C{number}")
    taken = await claim(store)
    await put(store, "alert:1", "newer", channel="C1")
    await sent(store, taken[2], "first")
    async with store.begin() as uow:
        await uow.fallback.forget(MessageKey.parse("alert:3"))
    assert len(await claim(store, "other", now=NOW + 61, busy=("C0", "C1", "C2"))) == 1
    async with store.begin() as uow:
        shown = [Shown(each, f"ts-{each.seq}", each.version) for each in taken]
        recorded = await uow.outbox.settle(shown, "me", NOW)
    assert sorted(recorded) == [taken[0].seq, taken[1].seq]
    async with store.read() as uow:
        posts = [await uow.outbox.get(MessageKey.parse(f"alert:{number}")) for number in range(5)]
    assert [post and (post.state, post.ts, post.version, post.sent_version) for post in posts] == [
        ("sent", f"ts-{taken[0].seq}", 1, 1),
        ("pending", f"ts-{taken[1].seq}", 2, 1),
        ("sent", "first", 1, 1),
        None,
        ("pending", None, 1, 0),
    ]


async def test_message_of_a_locked_row_is_left_to_be_recorded_alone(postgres: Postgres) -> None:
    name = await postgres.create_migrated()
    async with Store.open(postgres.url(name)) as store:
        await put(store, "alert:0", channel="C0")
        await put(store, "alert:1", channel="C1")
        taken = await claim(store)
        async with store.begin() as other:
            await other.outbox.put(MessageKey.parse("alert:0"), "C0", said("newer"))
            async with store.begin() as uow:
                recorded = await uow.outbox.settle([Shown(each, "ts", 1) for each in taken], "me", NOW)
    assert recorded == [taken[1].seq]
    await postgres.drop(name)
