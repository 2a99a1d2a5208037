"""The switches of a cluster task by task, and their meaning to its services. No I/O."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.alerting.cluster_state.background import TaskHindrance, hindrance
from bot.alerting.cluster_state.observations import SwitchNote
from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.risk_facts import NotRebuilt
from bot.alerting.rules.base import RuleContext
from bot.clustermgr.tasks import TASKS, Dialect, Meaning, meaning_of

FRESH = 600.0
"""Seconds for which a switch that was read counts as known."""


@dataclass(frozen=True, slots=True)
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


def known_now(context: RuleContext) -> tuple[SwitchState, ...] | None:
    """Each task's switch now, None while unknown."""
    return switches(context.state, context.now) if answers_reads(context) else None


def switches(state: ClusterState, now: float) -> tuple[SwitchState, ...] | None:
    """Each task's switch, None while unknown."""
    if not state.dialect or not state.switches_at or now - state.switches_at > FRESH:
        return None
    return tuple(_known(state))


def _known(state: ClusterState) -> Iterator[SwitchState]:
    dialect = Dialect(state.dialect)
    for task in TASKS:
        key = task.keys.get(dialect)
        if key is not None and key in state.switches:
            note = state.switches[key]
            yield SwitchState(task.name, key, note, meaning_of(note.value, dialect), dialect)


def is_off(state: ClusterState, task: str, now: float) -> bool:
    """True if the task is known to be off."""
    return any(switch.task == task and switch.off for switch in switches(state, now) or ())


def shards_not_rebuilt(state: ClusterState, now: float) -> NotRebuilt | None:
    """Why missing shards may not be rebuilt; None if they are, as far as is known.

    A write is acknowledged once PutQuorum units are written; `shard_repair` writes the others later. So this decides
    if each statement of a margin must say that the margin may be smaller.
    """
    known = next((switch for switch in switches(state, now) or () if switch.task == "shard_repair"), None)
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
