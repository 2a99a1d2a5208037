"""Rules about switches of background tasks that are not on."""

from types import MappingProxyType

from bot.alerting.cluster_state.switches import FRESH, SwitchState, fix, known_now, switches
from bot.alerting.inhibition import covers
from bot.alerting.model import Alert, Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, Answer, Names, Rule, RuleConfig, RuleContext, Threshold, Unit
from bot.alerting.text import count, span
from bot.clustermgr.tasks import COMMON, TASKS

_ALL = tuple(task.name for task in TASKS)
_UNCOMMON = tuple(name for name in _ALL if name not in COMMON)


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
    return tuple(_off(context.cluster, switch, limits) for switch in late)


def _off(cluster: str, switch: SwitchState, limits: RuleConfig) -> Finding:
    word = "off" if switch.meaning.word == "off" else "not set"
    sentence = f"Background task {switch.task} of {cluster} has been {word} for more than {span(limits['after'])}."
    lines = (f"{switch.key}: {switch.stored}, {switch.meaning.effect}",)
    return Finding("task_off_too_long", switch.task, limits.severity, sentence, lines, data=fix(switch, cluster))


def _is_on(context: RuleContext, alert: Alert) -> str:
    now = {switch.task: switch for switch in switches(context.memory, context.now) or ()}
    if alert.subject in now and now[alert.subject].meaning.word == "on":
        return f"Background task {alert.subject} of {context.cluster} is on again."
    return f"The switch of background task {alert.subject} of {context.cluster} was changed: see /cm tasks."


def _off_with_work(context: RuleContext, limits: RuleConfig) -> Answer:
    known = known_now(context)
    if known is None or context.now - context.memory.disks_at > FRESH:
        return CANNOT_TELL
    work = _work(context)
    waiting = (switch for switch in known if switch.off and work.get(switch.task, 0) > 0)
    return tuple(_waits(context.cluster, switch, work[switch.task], limits) for switch in waiting)


def _work(context: RuleContext) -> dict[str, int]:
    """How many disks each of the tasks has to care for."""
    return {"disk_repair": len(context.memory.disks), "disk_drop": len(context.memory.dropping)}


def _waits(cluster: str, switch: SwitchState, disks: int, limits: RuleConfig) -> Finding:
    to_do = "is to be repaired" if switch.task == "disk_repair" else "is to be emptied"
    to_do = to_do if disks == 1 else to_do.replace("is", "are", 1)
    sentence = f"Background task {switch.task} of {cluster} is off while {count(disks, 'disk')} {to_do}."
    lines = (f"{switch.key}: {switch.stored}, {switch.meaning.effect}",)
    # A task that disks wait for is off for too long, however short that is.
    data = {**fix(switch, cluster), **covers(("task_off_too_long", switch.task))}
    return Finding("task_off_with_work", switch.task, limits.severity, sentence, lines, data=data)


def _runs_or_done(context: RuleContext, alert: Alert) -> str:
    if _work(context).get(alert.subject, 0) > 0:
        return _is_on(context, alert)
    return f"Background task {alert.subject} of {context.cluster} has nothing to do any more."


def _meaningless(context: RuleContext, limits: RuleConfig) -> Answer:
    known = known_now(context)
    if known is None:
        return CANNOT_TELL
    wrong = (switch for switch in known if switch.meaning.word == "meaningless")
    return tuple(_wrong(context.cluster, switch, limits) for switch in wrong)


def _wrong(cluster: str, switch: SwitchState, limits: RuleConfig) -> Finding:
    taken = "services take it for off" if switch.off else "services do not know it"
    sentence = f"The value stored for background task {switch.task} of {cluster} means nothing there: {taken}."
    lines = (f"{switch.key}: {switch.stored}, {switch.meaning.effect}",)
    # Another word that means nothing is another change.
    data = {**fix(switch, cluster), "parts": [switch.stored]}
    return Finding("switch_meaningless", switch.task, limits.severity, sentence, lines, data=data)


def _means_something(context: RuleContext, alert: Alert) -> str:
    now = {switch.task: switch.meaning.word for switch in switches(context.memory, context.now) or ()}
    word = {"on": "on", "off": "off", "unset": "not set"}.get(now.get(alert.subject, ""), "not known")
    return f"Background task {alert.subject} of {context.cluster} is {word} now."


TASK_OFF_TOO_LONG = Rule(
    key="task_off_too_long",
    about="A background task that ought to run has been off for long; one alert for each task.",
    severity=Severity.WARNING,
    hold=0,
    clear=0,
    remind=7 * 86400,
    looks=_off_too_long,
    resolved=_is_on,
    thresholds=MappingProxyType(
        {"after": Threshold(24 * 3600, Unit.SECONDS, "how long a task may be off, as far as cmbot has seen")}
    ),
    lists=MappingProxyType(
        {"meant_off": Names(_UNCOMMON, _ALL, "tasks that may be off for ever; the list replaces this one")}
    ),
)

TASK_OFF_WITH_WORK = Rule(
    key="task_off_with_work",
    about="disk_repair is off while disks are broken, or disk_drop while disks are being dropped.",
    severity=Severity.WARNING,
    hold=120,
    clear=0,
    remind=14400,
    looks=_off_with_work,
    resolved=_runs_or_done,
)

SWITCH_MEANINGLESS = Rule(
    key="switch_meaningless",
    about="The value stored for a background task is no word that the services of this cluster know, such as Enable "
    "where they want true.",
    severity=Severity.WARNING,
    hold=0,
    clear=0,
    remind=86400,
    looks=_meaningless,
    resolved=_means_something,
)
