"""The switches of a cluster task by task, and their meaning to its services. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.cluster_state.background import TaskHindrance, hindrance
from bot.alerting.cluster_state.observations import SwitchNote
from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.risk_facts import NotRebuilt
from bot.alerting.rules.base import RuleContext
from bot.clustermgr.tasks import TASKS, Dialect, Meaning, find_task, meaning_of
from bot.common.frozen import frozen

FRESH = 600.0
"""Seconds for which a switch that was read counts as known."""


@frozen
class SwitchState:
    """The switch of one task as it was last read."""

    task: str
    key: str
    note: SwitchNote
    meaning: Meaning
    dialect: Dialect

    @property
    def off(self) -> bool:
        """True if services treat it as off; older services ignore a value that they do not know."""
        return self.meaning.word == "off" or (self.dialect is Dialect.V3 and self.meaning.word != "on")


def answers_reads(context: RuleContext) -> bool:
    """True if the cluster answers reads now; if not, earlier values may be stale."""
    snapshot = context.snapshot
    return snapshot.leader is not None or snapshot.bad_disks is not None or bool(snapshot.switches)


@frozen
class _Switches:
    """What `known_now` found, kept in the context: several rules ask for it."""

    known: tuple[SwitchState, ...] | None


def known_now(context: RuleContext) -> tuple[SwitchState, ...] | None:
    """Each task's switch now, None while unknown; computed once for a context."""
    found = context.computed.get(_Switches)
    if not isinstance(found, _Switches):
        found = _Switches(switches(context.state, context.now) if answers_reads(context) else None)
        context.computed[_Switches] = found
    return found.known


def switches(state: ClusterState, now: float) -> tuple[SwitchState, ...] | None:
    """Each task's switch, None while unknown."""
    if not _are_known(state, now):
        return None
    known = (_switch(state, task.name, task.keys) for task in TASKS)
    return tuple(switch for switch in known if switch is not None)


def switch_of(state: ClusterState, task: str, now: float) -> SwitchState | None:
    """The switch of one task, None while unknown; `task` is its first name."""
    found = find_task(task) if _are_known(state, now) else None
    return _switch(state, found.name, found.keys) if found else None


def _are_known(state: ClusterState, now: float) -> bool:
    return bool(state.dialect and state.switches_at) and now - state.switches_at <= FRESH


def _switch(state: ClusterState, task: str, keys: Mapping[Dialect, str]) -> SwitchState | None:
    dialect = Dialect(state.dialect)
    key = keys.get(dialect)
    note = None if key is None else state.switches.get(key)
    if key is None or note is None:
        return None
    return SwitchState(task, key, note, meaning_of(note.value, dialect), dialect)


def is_off(state: ClusterState, task: str, now: float) -> bool:
    """True if the task is known to be off."""
    switch = switch_of(state, task, now)
    return switch is not None and switch.off


def shards_not_rebuilt(state: ClusterState, now: float) -> NotRebuilt | None:
    """Why missing shards may not be rebuilt; None if they are, as far as is known.

    A write is acknowledged once PutQuorum units are written; `shard_repair` writes the others later. So this decides
    if each statement of a margin must say that the margin may be smaller.
    """
    known = switch_of(state, "shard_repair", now)
    if known is not None and known.off:
        return NotRebuilt.OFF
    if known is None or known.meaning.word != "on":
        return NotRebuilt.UNKNOWN
    hindered = hindrance(state.background, known.task, now, dialect=state.dialect)
    if hindered is not None:
        return _HINDERED[hindered]
    stats = state.background.task(known.task, now)
    return NotRebuilt.UNSEEN if stats is None or stats.failing is None else None


_HINDERED: Mapping[TaskHindrance, NotRebuilt] = MappingProxyType(
    {
        TaskHindrance.NOT_REGISTERED: NotRebuilt.NOT_REGISTERED,
        TaskHindrance.SILENT: NotRebuilt.SILENT,
        TaskHindrance.FAILING: NotRebuilt.FAILING,
    }
)
