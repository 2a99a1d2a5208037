"""How many lines a fault causes: of the real parts, over the real pipeline of the log."""

from random import Random

import pytest

from bot.alerting.rules.thresholds import configure
from bot.clustermgr.models import Snapshot
from bot.common.errors import ClusterUnreachable
from bot.common.message_key import MessageKey
from bot.delivery.worker import Outbox
from bot.interactions.message import Message
from bot.store.database import Store
from bot.watch.planning import Watched
from bot.watch.watcher import Watcher
from tests.support.databases import Clock
from tests.support.log_lines import FIRST_MINUTE, log_lines
from tests.support.observed_store import observed_store
from tests.support.scripted_slack import FakeSlack, Fault
from tests.support.watch_builders import polled

CLUSTERS = 300
POLLS = 16


def watch_of(number: int, store: Store, *, down: bool) -> Watcher:
    """The watch on a cluster that answers, or does not."""

    async def poll(_partial: object) -> Snapshot:
        if down:
            raise ClusterUnreachable(f"10.0.{number // 250}.{number % 250}:9998 did not answer.", host="h")
        return polled(1_000_000.0)

    return Watcher(Watched(f"c{number}", "C1", 15, configure({})), poll, store, wake=lambda: None)


@pytest.mark.parametrize("fault", ["clusters", "database"])
async def test_three_hundred_failing_watches_stay_within_the_bound(fault: str) -> None:
    async with observed_store() as store:
        store.down = fault == "database"
        watches = [watch_of(number, store, down=fault == "clusters") for number in range(CLUSTERS)]
        with log_lines() as log:
            for _ in range(POLLS):
                for watch in watches:
                    await watch.tick(1_000_000.0)
            log.sum_up()
    assert log.excess() == {}
    # A failure is logged the 1st, 2nd, 4th, 8th and 16th time.
    written = len(log.of("tick_failed"))
    assert written + log.counted("tick_failed") == 5 * CLUSTERS
    assert written == FIRST_MINUTE


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.LIMITED])
async def test_outbox_without_slack_stays_within_the_bound(store: Store, clock: Clock, fault: Fault) -> None:
    slack = FakeSlack(clock, fault=lambda _method, _channel: fault)
    async with store.begin() as uow:
        for number in range(CLUSTERS):
            await uow.outbox.put(MessageKey.parse(f"alert:{number}"), f"C{number}", Message("broken"))
    outbox = Outbox(store, slack, owner="me", clock=clock, random=Random(7).random, pause=clock.pause)
    with log_lines() as log:
        await outbox.drain(patience=30.0)
        log.sum_up()
    assert log.excess() == {}
    assert len(log.of("outbox.failed")) <= FIRST_MINUTE
