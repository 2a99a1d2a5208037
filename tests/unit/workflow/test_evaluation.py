"""A switch is evaluated in time even when hosts are silent, because a person waits for the answer."""

import asyncio

import pytest

from bot.operations.requests import TaskSwitch
from bot.views.preflight_text.table import check_text
from bot.workflow import evaluation
from bot.workflow.evaluation import evaluate
from tests.support.in_memory_ports import FakeApi, FakeCluster
from tests.support.view_samples import healthy


class Holding(FakeApi):
    """A cluster without a quorum: it holds every linear read."""

    async def config_get(self, key: str, *, host: str | None = None) -> str | None:
        """Never answer."""
        await asyncio.Event().wait()
        raise AssertionError(key, host)


async def test_value_that_never_comes_does_not_delay_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dialect is known at once, the value never: a check says so."""
    monkeypatch.setattr(evaluation, "SWITCH_SECONDS", 0.01)
    monkeypatch.setattr(evaluation, "VALUE_SECONDS", 0.01)
    made = await evaluate(FakeCluster(seen=[healthy()], api=Holding()), TaskSwitch("balance", on=True), ())
    text = " ".join(check_text(check).sentence for check in made.verdict.checks)
    assert "prod did not tell the value of balance in time" in text
    assert made.seen.switch is not None
    assert made.seen.switch.meaning == "not read"
