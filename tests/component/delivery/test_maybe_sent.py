"""A message that may have been posted is looked for where it is, though the clock of the process is not Slack's."""

import asyncio
from random import Random

import pytest

from bot.delivery.worker import Outbox, RateLimit
from bot.runtime.clock import earliest
from bot.store.database import Store
from tests.component.delivery.test_worker import AGES, once, put
from tests.support.databases import Clock
from tests.support.scripted_slack import FakeSlack, Fault


@pytest.mark.parametrize("ahead", [-3600.0, 0.0, 3600.0, 365 * 86400.0])
async def test_lost_answer_posts_no_duplicate_with_any_clock(store: Store, clock: Clock, ahead: float) -> None:
    """The process went on by its own clock when the system clock was set; Slack's clock did not change."""
    slack_now = Clock(clock.now)
    slack = FakeSlack(slack_now)
    clock.now += ahead

    async def pause(event: asyncio.Event, seconds: float) -> None:
        before = clock.now
        await clock.pause(event, seconds)
        slack_now.now += clock.now - before

    outbox = Outbox(
        store,
        slack,
        owner="one",
        clock=clock,
        random=Random(1).random,
        pace=RateLimit(0.0, 1),
        pause=pause,
        posted_after=lambda at: earliest(at, clock(), slack_now()),
    )
    slack.fault = once(Fault.LOST_AFTER)
    await put(store, "alert:1", "One disk is broken.")
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts() == ["One disk is broken."]
