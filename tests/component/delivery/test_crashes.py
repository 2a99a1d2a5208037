"""Crashes, zombies and seeded schedules of faults: every slot ends once in its channel, newest content, in order."""

import asyncio
from random import Random

import pytest
from structlog.testing import capture_logs

from bot.common.errors import SlackError, SlackLost
from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.store.database import Store
from tests.component.delivery.conftest import MakeOutbox
from tests.support.databases import Clock, optional_key
from tests.support.scripted_slack import FakeSlack, Fault

AGES = 1e6
STEPS = 60


class Story:
    """What was put, in order: the truth that the channels must show at the end."""

    def __init__(self, store: Store, dice: Random) -> None:
        self._store = store
        self._dice = dice
        self._count = 0
        self.truth: dict[str, dict[str, str]] = {"C1": {}, "C2": {}, "C3": {}}

    async def go_on(self) -> None:
        """Put, edit or remove something."""
        channel = self._dice.choice(list(self.truth))
        held = self.truth[channel]
        kind = self._dice.choice(("post", "reply", "edit", "edit", "remove"))
        self._count += 1
        if kind == "post" or not held:
            await self._put(f"{channel}:{self._count}", channel)
        elif kind == "reply":
            await self._put(f"{channel}:{self._count}", channel, parent=self._dice.choice(list(held)))
        elif kind == "edit":
            await self._put(self._dice.choice(list(held)), channel)
        elif lines := [slot for slot in held if slot not in self._parents]:
            slot = self._dice.choice(lines)
            del held[slot]
            async with self._store.begin() as uow:
                await uow.outbox.remove(MessageKey.parse(slot))

    _parents: frozenset[str] = frozenset()

    async def _put(self, slot: str, channel: str, parent: str | None = None) -> None:
        words = f"{slot} as of {self._count}"
        parent = None if parent in self._replies else parent
        if parent is not None:
            self._parents |= {parent}
            self._replies |= {slot}
        self.truth[channel][slot] = words
        async with self._store.begin() as uow:
            await uow.outbox.put(MessageKey.parse(slot), channel, Message(words), parent=optional_key(parent))

    _replies: frozenset[str] = frozenset()


async def _some_moment_in(work: asyncio.Task[int], slack: FakeSlack, dice: Random) -> None:
    """Before, in the middle of or after a call to Slack."""
    if dice.random() < 0.7:
        entered = asyncio.create_task(slack.entered.wait())
        await asyncio.wait({work, entered}, return_when=asyncio.FIRST_COMPLETED)
        entered.cancel()
    for _ in range(dice.randrange(6)):
        await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(4))
async def test_messages_end_once_correct_and_in_order_after_failures(
    store: Store, slack: FakeSlack, make: MakeOutbox, clock: Clock, seed: int
) -> None:
    dice = Random(seed)
    story = Story(store, dice)
    faults = [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.DOUBLED, Fault.LIMITED, Fault.DOWN]
    slack.fault = lambda _method, _channel: dice.choice(faults) if dice.random() < 0.35 else None
    crashes = 0
    outbox = make("p0")
    for _ in range(STEPS):
        await story.go_on()
        slack.entered.clear()
        work = asyncio.create_task(outbox.drain(patience=dice.choice((0.0, 5.0, 100.0))))
        if dice.random() < 0.4:
            await _some_moment_in(work, slack, dice)
            crashes += work.cancel()
            outbox = make(f"p{crashes}")
        await asyncio.gather(work, return_exceptions=True)
        clock.now += dice.choice((0.0, 1.0, 30.0, 90.0))
    slack.fault = lambda _method, _channel: None
    assert await outbox.drain(patience=AGES) == 0
    shown = {channel: [(item.slot, item.text) for item in slack.shown.get(channel, [])] for channel in story.truth}
    assert shown == {channel: list(held.items()) for channel, held in story.truth.items()}
    assert crashes > 5
    assert (await outbox.health()).dead == 0


async def test_worker_killed_during_a_post_leaves_one_message(
    store: Store, slack: FakeSlack, make: MakeOutbox, clock: Clock
) -> None:
    async with store.begin() as uow:
        await uow.outbox.put(MessageKey.parse("a"), "C1", Message("one"))
    slack.fault = lambda method, _channel: Fault.LATE if method == "post" and len(slack.calls) == 1 else None
    work = asyncio.create_task(make("dead").drain())
    await slack.entered.wait()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    clock.now += 61
    assert await make("next").drain(patience=AGES) == 0
    assert slack.texts() == ["one"]


async def _zombie(store: Store, slack: FakeSlack, make: MakeOutbox, clock: Clock) -> asyncio.Task[int]:
    """A worker that stands still in its call, beyond its lease."""
    async with store.begin() as uow:
        await uow.outbox.put(MessageKey.parse("a"), "C1", Message("one"))
    slack.gate.clear()
    work = asyncio.create_task(make("zombie").drain())
    await slack.entered.wait()
    clock.now += 61
    return work


async def test_resumed_worker_deletes_its_duplicate_post(
    store: Store, slack: FakeSlack, make: MakeOutbox, clock: Clock
) -> None:
    zombie = await _zombie(store, slack, make, clock)
    held, slack.gate = slack.gate, asyncio.Event()
    slack.gate.set()
    assert await make("next").drain(patience=AGES) == 0
    assert slack.texts() == ["one"]
    held.set()
    await zombie
    assert slack.texts() == ["one"]
    async with store.read() as uow:
        assert await uow.outbox.ts_of(MessageKey.parse("a")) == slack.shown["C1"][0].ts


async def test_paused_and_next_worker_leave_one_message(
    store: Store, slack: FakeSlack, make: MakeOutbox, clock: Clock
) -> None:
    zombie = await _zombie(store, slack, make, clock)
    slack.entered.clear()
    replacement = asyncio.create_task(make("next").drain(patience=AGES))
    await slack.entered.wait()
    slack.gate.set()
    await asyncio.gather(zombie, replacement)
    async with store.read() as uow:
        assert [item.ts for item in slack.shown["C1"]] == [await uow.outbox.ts_of(MessageKey.parse("a"))]


async def test_several_workers_share_the_channels_without_doubling(
    store: Store, slack: FakeSlack, make: MakeOutbox
) -> None:
    async with store.begin() as uow:
        for number in range(24):
            await uow.outbox.put(MessageKey.parse(f"s{number}"), f"C{number % 6}", Message(f"{number}"))
    await asyncio.gather(*(make(f"p{number}").drain(patience=AGES) for number in range(3)))
    assert {channel: slack.texts(channel) for channel in slack.shown} == {
        f"C{channel}": [str(number) for number in range(channel, 24, 6)] for channel in range(6)
    }


@pytest.mark.parametrize("error", [SlackLost("Too large.", code="bad_answer"), SlackError("New.", code="new_code")])
async def test_same_failure_of_a_message_is_logged_once(
    store: Store, slack: FakeSlack, make: MakeOutbox, error: SlackError
) -> None:
    async with store.begin() as uow:
        await uow.outbox.put(MessageKey.parse("a"), "C1", Message("one"))
    slack.errors = [error] * 5
    with capture_logs() as lines:
        assert await make().drain(patience=AGES) == 0
    assert slack.texts() == ["one"]
    warned = [line for line in lines if line["event"] == "outbox.failed" and line["log_level"] == "warning"]
    assert [line["code"] for line in warned] == [error.code]
