"""The end of a time limit: why the old value is not restored, and the state that ends the operation."""

from dataclasses import replace

import pytest

from bot.operations.change_request import RequestOptions, Reversion
from bot.operations.model import ObservedState, ObservedSwitch, Operation, OpState
from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.preflight.verdict import LegacyFact, PreflightResult, block
from bot.operations.requests import TaskSwitch
from bot.views.step_text import step_text
from bot.workflow.evaluation import NOT_READ, Evaluation
from bot.workflow.reversions import hindrance

SWITCH = ObservedSwitch("balance", "false", "off", "true", "v3")
BACK = Operation(
    "prod", TaskSwitch("balance", on=True), "U0ANNA", 0.0, 0.0, options=RequestOptions(reverts=Reversion(7, 7, "false"))
)
FREE = PreflightResult((), Fingerprint())
REFUSED = PreflightResult((block("quorum", LegacyFact("The quorum is lost.", "Start a voter.")),), Fingerprint())


@pytest.mark.parametrize(
    ("verdict", "switch", "state", "text"),
    [
        (FREE, SWITCH, None, ""),
        (REFUSED, SWITCH, OpState.BLOCKED, "The quorum is lost. to restore it: `/cm task enable balance prod`"),
        (FREE, None, OpState.BLOCKED, "the stored value of balance could not be read; to restore it: "),
        (FREE, replace(SWITCH, meaning=NOT_READ), OpState.BLOCKED, "the stored value of balance could not be read; "),
        (
            FREE,
            replace(SWITCH, value="true", meaning="on"),
            OpState.CANCELLED,
            "skipped: balance is on now, no longer what operation #7 set, so it stays as it is",
        ),
    ],
)
def test_old_value_is_restored_only_over_the_set_one(
    verdict: PreflightResult, switch: ObservedSwitch | None, state: OpState | None, text: str
) -> None:
    found = hindrance(BACK, Evaluation(verdict, ObservedState(switch=switch)))
    assert (found and found.state) is state
    why = step_text(found.fact) if found else ""
    assert why.startswith(text)
    assert bool(why) == bool(text)
