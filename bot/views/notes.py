"""Replies in an alert's thread about calls and silences, and notes of the watch. No I/O."""

from collections.abc import Sequence

from bot.alerting.model import Alert, Silence
from bot.alerting.silences import EVERY_RULE
from bot.alerting.transition import Transition, TransitionReason
from bot.interactions.message import Message
from bot.views.alert_text.table import sentence_of
from bot.views.blocks import code, context, count, date, duration, escape, message, section


def words(transition: Transition) -> str:
    """The line of a transition that calls for attention; "" for one that the alert's own view words."""
    new = transition.new
    cluster, sentence = escape(new.cluster), escape(sentence_of(new))
    silence = _silence(transition.old)
    if transition.reason is TransitionReason.ESCALATED:
        waited = duration(new.changed_at - _calling_since(new))
        return f"{_mention(transition)}Not acknowledged for {waited} in {cluster}: {sentence}"
    if transition.reason is TransitionReason.REMINDED:
        waited = duration(new.reminded_at - new.fired_at)
        return f"{_mention(transition)}Still so in {cluster} after {waited}: {sentence}"
    if transition.reason is TransitionReason.UNMUTED:
        return f"{silence} is over, and it is still so in {cluster}: {sentence}"
    if transition.reason is TransitionReason.FIRED and silence:
        return f"{silence} {_why_over(transition)}. In {cluster}: {sentence}"
    if transition.reason is TransitionReason.WORSE and silence:
        over = "ended for this alert, as it got worse" if _lifted(transition) else "is over, and it got worse"
        return f"{new.severity.name.capitalize()} in {cluster}: {sentence} {silence} {over}."
    return ""


def silence_over(silence: Silence, kept: Sequence[Alert]) -> Message:
    """Said in the channel when a silence ends that no open alert's thread tells of; `kept` is what it kept quiet."""
    what = "all alerts" if silence.rule == EVERY_RULE else code(silence.rule)
    text = f"Silence #{silence.id} of {what} of {escape(silence.cluster)} is over. {_came_of(kept)}"
    return message(text, context(text))


def cluster_left(cluster: str, alerts: int, silences: int) -> Message:
    """Said when a cluster is not in the settings any more, after its alerts were closed."""
    closed = [count(number, noun) for number, noun in ((alerts, "alert"), (silences, "silence")) if number]
    text = f"{escape(cluster)} left the settings and is not watched any more. Closed with that: {' and '.join(closed)}."
    return message(text, section(text))


def was_blind(cluster: str, since: float, until: float, why: str) -> Message:
    """Said afterwards, when the watch could not even say that it saw nothing."""
    lasted = duration(until - since)
    text = f"The watch of {escape(cluster)} saw nothing for {lasted}, and could not say so. It sees again."
    because = f" {escape(why)}" if why else ""
    span = f"From {date(since)} to {date(until)}.{because} Changes since then are announced now."
    return message(text, section(text), context(span))


def clock_set(process: str, by: float, ahead: float) -> Message:
    """Say that the system clock of a process was set by `by` seconds, and what that means for what it shows.

    The system clock is `ahead` seconds before the process's clock since, 0 when the two agree again.
    """
    way = "ahead" if by > 0 else "back"
    text = f"The system clock under cmbot was set {way} by {duration(abs(by))}. The watch goes on without a gap."
    counts = "Looks, alerts and deadlines are counted from the start of the process, not by the system clock."
    if not ahead:
        shown = "Both clocks agree again."
    else:
        shown = (
            f"Until cmbot is restarted, the times in its messages are {duration(abs(ahead))} "
            f"{'behind' if ahead > 0 else 'ahead of'} the system clock; summaries follow the system clock. "
            "If the system clock is right now, restart cmbot."
        )
    return message(text, section(text), context(f"{counts} {shown} Process: {code(escape(process))}"))


def _came_of(kept: Sequence[Alert]) -> str:
    if not kept:
        return "Nothing came up under it."
    cared = sum(alert.open for alert in kept)
    said = f"It kept {count(len(kept), 'alert')} quiet"
    if not cared:
        return f"{said}; {'it is' if len(kept) == 1 else 'all are'} over too."
    return f"{said}, of which {count(cared, 'acknowledged one')} {'is' if cared == 1 else 'are'} still open: /cm alerts"


def _calling_since(alert: Alert) -> float:
    return max(alert.fired_at, alert.notes.calling_since or 0.0)


def _mention(transition: Transition) -> str:
    return f"<!subteam^{escape(transition.mention)}> " if transition.mention else ""


def _silence(old: Alert | None) -> str:
    """The silence under which it was quiet until now, "" when it was not."""
    muted = old.notes.muted if old else None
    return f"Silence #{muted.id} by <@{escape(muted.by)}>" if muted else ""


def _why_over(transition: Transition) -> str:
    alert = transition.old
    assert alert is not None  # noqa: S101 - it was muted, so it was there
    since = f"kept this quiet for {duration(transition.new.fired_at - alert.since)}"
    return f"{since} and ended for it, as it got worse" if _lifted(transition) else f"{since} and is over"


def _lifted(transition: Transition) -> bool:
    """True if the silence that kept it quiet ended for this alert alone, before its time."""
    muted = transition.old.notes.muted if transition.old else None
    return muted is not None and muted.id in transition.new.notes.lifted
