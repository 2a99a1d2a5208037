"""The group message of a storm: one edited message for many alerts, and the replies in its thread. No I/O."""

from collections import Counter
from collections.abc import Sequence

from bot.alerting import grouping
from bot.alerting.grouping import AlertGroup, Grouped
from bot.alerting.model import Alert, AlertState, Severity
from bot.alerting.topics import most_severe_first
from bot.alerting.transition import Transition, TransitionReason
from bot.common.text import listed
from bot.interactions.message import Message
from bot.views.alert_text.table import outcome_sentence, sentence_of
from bot.views.alerts import severity_mark
from bot.views.blocks import code, context, count, date, duration, escape, message, section
from bot.views.holders import held_by

MAX_SHOWN = 8
MAX_IN_REPLY = 15
_RULES = 6


def group_card(group: AlertGroup, alerts: Sequence[Grouped], worst: Sequence[Alert]) -> Message:
    """Render the group message; `alerts` are all stored alerts that were ever listed in it.

    `worst` are the first MAX_SHOWN of those that are listed still, the worst first.
    """
    left = grouping.listed(group, alerts)
    sentence = _sentence(group, alerts)
    state = _state(group, left, alerts)
    mark = severity_mark(worst[0].severity) if worst else "✅"
    parts = [section(f"{mark} *{sentence}*\n{state}")]
    if left:
        shown = [_bullet(alert) for alert in worst]
        rest = [f"… and {len(left) - MAX_SHOWN:,} more: `/cm alerts`"] if len(left) > MAX_SHOWN else []
        parts.append(section("\n".join([*shown, *rest])))
    most = f" Most severe: {escape(sentence_of(worst[0]))}" if worst else ""
    return message(f"{sentence} {state}{most}", *parts, context(_small_print(group, listed=bool(left))))


def group_line(transitions: Sequence[Transition]) -> Message:
    """Render the thread reply about the transitions of the group's alerts at one tick; `transitions` is not empty."""
    groups_called = [f"<!subteam^{escape(each.mention)}>" for each in transitions if each.mention]
    holders = [each.old.acked_by for each in transitions if each.old is not None and each.reason in _MENTIONED]
    mentions = " ".join(dict.fromkeys([*groups_called, *(f"<@{escape(holder)}>" for holder in holders)]))
    groups = [(said, [each for each in transitions if each.reason in reasons]) for reasons, said in _HEADINGS]
    texts = [_part(said, found) for said, found in groups if found]
    shown = "\n".join(texts)
    head = f"{mentions} " if mentions else ""
    return message(f"{head}{shown}", section(f"{head}{shown}"))


_MENTIONED = frozenset({TransitionReason.HOLDER_REMINDED, TransitionReason.HOLD_EXPIRED, TransitionReason.TAKEN_OVER})
"""Reasons for which the holder before is mentioned."""
_HEADINGS = (
    (frozenset({TransitionReason.ESCALATED}), "Unacknowledged:"),
    (frozenset({TransitionReason.WORSE}), "Worse than before:"),
    (frozenset({TransitionReason.UNMUTED}), "Still firing, no longer silenced:"),
    (frozenset({TransitionReason.FIRED}), "New:"),
    (frozenset({TransitionReason.REMINDED}), "Still firing:"),
    (frozenset({TransitionReason.HOLDER_REMINDED}), "Still held by you:"),
    (frozenset({TransitionReason.HOLD_EXPIRED}), "The acknowledgement ended, no one holds it:"),
    (frozenset({TransitionReason.GIVEN_BACK}), "Given back, no one holds it:"),
    (frozenset({TransitionReason.TAKEN_OVER}), "Taken over:"),
    (frozenset({TransitionReason.RESOLVED, TransitionReason.WITHDRAWN}), "Resolved:"),
)


def _part(said: str, transitions: Sequence[Transition]) -> str:
    alerts = sorted((transition.new for transition in transitions), key=most_severe_first)
    rest = [f"… and {len(alerts) - MAX_IN_REPLY:,} more"] if len(alerts) > MAX_IN_REPLY else []
    return "\n".join([f"{said} {count(len(alerts), 'alert')}", *map(_bullet, alerts[:MAX_IN_REPLY]), *rest])


def _bullet(alert: Alert) -> str:
    over = alert.state is AlertState.RESOLVED
    said = (outcome_sentence(alert) if over else "") or sentence_of(alert)
    mark = f"• {'✅' if over else severity_mark(alert.severity)} #{alert.id}:"
    held = held_by(alert)
    return f"{mark} {escape(said.rstrip('.'))}, {held}" if held else f"{mark} {escape(said)}"


def _sentence(group: AlertGroup, alerts: Sequence[Grouped]) -> str:
    clusters = Counter(alert.cluster for alert in alerts)
    of = " and ".join(escape(name) for name, _ in clusters.most_common(2))
    more = f" and {count(len(clusters) - 2, 'more cluster')}" if len(clusters) > 2 else ""  # noqa: PLR2004 - two by name
    return f"{count(len(group.ids), 'more alert')} of {of}{more} since {date(group.since, 'minute')}:{_by_rule(alerts)}"


def _by_rule(alerts: Sequence[Grouped]) -> str:
    rules = Counter(alert.rule for alert in alerts).most_common()
    named = [f"{code(rule)} ({count(number, 'alert')})" for rule, number in rules]
    return f" {listed(named, most=_RULES)}."


def _state(group: AlertGroup, left: Sequence[Grouped], alerts: Sequence[Grouped]) -> str:
    cared = sum(alert.state is AlertState.ACKNOWLEDGED for alert in left)
    own = sum(alert.open for alert in alerts) - len(left)
    over = len(group.ids) - len(left) - own
    counts = [f"{len(left)} open" + (f" ({cared} acknowledged)" if cared else ""), f"{over} resolved"]
    counts += [f"{own} now in {'a separate message' if own == 1 else 'separate messages'}"] if own else []
    if group.active:
        return f"Too many at once for a message each: {', '.join(counts)}."
    return f"The storm ended after {duration(group.ended_at - group.since)}: {', '.join(counts)}."


def _small_print(group: AlertGroup, *, listed: bool) -> str:
    if group.active:
        acknowledge = f"{code('/cm ack <id>')} acknowledges one."
        return f"This message is edited. The thread and `/cm alerts` list each alert; {acknowledge}"
    still = " Open alerts stay listed here until they are resolved: `/cm alerts`" if listed else ""
    return f"New alerts get separate messages again.{still}"


def most_severe(alerts: Sequence[Grouped]) -> Severity:
    """Return the highest severity of these alerts; INFO without any."""
    return max((alert.severity for alert in alerts), default=Severity.INFO)
