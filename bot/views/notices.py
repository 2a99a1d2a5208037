"""Notices about calls, silences, clusters that left, polls and clocks. No I/O."""

from collections.abc import Sequence

from bot.alerting.details import PollFailure
from bot.alerting.model import Alert, Silence
from bot.alerting.silences import EVERY_RULE
from bot.alerting.transition import Transition, TransitionReason
from bot.interactions.message import Message
from bot.views.alert_text.hosts import poll_failure_text
from bot.views.alert_text.table import sentence_of
from bot.views.blocks import code, context, count, date, duration, escape, message, section
from bot.views.silence_times import window_what


def line_text(transition: Transition) -> str:
    """Render the reply of a transition about a call or a silence; "" for any other transition."""
    new = transition.new
    cluster, sentence = escape(new.cluster), escape(sentence_of(new))
    silence = _silence(transition.old)
    if transition.reason is TransitionReason.ESCALATED:
        waited = duration(new.changed_at - max(new.fired_at, new.notes.calling_since or 0.0))
        return f"{_mention(transition)}No acknowledgement for {waited} in {cluster}: {sentence}"
    if transition.reason is TransitionReason.REMINDED:
        waited = duration(new.reminded_at - new.fired_at)
        return f"{_mention(transition)}Still firing in {cluster} after {waited}: {sentence}"
    if transition.reason is TransitionReason.UNMUTED:
        return f"{silence} ended. Still firing in {cluster}: {sentence}"
    if transition.reason is TransitionReason.FIRED and silence:
        return f"{silence} {_why_over(transition)}. In {cluster}: {sentence}"
    if transition.reason is TransitionReason.WORSE and silence:
        over = "ended early, because the alert got worse" if _lifted(transition) else "ended, and the alert got worse"
        return f"{new.severity.name.capitalize()} in {cluster}: {sentence} {silence} {over}."
    return ""


def silence_over(silence: Silence, kept: Sequence[Alert]) -> Message:
    """Announce in the channel that a silence ended; `kept` are the alerts that it muted."""
    what = f"{'all alerts' if silence.rule == EVERY_RULE else code(silence.rule)} of {escape(silence.cluster)}"
    if silence.window is not None:
        what = window_what(silence)
    text = f"Silence #{silence.id} of {what} ended. {_came_of(kept)}"
    return message(text, context(text))


def cluster_left(cluster: str, alerts: int, silences: int) -> Message:
    """Announce that a cluster was removed from the settings and its alerts were closed."""
    closed = [count(number, noun) for number, noun in ((alerts, "alert"), (silences, "silence")) if number]
    text = f"{escape(cluster)} was removed from the settings and is no longer polled. Closed: {' and '.join(closed)}."
    return message(text, section(text))


def alerts_moved(cluster: str, channel: str, alerts: int) -> Message:
    """Say in the old alert channel of a cluster where its open alerts go on."""
    text = f"Alerts of {escape(cluster)} are announced in <#{escape(channel)}> from now on."
    them = "The open alert goes on there" if alerts == 1 else f"The {alerts} open alerts go on there"
    left = f"{them}; {'its message' if alerts == 1 else 'their messages'} here will not change any more."
    return message(text, section(f"{text} {left}"))


def watch_recovered(cluster: str, since: float, until: float, failure: PollFailure | None) -> Message:
    """Report a time without polls afterwards, because the alert about it could not be posted."""
    lasted = duration(until - since)
    text = f"{escape(cluster)} was not polled for {lasted}, and cmbot could not post that. Polling works again."
    because = f" {escape(poll_failure_text(failure))}" if failure else ""
    span = f"From {date(since)} to {date(until)}.{because} Changes meanwhile are announced now."
    return message(text, section(text), context(span))


def clock_set(process: str, by: float, ahead: float) -> Message:
    """Say that the system clock of a process was set by `by` seconds, and what that means for what it shows.

    The system clock is `ahead` seconds before the process's clock since, 0 when the two agree again.
    """
    way = "ahead" if by > 0 else "back"
    text = f"The system clock under cmbot was set {way} by {duration(abs(by))}. Polling continues without a gap."
    counts = "Polls, alerts and deadlines are timed from the start of the process, not by the system clock."
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
        return "It muted no alert."
    cared = sum(alert.open for alert in kept)
    said = f"It muted {count(len(kept), 'alert')}"
    if not cared:
        return f"{said}; {'it is' if len(kept) == 1 else 'all are'} resolved."
    return (
        f"{said}, of which {count(cared, 'acknowledged one')} {'is' if cared == 1 else 'are'} still open: `/cm alerts`"
    )


def _mention(transition: Transition) -> str:
    return f"<!subteam^{escape(transition.mention)}> " if transition.mention else ""


def _silence(old: Alert | None) -> str:
    """Name the silence that muted the alert until now; "" if there was none."""
    muted = old.notes.muted if old else None
    if muted is None:
        return ""
    return f"Silence #{muted.id} {f'by <@{escape(muted.by)}>' if muted.by else 'of a maintenance window'}"


def _why_over(transition: Transition) -> str:
    alert = transition.old
    assert alert is not None  # noqa: S101 - it was muted, so it was there
    since = f"muted this alert for {duration(transition.new.fired_at - alert.since)}"
    return f"{since} and ended early, because it got worse" if _lifted(transition) else f"{since} and ended"


def _lifted(transition: Transition) -> bool:
    """True if the silence ended early, for this alert alone."""
    muted = transition.old.notes.muted if transition.old else None
    return muted is not None and muted.id in transition.new.notes.lifted
