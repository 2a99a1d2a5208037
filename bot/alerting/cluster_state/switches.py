"""What is remembered of the switches, task by task, and what it means to the services of that cluster. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.alerting.cluster_state.observations import SwitchNote
from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.rules.base import RuleContext
from bot.clustermgr.tasks import TASKS, Dialect, Meaning, key_of, meaning_of

FRESH = 600.0
"""Seconds for which what was read now and then counts as known."""


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
        """Whether services take it for off; the older ones keep what they had when the word means nothing to them."""
        return self.meaning.word == "off" or (self.dialect is Dialect.V3 and self.meaning.word != "on")


def answers(context: RuleContext) -> bool:
    """Whether the cluster answers reads at this look: if not, what was read before it may be so no longer."""
    snapshot = context.snapshot
    return snapshot.leader is not None or snapshot.bad_disks is not None or bool(snapshot.switches)


def known_now(context: RuleContext) -> tuple[SwitchState, ...] | None:
    """Each task's switch at this look, None while they are not known."""
    return switches(context.memory, context.now) if answers(context) else None


def switches(memory: ClusterState, now: float) -> tuple[SwitchState, ...] | None:
    """Each task's switch, None while they are not known."""
    if not memory.dialect or not memory.switches_at or now - memory.switches_at > FRESH:
        return None
    return tuple(_known(memory))


def _known(memory: ClusterState) -> Iterator[SwitchState]:
    dialect = Dialect(memory.dialect)
    for task in TASKS:
        key = key_of(task.name, dialect)
        if key is not None and key in memory.switches:
            note = memory.switches[key]
            yield SwitchState(task.name, key, note, meaning_of(note.value, dialect), dialect)


def is_off(memory: ClusterState, task: str, now: float) -> bool:
    """Whether the task is known to be off."""
    return any(switch.task == task and switch.off for switch in switches(memory, now) or ())
