"""The rule about switches of background tasks that somebody changed, and not through the bot."""

from collections.abc import Sequence
from types import MappingProxyType

from bot.alerting.cluster_state.observations import SwitchChange
from bot.alerting.cluster_state.switches import answers, switches
from bot.alerting.model import Alert, Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, MAX_LINES, Answer, Rule, RuleConfig, RuleContext, Threshold, Unit
from bot.alerting.text import count, listed, span
from bot.clustermgr.tasks import Dialect, find_task, meaning_of, word_for

_SHOWN = MappingProxyType({"on": "on", "off": "off", "unset": "not set"})


def _switch_changed(context: RuleContext, limits: RuleConfig) -> Answer:
    """Only what no operation caused, be it one of a person or a lease that ended: its own card and thread tell that."""
    edge = context.now - limits["window"]
    known = Dialect(context.memory.dialect) if context.memory.dialect else None
    changes = [change for change in _by_others(context, known) if change.at > edge]
    if known is None or not answers(context):
        return CANNOT_TELL
    if not changes:
        return CANNOT_TELL if switches(context.memory, context.now) is None else ()
    only_on = all(_meaning(change.after, known) == "on" for change in changes)
    return (
        Finding(
            rule="switch_changed",
            subject="",
            severity=limits.at_most(Severity.INFO) if only_on else limits.severity,
            sentence=_sentence(context.cluster, changes, known),
            lines=tuple(_line(change, known) for change in reversed(changes))[:MAX_LINES] if len(changes) > 1 else (),
            weight=len(changes),
            data={"parts": [f"{change.key}@{change.at:.3f}" for change in changes]},
        ),
    )


def _by_others(context: RuleContext, dialect: Dialect | None) -> list[SwitchChange]:
    changes = [change for change in context.memory.switch_changes if not change.op]
    return [change for change in changes if not _by_a_service(change, dialect) and not _told(context, change, dialect)]


def _told(context: RuleContext, change: SwitchChange, dialect: Dialect | None) -> bool:
    """Whether another alert tells of this change: a word that means nothing has one for its task."""
    if dialect is None or find_task(change.key) is None or "switch_meaningless" not in context.watched:
        return False
    return _meaning(change.after, dialect) == "meaningless"


def _by_a_service(change: SwitchChange, dialect: Dialect | None) -> bool:
    """A service of CubeFS that starts writes the word for off where nothing is stored (docs/clustermgr.md)."""
    return dialect is Dialect.V3 and change.before is None and change.after == word_for(Dialect.V3, on=False)


def _sentence(cluster: str, changes: Sequence[SwitchChange], dialect: Dialect) -> str:
    last = changes[-1]
    unseen = f"While cmbot was not looking (for {span(last.away)} at most), " if last.away else ""
    if len(changes) == 1:
        task = f"{'b' if unseen else 'B'}ackground task {_task(last)} of {cluster}"
        return f"{unseen}{task} was switched {_from_to(last, dialect)}, and not by an operation of cmbot."
    tasks = sorted({_task(change) for change in changes})
    many = (
        f"{'s' if unseen else 'S'}witches of background tasks of {cluster} were changed {count(len(changes), 'time')}"
    )
    return f"{unseen}{many}, and not by operations of cmbot: {listed(tasks)}."


def _line(change: SwitchChange, dialect: Dialect) -> str:
    when = f", noticed after at most {span(change.away)} without a look" if change.away else ""
    return f"{_task(change)}: {_from_to(change, dialect)}{when}"


def _from_to(change: SwitchChange, dialect: Dialect) -> str:
    return f"from {_shown(change.before, dialect)} to {_shown(change.after, dialect)}"


def _shown(value: str | None, dialect: Dialect) -> str:
    return _SHOWN.get(_meaning(value, dialect), f"{value!r}, which means nothing there")


def _meaning(value: str | None, dialect: Dialect) -> str:
    return meaning_of(value, dialect).word


def _task(change: SwitchChange) -> str:
    found = find_task(change.key)
    return found.name if found else change.key


def _not_again(context: RuleContext, _: Alert) -> str:
    return f"The switches of {context.cluster} have not been changed again: see /cm tasks."


SWITCH_CHANGED = Rule(
    key="switch_changed",
    about="A background task was switched, and no operation of cmbot did it. Info where it was only switched on.",
    severity=Severity.WARNING,
    hold=0,
    clear=0,
    remind=0,
    looks=_switch_changed,
    resolved=_not_again,
    thresholds=MappingProxyType(
        {"window": Threshold(3600, Unit.SECONDS, "so long a change stays open, and later ones are told with it")}
    ),
)
