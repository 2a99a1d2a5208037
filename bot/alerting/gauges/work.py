"""Gauges of the switches, the background work and the alerts of a cluster. No I/O."""

from collections import Counter
from collections.abc import Callable, Iterable

from bot.alerting.cluster_state.background import TaskNote
from bot.alerting.cluster_state.switches import switches
from bot.alerting.gauges.facts import GaugeFacts, by_label
from bot.alerting.model import Alert, AlertState, Severity
from bot.telemetry.families import Sample

TASK_STATES = ("waiting", "working", "done")
ALERT_STATES = ("firing", "acknowledged", "silenced")
SCHEDULER_STATES = ("registered", "answering", "silent")


def switches_enabled(facts: GaugeFacts) -> Iterable[Sample]:
    """0 for each switch that services treat as off, else 1; none while they are not known."""
    return by_label((switch.task, not switch.off) for switch in switches(facts.state, facts.now) or ())


def tasks(facts: GaugeFacts) -> Iterable[Sample]:
    """The tasks of each kind by state, as far as the schedulers say."""
    for note in _notes(facts):
        if note.total is None:
            continue
        done, working = note.done or 0, note.working or 0
        numbers = (max(0, note.total - done - working), working, done)
        for state, number in zip(TASK_STATES, numbers, strict=True):
            yield (note.task, state), float(number)


def _of_tasks(read: Callable[[TaskNote], int | None]) -> Callable[[GaugeFacts], Iterable[Sample]]:
    def samples(facts: GaugeFacts) -> Iterable[Sample]:
        found = ((note.task, read(note)) for note in _notes(facts))
        return by_label((task, number) for task, number in found if number is not None)

    return samples


task_disks = _of_tasks(lambda note: note.disks)
"""The disks that are under way in each kind of task."""
task_failures = _of_tasks(lambda note: note.failing)
"""The failures of each kind of task in the last whole minute."""


def _notes(facts: GaugeFacts) -> Iterable[TaskNote]:
    background = facts.state.background
    return background.tasks if background.asked_now(facts.now) else ()


def schedulers(facts: GaugeFacts) -> Iterable[Sample]:
    """The schedulers by state; those that may not be asked are only registered."""
    background = facts.state.background
    registered, asked = background.registered_now(facts.now), background.asked_now(facts.now)
    if registered is not None:
        yield ("registered",), float(registered)
    if asked:
        silent = sum(each.silent for each in asked)
        yield ("answering",), float(len(asked) - silent)
        yield ("silent",), float(silent)


def alerts(facts: GaugeFacts) -> Iterable[Sample]:
    """The announced alerts by state and severity."""
    found = Counter((_state(alert), alert.severity) for alert in facts.alerts)
    return [
        ((state, severity.name.lower()), float(found[state, severity]))
        for state in ALERT_STATES
        for severity in Severity
    ]


def _state(alert: Alert) -> str:
    if alert.state not in {AlertState.FIRING, AlertState.ACKNOWLEDGED}:
        return ""
    return "silenced" if alert.notes.muted is not None else alert.state.value
