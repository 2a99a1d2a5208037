"""The outbox's fixtures: a Slack that a test controls, and an outbox between it and the store."""

from collections.abc import Callable
from random import Random

import pytest

from bot.delivery.worker import Outbox
from bot.store.database import Store
from tests.support.databases import Clock
from tests.support.scripted_slack import FakeSlack

MakeOutbox = Callable[..., Outbox]


@pytest.fixture
def slack(clock: Clock) -> FakeSlack:
    """A Slack that obeys unless a test tells it otherwise."""
    return FakeSlack(clock)


@pytest.fixture
def make(store: Store, slack: FakeSlack, clock: Clock) -> MakeOutbox:
    """Makes outboxes on the test's clock, whose waits take no time."""

    def build(owner: str = "me", **options: object) -> Outbox:
        settings: dict[str, object] = {"clock": clock, "random": Random(7).random, "pause": clock.pause, "idle": 600.0}
        return Outbox(store, slack, owner=owner, **{**settings, **options})  # type: ignore[arg-type]

    return build
