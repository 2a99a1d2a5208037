"""Rules about background tasks: switches that are not on, mean nothing, or were changed outside cmbot."""

from types import MappingProxyType

from bot.alerting.cluster_state.observations import SwitchChange
from bot.alerting.cluster_state.switches import FRESH, SwitchState, answers_reads, known_now, switches
from bot.alerting.details import (
    StoredSwitch,
    SwitchesChanged,
    SwitchMeaningless,
    SwitchMove,
    SwitchValue,
    TaskOff,
    TaskOffWithWork,
)
from bot.alerting.model import Alert, EnableTask, Finding, Outcome, Severity
from bot.alerting.outcomes import TaskOutcome, TaskState
from bot.alerting.rules.base import CANNOT_TELL, Answer, Names, Rule, RuleConfig, RuleContext, Threshold, Unit, ended
from bot.clustermgr.tasks import COMMON, TASKS, Dialect, find_task, meaning_of, word_for

_ALL = tuple(task.name for task in TASKS)
_UNCOMMON = tuple(name for name in _ALL if name not in COMMON)
_STATES = MappingProxyType({"on": TaskState.ON, "off": TaskState.OFF, "unset": TaskState.UNSET})


def _off_too_long(context: RuleContext, limits: RuleConfig) -> Answer:
    known = known_now(context)
    if known is None:
        return CANNOT_TELL
    late = (
        switch
        for switch in known
        if switch.task not in limits.names["meant_off"]
        and switch.off
        and switch.meaning.word != "meaningless"
        and context.now - switch.note.since >= limits["after"]
    )
    return tuple(_off(switch, limits) for switch in late)


def _off(switch: SwitchState, limits: RuleConfig) -> Finding:
    detail = TaskOff(switch.task, _stored(switch), limits["after"], unset=switch.meaning.word != "off")
    return Finding("task_off_too_long", switch.task, limits.severity, detail, fix=EnableTask(switch.task))


def _stored(switch: SwitchState) -> StoredSwitch:
    return StoredSwitch(switch.key, switch.note.value, switch.meaning.effect)


def _task_state(context: RuleContext, task: str) -> TaskState:
    now = {switch.task: switch.meaning.word for switch in switches(context.state, context.now) or ()}
    return _STATES.get(now.get(task, ""), TaskState.UNKNOWN)


def _switch_now(context: RuleContext, alert: Alert) -> Outcome:
    return TaskOutcome(alert.subject, _task_state(context, alert.subject))


def _off_with_work(context: RuleContext, limits: RuleConfig) -> Answer:
    known = known_now(context)
    if known is None or context.now - context.state.disks_at > FRESH:
        return CANNOT_TELL
    work = _work(context)
    waiting = (switch for switch in known if switch.off and work.get(switch.task, 0) > 0)
    return tuple(_waits(switch, work[switch.task], limits) for switch in waiting)


def _work(context: RuleContext) -> dict[str, int]:
    """Number of disks that wait for each task."""
    return {"disk_repair": len(context.state.disks), "disk_drop": len(context.state.dropping)}


def _waits(switch: SwitchState, disks: int, limits: RuleConfig) -> Finding:
    return Finding(
        "task_off_with_work",
        switch.task,
        limits.severity,
        TaskOffWithWork(switch.task, _stored(switch), disks),
        # A task that disks wait for is off for too long, however short that is.
        covers=(("task_off_too_long", switch.task),),
        fix=EnableTask(switch.task),
    )


def _runs_or_done(context: RuleContext, alert: Alert) -> Outcome:
    if _work(context).get(alert.subject, 0) > 0:
        return _switch_now(context, alert)
    return TaskOutcome(alert.subject, TaskState.IDLE)


def _meaningless(context: RuleContext, limits: RuleConfig) -> Answer:
    known = known_now(context)
    if known is None:
        return CANNOT_TELL
    return tuple(_wrong(switch, limits) for switch in known if switch.meaning.word == "meaningless")


def _wrong(switch: SwitchState, limits: RuleConfig) -> Finding:
    return Finding(
        "switch_meaningless",
        switch.task,
        limits.severity,
        SwitchMeaningless(switch.task, _stored(switch), switch.off),
        # Another word that means nothing is another change.
        parts=(f"{switch.note.value!r} is stored",),
        fix=EnableTask(switch.task),
    )


def _switch_changed(context: RuleContext, limits: RuleConfig) -> Answer:
    """Find changes that no operation caused: cards and threads show those of a person or of a lease that ended."""
    edge = context.now - limits["window"]
    known = Dialect(context.state.dialect) if context.state.dialect else None
    changes = [change for change in _by_others(context, known) if change.at > edge]
    if known is None or not answers_reads(context):
        return CANNOT_TELL
    if not changes:
        return CANNOT_TELL if switches(context.state, context.now) is None else ()
    only_on = all(_meaning(change.after, known) == "on" for change in changes)
    return (
        Finding(
            rule="switch_changed",
            subject="",
            severity=limits.at_most(Severity.INFO) if only_on else limits.severity,
            detail=SwitchesChanged(tuple(_switch_move(change, known) for change in changes)),
            weight=len(changes),
            parts=tuple(f"{change.key}@{change.at:.3f}" for change in changes),
        ),
    )


def _by_others(context: RuleContext, dialect: Dialect | None) -> list[SwitchChange]:
    changes = [change for change in context.state.switch_changes if not change.op]
    return [
        change
        for change in changes
        if not _by_a_service(change, dialect) and not _has_own_alert(context, change, dialect)
    ]


def _has_own_alert(context: RuleContext, change: SwitchChange, dialect: Dialect | None) -> bool:
    """True if another alert reports this change: each task with a meaningless word has one."""
    if dialect is None or find_task(change.key) is None or "switch_meaningless" not in context.watched:
        return False
    return _meaning(change.after, dialect) == "meaningless"


def _by_a_service(change: SwitchChange, dialect: Dialect | None) -> bool:
    """True if a CubeFS service did it: when it starts it writes `off` where nothing is stored (docs/clustermgr.md)."""
    return dialect is Dialect.V3 and change.before is None and change.after == word_for(Dialect.V3, on=False)


def _switch_move(change: SwitchChange, dialect: Dialect) -> SwitchMove:
    found = find_task(change.key)
    before, after = (SwitchValue(value, _meaning(value, dialect)) for value in (change.before, change.after))
    return SwitchMove(found.name if found else change.key, before, after, change.away)


def _meaning(value: str | None, dialect: Dialect) -> str:
    return meaning_of(value, dialect).word


TASK_OFF_TOO_LONG = Rule(
    key="task_off_too_long",
    about="A background task that should run has been off for a long time; one alert for each task.",
    severity=Severity.WARNING,
    for_seconds=0,
    clear=0,
    remind=7 * 86400,
    finds=_off_too_long,
    resolved=_switch_now,
    thresholds=MappingProxyType(
        {"after": Threshold(24 * 3600, Unit.SECONDS, "how long a task may be off, as far as cmbot has seen")}
    ),
    lists=MappingProxyType(
        {"meant_off": Names(_UNCOMMON, _ALL, "tasks that may always be off; the list replaces this one")}
    ),
)

TASK_OFF_WITH_WORK = Rule(
    key="task_off_with_work",
    about="disk_repair is off while disks are broken, or disk_drop while disks are being dropped.",
    severity=Severity.WARNING,
    for_seconds=120,
    clear=0,
    remind=14400,
    finds=_off_with_work,
    resolved=_runs_or_done,
)

SWITCH_MEANINGLESS = Rule(
    key="switch_meaningless",
    about="The value stored for a background task is no word that the services of this cluster know, such as Enable "
    "where they want true.",
    severity=Severity.WARNING,
    for_seconds=0,
    clear=0,
    remind=86400,
    finds=_meaningless,
    resolved=_switch_now,
)

SWITCH_CHANGED = Rule(
    key="switch_changed",
    about="A background task was switched, and not by an operation of cmbot. Info if it was only switched on.",
    severity=Severity.WARNING,
    for_seconds=0,
    clear=0,
    remind=0,
    finds=_switch_changed,
    resolved=ended,
    thresholds=MappingProxyType(
        {"window": Threshold(3600, Unit.SECONDS, "so long a change stays open; later changes join its alert")}
    ),
)
