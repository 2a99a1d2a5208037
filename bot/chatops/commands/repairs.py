"""/cm repairs: the repairs and drops of disks, from the counts that the watch takes."""

from collections.abc import AsyncIterator, Mapping, Sequence

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.task_activity import TaskActivity, activities
from bot.chatops.commands.stat import NoArgs
from bot.clustermgr.tasks import Dialect
from bot.common.errors import StoreError
from bot.interactions.command import Call, Command, Reply
from bot.operations.model import Operation
from bot.operations.own_work import all_work
from bot.views.repairs import RepairReport, repairs

_TASKS = ("disk_repair", "disk_drop")


async def run_repairs(call: Call, _: NoArgs) -> AsyncIterator[Reply]:
    """Answer from what the watch and the operations keep: nothing is read for it from the cluster."""
    cluster = call.the_cluster.name
    state = call.remembered(cluster).state
    operations = await _of_disks(call)
    report = RepairReport(
        cluster,
        all_work(state, operations or (), call.now),
        state.disks_at,
        call.now,
        _activities(state, call.now),
        state.background,
        dropping_at=state.dropping_at,
        own_known=operations is not None,
    )
    yield Reply(repairs(report), private=False)


async def _of_disks(call: Call) -> Sequence[Operation] | None:
    """The operations on disks; None while the database is silent."""
    try:
        return await call.operations.of_disks(call.the_cluster.name)
    except StoreError:
        return None


def _activities(state: ClusterState, now: float) -> Mapping[str, TaskActivity]:
    if not state.dialect:
        return {}
    values = {key: note.value for key, note in state.switches.items()}
    found = activities(values, Dialect(state.dialect), state, now)
    return {task: found[task] for task in _TASKS}


REPAIRS = Command(
    path=("repairs",),
    summary="The repairs and drops of disks: how much is done, how many units are left, and an estimate.",
    args=NoArgs,
    run=run_repairs,
    examples=("/cm repairs", "/cm repairs prod"),
    notes="The watch counts the units left on these disks once a minute, at most 16 disks each time. A drop that "
    "cmbot began is listed at once. An estimate needs two counts, and a unit that moved lately. The "
    "numbers of the schedulers are shown where the settings name or allow them.",
)
