"""The outbox's fixtures: a store on each database, a Slack of our own, and an outbox between them."""

from collections.abc import Callable
from random import Random

import pytest

from bot.delivery.worker import Outbox
from bot.store.database import Store
from tests.support.databases import Clock, clock, database_url, postgres, store
from tests.support.scripted_slack import FakeSlack

__all__ = ["clock", "database_url", "postgres", "store"]

MakeOutbox = Callable[..., Outbox]


@pytest.fixture
def slack(clock: Clock) -> FakeSlack:
    """A Slack that obeys unless a test tells it otherwise."""
    return FakeSlack(clock)


@pytest.fixture
def make(store: Store, slack: FakeSlack, clock: Clock) -> MakeOutbox:
    """Makes outboxes on the test's clock, whose waits take no time."""

    def build(owner: str = "me", **options: object) -> Outbox:
        settings: dict[str, object] = {"clock": clock, "random": Random(7).random, "pause": clock.pause}
        return Outbox(store, slack, owner=owner, **{**settings, **options})  # type: ignore[arg-type]

    return build
