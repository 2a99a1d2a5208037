"""Words for alerts about background tasks and their switches. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.details import (
    StoredSwitch,
    SwitchesChanged,
    SwitchMeaningless,
    SwitchMove,
    SwitchValue,
    TaskOff,
    TaskOffWithWork,
)
from bot.alerting.model import AlertText
from bot.common.text import count, duration, listed
from bot.views.tasks import effect_text
from bot.views.text import in_ticks

_MAX_MOVES = 50
_MEANINGS: Mapping[str, str] = MappingProxyType({"on": "on", "off": "off", "unset": "not set"})


def task_off(detail: TaskOff, cluster: str) -> AlertText:
    """`task_off_too_long`."""
    state = "has had no stored value" if detail.unset else "has been off"
    return AlertText(
        f"Background task `{detail.task}` of {cluster} {state} for more than {duration(detail.limit)}.",
        (_stored(detail.switch),),
    )


def value_step(detail: TaskOff) -> str:
    """The next step for a task without a stored value; "" otherwise."""
    task = detail.task
    return f"Store a value: `/cm task enable {task}` or `/cm task disable {task}`." if detail.unset else ""


def task_off_with_work(detail: TaskOffWithWork, cluster: str) -> AlertText:
    """`task_off_with_work`."""
    waits = "waits" if detail.disks == 1 else "wait"
    to_do = f"{waits} to be {'repaired' if detail.task == 'disk_repair' else 'emptied'}"
    return AlertText(
        f"{count(detail.disks, 'disk')} of {cluster} {to_do}: background task `{detail.task}` is off.",
        (_stored(detail.switch),),
    )


def switch_meaningless(detail: SwitchMeaningless, cluster: str) -> AlertText:
    """`switch_meaningless`."""
    taken = "services treat it as off" if detail.off else "services ignore it"
    return AlertText(
        f"The value stored for background task `{detail.task}` of {cluster} is invalid: {taken}.",
        (_stored(detail.switch),),
    )


def _stored(switch: StoredSwitch) -> str:
    stored = "nothing is stored" if switch.value is None else f"{in_ticks(switch.value)} is stored"
    return f"`{switch.key}`: {stored}; {effect_text(switch.services)}"


def switches_changed(detail: SwitchesChanged, cluster: str) -> AlertText:
    """`switch_changed`."""
    moves, last = detail.moves, detail.moves[-1]
    unseen = f"While cmbot did not poll (for {duration(last.away)} at most), " if last.away else ""
    if len(moves) == 1:
        task = f"{'b' if unseen else 'B'}ackground task `{last.task}` of {cluster}"
        return AlertText(f"{unseen}{task} was switched {_from_to(last)} outside cmbot.")
    tasks = sorted({f"`{move.task}`" for move in moves})
    many = f"{'s' if unseen else 'S'}witches of background tasks of {cluster} were changed {count(len(moves), 'time')}"
    return AlertText(
        f"{unseen}{many} outside cmbot: {listed(tasks)}.",
        tuple(_line(move) for move in reversed(moves))[:_MAX_MOVES],
        max(0, len(moves) - _MAX_MOVES),
    )


def _line(move: SwitchMove) -> str:
    when = f", noticed after at most {duration(move.away)} without a poll" if move.away else ""
    return f"`{move.task}`: {_from_to(move)}{when}"


def _from_to(move: SwitchMove) -> str:
    return f"from {_shown(move.before)} to {_shown(move.after)}"


def _shown(value: SwitchValue) -> str:
    return _MEANINGS.get(value.meaning, f"{in_ticks(value.value or '')} (invalid)")
