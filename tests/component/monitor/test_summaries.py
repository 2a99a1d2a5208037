"""A summary is posted once in all, over restarts and late starts."""

from pathlib import Path

from bot.monitor.summaries import Entry, Summaries
from bot.monitor.summary import Deed
from bot.schedule import Crontab
from bot.store.store import Store
from tests.watchkit import FakeStore

DAILY = Crontab("0 9 * * *", "UTC")
NINE = DAILY.latest(1_790_000_000.0) or 0.0
ENTRY = Entry("daily", "C1", ("prod",), DAILY.latest)


def noted(at: float) -> FakeStore:
    store = FakeStore()
    store.state.memory["prod"] = {"at": at, "level": "healthy", "verdict": "prod is healthy."}
    store.state.samples.append(("prod", at, {"term": 1}))
    return store


async def test_it_is_posted_once_whoever_else_fires_it() -> None:
    store, woken = noted(NINE - 60), []
    for _ in range(2):
        summaries = Summaries(store, wake=lambda: woken.append(1))
        await summaries.fire(ENTRY, NINE, NINE + 1)
        await summaries.catch_up(ENTRY, NINE + 600)
    assert store.told == ["Summary: prod is healthy."]
    assert woken == [1]
    assert store.state.outbox[f"summary:daily:{NINE:.0f}"][0] == "C1"


async def test_it_is_made_good_when_the_bot_was_down_at_that_time() -> None:
    store = noted(NINE - 600)
    assert await Summaries(store, wake=lambda: None).catch_up(ENTRY, NINE + 1800)


async def test_it_is_not_made_good_long_after() -> None:
    store = noted(NINE - 600)
    assert not await Summaries(store, wake=lambda: None).catch_up(ENTRY, NINE + 3601)


async def test_a_bot_started_for_the_first_time_has_nothing_to_make_good() -> None:
    store = noted(NINE + 60)
    assert not await Summaries(store, wake=lambda: None).catch_up(ENTRY, NINE + 1800)
    assert store.told == []


async def test_it_covers_the_time_since_the_one_before() -> None:
    asked: list[float] = []

    async def deeds(_cluster: str, since: float) -> list[Deed]:
        asked.append(since)
        return [Deed(since + 1, "balance turned off", "U1")]

    store = noted(NINE - 60)
    await Summaries(store, wake=lambda: None, deeds=deeds).fire(ENTRY, NINE, NINE + 1)
    assert asked == [NINE - 86400]
    assert "balance turned off (<@U1>)" in str(store.state.outbox[f"summary:daily:{NINE:.0f}"][1])


async def test_it_works_on_a_real_database(tmp_path: Path) -> None:
    async with Store.open(f"sqlite:///{tmp_path / 'cmbot.db'}") as store:
        await store.migrate()
        async with store.begin() as uow:
            await uow.memory.put("prod", {"at": NINE, "level": "healthy", "verdict": "prod is healthy."})
        summaries = Summaries(store, wake=lambda: None)
        assert await summaries.fire(ENTRY, NINE, NINE + 1)
        assert not await summaries.fire(ENTRY, NINE, NINE + 2)
        async with store.read() as uow:
            post = await uow.outbox.get(f"summary:daily:{NINE:.0f}")
    assert post is not None
    assert post.text == "Summary: prod is healthy."
