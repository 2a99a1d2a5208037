"""The switch of one task is the one that the whole list has, in each dialect and while nothing is known."""

import pytest

from bot.alerting.cluster_state.observations import SwitchNote
from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.cluster_state.switches import FRESH, switch_of, switches
from bot.clustermgr.tasks import TASKS, WORDS, Dialect

NOW = 1_000.0


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("value", [None, *WORDS[Dialect.V1], *WORDS[Dialect.V3], "Enabled"])
def test_switch_of_one_task_is_that_of_the_list(dialect: Dialect, value: str | None) -> None:
    keys = {task.keys[dialect] for task in TASKS if dialect in task.keys} - {"balance"}
    state = ClusterState(dialect=dialect, switches_at=NOW, switches={key: SwitchNote(value, 1.0) for key in keys})
    listed = {switch.task: switch for switch in switches(state, NOW) or ()}
    assert len(listed) == len(keys)
    assert {task.name: switch_of(state, task.name, NOW) for task in TASKS} == {
        task.name: listed.get(task.name) for task in TASKS
    }


def test_switch_that_was_read_too_long_ago_is_not_known() -> None:
    state = ClusterState(dialect=Dialect.V3, switches_at=NOW, switches={"balance": SwitchNote("true", 1.0)})
    assert switch_of(state, "balance", NOW + FRESH) is not None
    assert switch_of(state, "balance", NOW + FRESH + 1) is None
    assert switches(state, NOW + FRESH + 1) is None
