"""Every alert that the panel of the demo lists is seen within two minutes after its button."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from bot.cli.demo import Demo, demo
from bot.playground.clustermgr_sim.recipes import RECIPES
from tests.e2e.conftest import QUICK

pytestmark = pytest.mark.fast_time

TWO_MINUTES = 120.0


@pytest.fixture
async def trial() -> AsyncIterator[Demo]:
    """The demo as `cmbot demo` starts it, with quicker nodes."""
    async with demo(
        port=0, timing=QUICK, poll=1.0, example_ports=False, clock=time.time, schedulers=1, fast_alerts=True
    ) as parts:
        yield parts


@pytest.mark.parametrize("rule", RECIPES)
async def test_alert_is_seen_within_two_minutes(trial: Demo, rule: str) -> None:
    await asyncio.sleep(15.0)
    clusters = list(trial.clusters.values())
    await RECIPES[rule].does(trial.clusters["prod"], clusters)
    seen: set[str] = set()
    async with asyncio.timeout(TWO_MINUTES):
        while rule not in seen:
            await asyncio.sleep(1.0)
            seen |= {each.rule for each in await trial.app.alert_actions.open()}
