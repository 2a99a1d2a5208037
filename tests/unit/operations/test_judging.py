"""A switch is judged in time, whatever is silent: somebody waits for the answer."""

import asyncio

import pytest

from bot.operations.requests import TaskSwitch
from bot.workflow import evaluation as judging
from bot.workflow.evaluation import evaluate
from tests.support.in_memory_ports import FakeApi, FakeCluster
from tests.support.view_samples import healthy


class Holding(FakeApi):
    """A cluster without a quorum: it holds every linear read."""

    async def config_get(self, key: str, *, host: str | None = None) -> str | None:
        """Never answer."""
        await asyncio.Event().wait()
        raise AssertionError(key, host)


async def test_a_value_that_is_held_back_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dialect is told at once, the value never: the verdict says so."""
    monkeypatch.setattr(judging, "SWITCH_SECONDS", 0.01)
    evaluation = await evaluate(FakeCluster(seen=[healthy()], api=Holding()), TaskSwitch("balance", on=True), ())
    told = " ".join(check.sentence for check in evaluation.verdict.checks)
    assert "prod did not tell the value of balance in time" in told
    assert evaluation.seen.switch is not None
    assert evaluation.seen.switch.meaning == "not read"
