"""Checks of the work that empties or rebuilds a disk: its switch, its scheduler, and other open operations. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.clustermgr.disk_facts import DiskFacts
from bot.clustermgr.tasks import SwitchEffect
from bot.operations.preflight.context import MEMBERSHIP, PreflightContext
from bot.operations.preflight.facts import disks as f
from bot.operations.preflight.facts.disks import DiskChange
from bot.operations.preflight.verdict import Check, Fact, block, passed, warn
from bot.operations.requests import OpKind

TASK_OF: Mapping[DiskChange, str] = MappingProxyType(
    {DiskChange.OFFLINE: "disk_drop", DiskChange.BROKEN: "disk_repair"}
)
"""The background task that does the work after a change."""
_OFF = frozenset({SwitchEffect.DO_NOT_RUN, SwitchEffect.WRITE_OFF, SwitchEffect.TAKE_AS_OFF})
MAX_SCHEDULERS = 8
"""Limit of schedulers that one check names."""


def work_checks(change: DiskChange, known: DiskFacts) -> tuple[Check, ...]:
    """Check that the task of the change is on, and that a scheduler is there to run it.

    A drop cannot be cancelled, so what was not read refuses it. A disk that is declared broken has lost its units
    before: there it only warns.
    """
    return (_task(change, known), _scheduler(change, known))


def _unread(change: DiskChange, key: str, fact: Fact) -> Check:
    return block(key, fact, forceable=True) if change is DiskChange.OFFLINE else warn(key, fact)


def _task(change: DiskChange, known: DiskFacts) -> Check:
    task = TASK_OF[change]
    switch = known.switches.get(task)
    if switch is None:
        return _unread(change, "task", f.TaskUnknown(task, ""))
    if switch.effect is SwitchEffect.RUN:
        return passed("task", f.TaskIsOn(task))
    if switch.effect in _OFF:
        return block("task", f.TaskIsOff(task, switch.word), forceable=True, bound=switch.word)
    return warn("task", f.TaskUnknown(task, switch.word), bound=switch.word)


def _scheduler(change: DiskChange, known: DiskFacts) -> Check:
    hosts = known.schedulers
    if hosts is None:
        return _unread(change, "scheduler", f.SchedulersUnknown())
    if not hosts:
        return block("scheduler", f.NoScheduler(), forceable=True)
    return passed("scheduler", f.SchedulersThere(hosts[:MAX_SCHEDULERS]))


def beside_check(change: DiskChange, facts: PreflightContext) -> tuple[Check, ...]:
    """Name an open change of members or of the task: it does not exclude this one, but may disturb it."""
    task = TASK_OF.get(change, "")
    for op in facts.operations:
        if op.kind in MEMBERSHIP or (op.kind is OpKind.TASK_SWITCH and task and op.task == task):
            return (warn("beside", f.OperationBeside(op.id, op.kind, op.state, op.task), bound=str(op.id)),)
    return ()
