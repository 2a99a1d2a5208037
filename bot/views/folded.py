"""The lines of alerts that are folded into the message of another one, and their replies in its thread. No I/O."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.alerting.folding import folded_into
from bot.alerting.model import Alert, AlertState, Severity
from bot.alerting.transition import Transition, TransitionReason
from bot.interactions.message import Message
from bot.views.alert_text.table import alert_text, outcome_sentence, sentence_of
from bot.views.blocks import count, escape, message, section
from bot.views.holders import held_by
from bot.views.silence_times import quieted_by

MAX_FOLDED = 5
"""Folded alerts that a message lists; /cm alerts has all open ones."""
MAX_DETAILS = 3
"""Details of each open one that the message shows; the reply that announced it has more."""
RESOLVED_MARK = "✅"
MARKS: Mapping[Severity, str] = MappingProxyType(
    {Severity.INFO: "ℹ️", Severity.WARNING: "⚠️", Severity.CRITICAL: "🚨"}  # noqa: RUF001 - the symbol meant
)
"""The symbol of each severity."""


def count_of(alerts: Sequence[Alert]) -> str:
    """Return `3 alerts`, or `3 alerts of 1 cause` if some are folded into the message of another one."""
    causes = sum(folded_into(alert, alerts) is None for alert in alerts)
    return count(len(alerts), "alert") + (f" of {count(causes, 'cause')}" if causes < len(alerts) else "")


def where_folded(alert: Alert, alerts: Sequence[Alert]) -> str:
    """Return in which of the other alerts' messages this one is, with a comma before; "" for its own message."""
    first = folded_into(alert, alerts)
    return "" if first is None else f", in the message of #{first.id}"


def folded_lines(folded: Sequence[Alert]) -> str:
    """Return the lines about folded alerts, in the given order; "" without any."""
    if not folded:
        return ""
    rest = folded[MAX_FOLDED:]
    still = sum(alert.open for alert in rest)
    over = len(rest) - still
    said = [f"{still} open: `/cm alerts`"] if still else []
    said += [f"{over} resolved"] if over else []
    more = [f"… and {len(rest)} more ({', '.join(said)})"] if rest else []
    return "\n".join(["*Of the same cause:*", *map(_line, folded[:MAX_FOLDED]), *more])


def folded_sentence(folded: Sequence[Alert]) -> str:
    """Return what the fallback text says of folded alerts that are open, with a space before; "" without any."""
    still = [alert for alert in folded if alert.open]
    if not still:
        return ""
    rest = f" (and {len(still) - 1} more)" if len(still) > 1 else ""
    return f" Of the same cause: {escape(sentence_of(still[0]))}{rest}"


def with_it(begins_with: str, folded: Sequence[Alert]) -> str:
    """Say which folded alerts an action on the message concerned too, with a space before; "" for none."""
    if not folded:
        return ""
    names = ", ".join(f"#{alert.id}" for alert in folded[:MAX_FOLDED])
    rest = f" and {len(folded) - MAX_FOLDED} more" if len(folded) > MAX_FOLDED else ""
    return f" {begins_with}: {count(len(folded), 'alert')} of the same cause, {names}{rest}."


def begins(transition: Transition) -> str:
    """Return the reply that announces a folded alert, or one that takes over a message; "" for any other transition."""
    new = transition.new
    if transition.reason is TransitionReason.UNFOLDED or (
        transition.reason is TransitionReason.FIRED and not (transition.old and transition.old.notes.muted)
    ):
        word, still = new.severity.name.capitalize(), "" if transition.reason is TransitionReason.FIRED else "still "
        if new.notes.message is not None:
            return f"{word} in {escape(new.cluster)}, which has a leader again (#{new.id}): {escape(sentence_of(new))}"
        return f"{word} in {escape(new.cluster)}, {still}of the same cause (#{new.id}): {escape(sentence_of(new))}"
    return ""


def moved_out(new: Alert, first: Alert | None) -> Message:
    """Render the reply in the old thread about an alert that got its own message, or is in that of another `first`."""
    where = "has a separate message" if first is None else f"is in the message of alert #{first.id}"
    text = f"Alert #{new.id} is still open and {where} now: {escape(sentence_of(new))}"
    return message(text, section(text))


def _line(alert: Alert) -> str:
    over = alert.state is AlertState.RESOLVED
    said = (outcome_sentence(alert) if over else "") or sentence_of(alert)
    mark = RESOLVED_MARK if over else MARKS[alert.severity]
    held = f" · {held_by(alert)}" if held_by(alert) else ""
    muted = f" · {quieted_by(alert.notes.muted.by)}" if alert.open and alert.notes.muted else ""
    first = f"• {mark} #{alert.id}: {escape(said)}{held}{muted}"
    return first if over else "\n".join([first, *_details(alert)])


def _details(alert: Alert) -> list[str]:
    text = alert_text(alert)
    shown = [f"    ◦ {escape(line)}" for line in text.lines[:MAX_DETAILS]]
    left = len(text.lines) - len(shown) + text.more
    return [*shown, f"    ◦ … and {left:,} more"] if left > 0 else shown
