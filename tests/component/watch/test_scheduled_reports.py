"""A summary is posted once in all, over restarts, late starts and several processes."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.reports.facts import OperationFact, Pending
from bot.alerting.reports.trend import Measurement
from bot.common.message_key import MessageKey
from bot.runtime.scheduler import Crontab
from bot.store.database import Store
from bot.watch.report_builder import OperationsOf, Reports
from bot.watch.scheduled_reports import ReportJob, Summaries
from tests.support.observed_store import ObservedStore

DAILY = Crontab("0 9 * * *", "UTC")
DAY = 86400.0
NINE = DAILY.latest(1_790_000_000.0) or 0.0
ENTRY = ReportJob("daily", "C1", ("prod",), DAILY.latest)
SHIFT = replace(ENTRY, job="shift", kind="handover")


async def watched_since(store: Store, at: float) -> None:
    """Store a healthy cluster and one measurement of it."""
    async with store.begin() as uow:
        await uow.cluster_states.put("prod", ClusterState(at=at, level="healthy", verdict="prod is healthy."))
        await uow.samples.add("prod", at, Measurement(term=1))


async def no_operations(_cluster: str, _since: float) -> Sequence[OperationFact]:
    return ()


async def nothing_pending(_cluster: str) -> Sequence[Pending]:
    return ()


def reports_of(
    store: Store, operations: OperationsOf = no_operations, *, at: float = NINE, handovers: Sequence[str] = ()
) -> Reports:
    return Reports(store, lambda: at, operations, nothing_pending, handovers)


def posting(store: Store) -> Summaries:
    return Summaries(store, reports_of(store), wake=lambda: None)


async def test_summary_fired_by_two_replicas_is_posted_once(store: ObservedStore) -> None:
    await watched_since(store, NINE - 60)
    woken: list[float] = []
    for _ in range(2):
        summaries = Summaries(store, reports_of(store), wake=lambda: woken.append(1))
        await summaries.fire(ENTRY, NINE, NINE + 1)
        await summaries.catch_up(ENTRY, NINE + 600)
    assert store.posted == ["Summary: prod is healthy."]
    assert woken == [1]
    assert store.state.outbox[f"summary:daily:{NINE:.0f}"][0] == "C1"


async def test_missed_summary_is_posted_after_the_start(store: ObservedStore) -> None:
    await watched_since(store, NINE - 600)
    assert await posting(store).catch_up(ENTRY, NINE + 5 * 3600)
    assert "late: due" in str(store.state.outbox[f"summary:daily:{NINE:.0f}"][1])


async def test_of_several_that_were_missed_the_last_is_made_good(store: ObservedStore) -> None:
    """A bot that was down for three days posts one summary, of all that happened since the last one."""
    await watched_since(store, NINE - 9 * DAY)
    asked: list[float] = []

    async def operations(_cluster: str, since: float) -> list[OperationFact]:
        asked.append(since)
        return []

    await posting(store).fire(ENTRY, NINE - 3 * DAY, NINE - 3 * DAY)
    summaries = Summaries(store, reports_of(store, operations), wake=lambda: None)
    assert await summaries.catch_up(ENTRY, NINE + 60)
    assert not await summaries.catch_up(ENTRY, NINE + 120)
    assert asked == [NINE - 3 * DAY]
    assert len(store.posted) == 2


async def test_it_is_not_made_good_long_after(store: ObservedStore) -> None:
    await watched_since(store, NINE - 600)
    assert not await posting(store).catch_up(ENTRY, NINE + 6 * 3600 + 1)


async def test_first_start_posts_no_missed_summary(store: ObservedStore) -> None:
    await watched_since(store, NINE + 60)
    assert not await posting(store).catch_up(ENTRY, NINE + 1800)
    assert store.posted == []


async def test_summary_covers_the_time_since_the_previous_due_time(store: ObservedStore) -> None:
    asked: list[float] = []

    async def operations(_cluster: str, since: float) -> list[OperationFact]:
        asked.append(since)
        return [OperationFact(since + 1, "balance turned off", "U1")]

    await watched_since(store, NINE - 60)
    reports = reports_of(store, operations)
    await Summaries(store, reports, wake=lambda: None).fire(ENTRY, NINE, NINE + 1)
    assert asked == [NINE - DAY]
    assert "balance turned off (requested by <@U1>)" in str(store.state.outbox[f"summary:daily:{NINE:.0f}"][1])


async def test_hand_over_covers_the_shift(store: ObservedStore) -> None:
    """The first one twelve hours, each further one the time since the one before; commands start there as well."""
    await watched_since(store, NINE - 60)
    asked: list[float] = []

    async def operations(_cluster: str, since: float) -> list[OperationFact]:
        asked.append(since)
        return []

    reports = reports_of(store, operations, at=NINE + 3600, handovers=("shift",))
    summaries = Summaries(store, reports, wake=lambda: None)
    await summaries.fire(SHIFT, NINE - 8 * 3600, NINE - 8 * 3600)
    await summaries.fire(SHIFT, NINE, NINE)
    await reports.handover(("prod",))
    await reports.handover(("prod",), NINE - 60)
    assert asked == [NINE - 20 * 3600, NINE - 8 * 3600, NINE, NINE - 60]
    assert store.posted[0].startswith("Hand-over: no alert is open.")


async def test_long_report_continues_in_the_thread(store: ObservedStore) -> None:
    await watched_since(store, NINE - 60)

    async def operations(_cluster: str, since: float) -> list[OperationFact]:
        return [OperationFact(since + n, f"change {n}") for n in range(60)]

    reports = reports_of(store, operations)
    await Summaries(store, reports, wake=lambda: None).fire(ENTRY, NINE, NINE)
    slot = f"summary:daily:{NINE:.0f}"
    assert "change 50" not in str(store.state.outbox[slot][1])
    channel, reply, parent, broadcast = store.state.outbox[f"{slot}:0"]
    assert "change 59" in str(reply)
    assert (channel, parent, broadcast) == ("C1", slot, False)


async def test_of_several_processes_one_posts_it(tmp_path: Path) -> None:
    """On a real database, fired at the same moment."""
    async with Store.open(f"sqlite:///{tmp_path / 'cmbot.db'}") as store:
        await store.migrate()
        async with store.begin() as uow:
            await uow.cluster_states.put("prod", ClusterState(at=NINE, level="healthy", verdict="prod is healthy."))
            for hour in range(24 * 31):
                used = (1 << 40) + hour * (1 << 30)
                at = NINE - hour * 3600
                await uow.samples.add("prod", at, Measurement(used=used, total=10 << 40, writable=5 << 40))
        fired = await asyncio.gather(*(posting(store).fire(ENTRY, NINE, NINE + 1) for _ in range(4)))
        assert sorted(fired) == [False, False, False, True]
        async with store.read() as uow:
            post = await uow.outbox.get(MessageKey.parse(f"summary:daily:{NINE:.0f}"))
            timeseries = await reports_of(store).timeseries("prod", 30 * DAY)
    assert post is not None
    assert post.text.startswith("Summary: prod is healthy.")
    assert len(timeseries.shown) <= 20
    assert timeseries.trend.samples in range(150, 240)


@pytest.mark.parametrize("ahead", [365 * DAY, -3600.0])
async def test_it_covers_the_same_time_when_the_clock_was_set(store: ObservedStore, ahead: float) -> None:
    """Due by the system clock, it reports on what the clock of the process dated; each due time is posted once."""
    asked: list[float] = []

    async def operations(_cluster: str, since: float) -> list[OperationFact]:
        asked.append(since)
        return []

    await watched_since(store, NINE - DAY)
    await posting(store).fire(ENTRY, NINE - 5 * 3600, NINE - 5 * 3600)
    summaries = Summaries(store, reports_of(store, operations), wake=lambda: None, ahead=lambda: ahead)
    due_at = DAILY.latest(NINE + ahead + DAY) or 0.0
    assert await summaries.fire(ENTRY, due_at, due_at + 60)
    assert not await summaries.catch_up(ENTRY, due_at + 120)
    assert asked == [NINE - 5 * 3600]
    assert len(store.posted) == 2
