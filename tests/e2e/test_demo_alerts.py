"""Every alert that the panel of the demo lists is seen after its button."""

import asyncio
import time
from collections.abc import AsyncIterator
from http import HTTPStatus

import aiohttp
import pytest

from bot.cli.demo import POLL_SECONDS, Demo, demo
from bot.operations.policy import PolicyMode
from bot.playground.clustermgr_sim.recipes import RECIPES
from bot.playground.slack_sim.server import MARK
from tests.e2e.conftest import QUICK

HASTE = 10
"""Times as fast as the machine's clock is the program's in the test that waits for slow answers."""


@pytest.fixture
async def trial() -> AsyncIterator[Demo]:
    """The demo as `cmbot demo` starts it, with quicker nodes."""
    async with demo(
        port=0,
        policies=PolicyMode.LOOSE,
        timing=QUICK,
        poll=POLL_SECONDS,
        example_ports=False,
        clock=time.time,
        schedulers=1,
        fast_alerts=True,
    ) as parts:
        yield parts


PATIENCE = 4
"""Times as long as a recipe takes, for a machine that is busy."""


UNTIMED = frozenset({"slow_answers"})
"""The time of an answer is measured by the machine's clock, which waiting does not speed up in these tests."""


@pytest.mark.long
@pytest.mark.fast_time
@pytest.mark.parametrize("rule", [rule for rule in RECIPES if rule not in UNTIMED])
async def test_alert_is_seen_after_its_button(trial: Demo, rule: str) -> None:
    await asyncio.sleep(15.0)
    clusters = list(trial.clusters.values())
    await RECIPES[rule].does(trial.clusters["prod"], clusters)
    seen: set[str] = set()
    async with asyncio.timeout(PATIENCE * RECIPES[rule].within):
        while rule not in seen:
            await asyncio.sleep(1.0)
            seen |= {each.rule for each in await trial.app.alert_actions.open()}


async def test_slow_answers_are_seen_after_their_button() -> None:
    """Not in fast time: the answers take as long as they say. Only what the alert holds passes more quickly."""
    began = time.time()
    async with demo(
        port=0,
        timing=QUICK,
        example_ports=False,
        clock=lambda: began + HASTE * (time.time() - began),
        fast_alerts=True,
    ) as trial:
        recipe = RECIPES["slow_answers"]
        prod = trial.clusters["prod"]
        await prod.until(lambda: bool(prod.leader))
        await recipe.does(prod, list(trial.clusters.values()))
        slow = "is slow: each answer to `/stat` takes more than 1 s"
        await trial.slack.wait_for("C0STORAGE", lambda m: slow in m.full_text, timeout=recipe.within)


@pytest.mark.fast_time
async def test_panel_lists_the_alerts_and_does_what_its_button_says(trial: Demo) -> None:
    origin = trial.slack.page_url.rstrip("/").partition("/#")[0]
    async with aiohttp.ClientSession(origin, headers={MARK: "1"}) as web:
        async with web.get("/control/alerts") as answer:
            listed = await answer.json()
        assert [each["rule"] for each in listed["recipes"]] == list(RECIPES)
        async with web.post("/control/alerts/prod/disk_broken", json={}) as answer:
            assert await answer.json() == {"ok": True}
        async with web.post("/control/alerts/prod/none", json={}) as answer:
            assert answer.status == HTTPStatus.NOT_FOUND
    assert any(disk.status != 1 for disk in trial.clusters["prod"].data.disks.values())
