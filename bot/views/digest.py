"""The group message of a storm: many alerts in one message that is edited, and its thread. No I/O."""

from collections import Counter
from collections.abc import Sequence

from bot.alerting.grouping import AlertGroup, listed
from bot.alerting.model import Alert, AlertState, Severity
from bot.alerting.transition import Transition, TransitionReason
from bot.interactions.message import Message
from bot.views.alert_text.table import outcome_sentence, sentence_of
from bot.views.alerts import severity_mark
from bot.views.blocks import code, context, count, date, duration, escape, message, section

MOST_WORST = 8
MOST_IN_LINE = 15
_RULES = 6


def digest_card(digest: AlertGroup, alerts: Sequence[Alert]) -> Message:
    """The digest as it is now; `alerts` are all that ever went into it, as far as they are kept."""
    left = sorted(listed(digest, alerts), key=lambda alert: (-alert.severity, alert.since))
    sentence = _sentence(digest, alerts)
    state = _state(digest, left, alerts)
    mark = severity_mark(left[0].severity) if left else "✅"
    parts = [section(f"{mark} *{sentence}*\n{state}")]
    if left:
        shown = [_bullet(alert) for alert in left[:MOST_WORST]]
        rest = [f"… and {len(left) - MOST_WORST:,} more: /cm alerts"] if len(left) > MOST_WORST else []
        parts.append(section("\n".join([*shown, *rest])))
    worst = f" The worst: {escape(sentence_of(left[0]))}" if left else ""
    return message(f"{sentence} {state}{worst}", *parts, context(_small_print(digest)))


def digest_line(moves: Sequence[Transition]) -> Message:
    """The reply in the thread of the group message about the transitions of one tick."""
    mentions = " ".join(dict.fromkeys(f"<!subteam^{escape(move.mention)}>" for move in moves if move.mention))
    groups = [(said, [move for move in moves if move.reason in reasons]) for reasons, said in _SAID]
    texts = [_part(said, found) for said, found in groups if found]
    shown = "\n".join(texts)
    head = f"{mentions} " if mentions else ""
    return message(f"{head}{shown}", section(f"{head}{shown}"))


_SAID = (
    (frozenset({TransitionReason.ESCALATED}), "Not acknowledged:"),
    (frozenset({TransitionReason.WORSE}), "Worse than before:"),
    (frozenset({TransitionReason.UNMUTED}), "Still so, now that no silence holds:"),
    (frozenset({TransitionReason.FIRED}), "New:"),
    (frozenset({TransitionReason.REMINDED}), "Still so:"),
    (frozenset({TransitionReason.RESOLVED, TransitionReason.WITHDRAWN}), "Over:"),
)


def _part(said: str, moves: Sequence[Transition]) -> str:
    alerts = sorted((move.new for move in moves), key=lambda alert: (-alert.severity, alert.since))
    rest = [f"… and {len(alerts) - MOST_IN_LINE:,} more"] if len(alerts) > MOST_IN_LINE else []
    return "\n".join([f"{said} {count(len(alerts), 'alert')}", *map(_bullet, alerts[:MOST_IN_LINE]), *rest])


def _bullet(alert: Alert) -> str:
    over = alert.state is AlertState.RESOLVED
    said = (outcome_sentence(alert) if over else "") or sentence_of(alert)
    held = f", <@{escape(alert.acked_by)}> takes care of it" if alert.state is AlertState.ACKNOWLEDGED else ""
    return f"• {'✅' if over else severity_mark(alert.severity)} #{alert.id}: {escape(said)}{held}"


def _sentence(digest: AlertGroup, alerts: Sequence[Alert]) -> str:
    clusters = Counter(alert.cluster for alert in alerts)
    of = " and ".join(escape(name) for name, _ in clusters.most_common(2))
    more = f" and {count(len(clusters) - 2, 'more cluster')}" if len(clusters) > 2 else ""  # noqa: PLR2004 - two by name
    return (
        f"{count(len(digest.ids), 'more alert')} of {of}{more} since {date(digest.since, 'minute')}:{_by_rule(alerts)}"
    )


def _by_rule(alerts: Sequence[Alert]) -> str:
    rules = Counter(alert.rule for alert in alerts).most_common()
    named = ", ".join(f"{code(rule)} ({count(number, 'alert')})" for rule, number in rules[:_RULES])
    return f" {named}{' and others' if len(rules) > _RULES else ''}."


def _state(digest: AlertGroup, left: Sequence[Alert], alerts: Sequence[Alert]) -> str:
    cared = sum(alert.state is AlertState.ACKNOWLEDGED for alert in left)
    own = sum(alert.open for alert in alerts) - len(left)
    over = len(digest.ids) - len(left) - own
    parts = [f"{len(left)} open" + (f" ({cared} acknowledged)" if cared else ""), f"{over} over"]
    parts += [f"{own} now in {'a separate message' if own == 1 else 'separate messages'}"] if own else []
    if digest.rages:
        return f"So many new alerts share this message: {', '.join(parts)}."
    return f"The storm ended after {duration(digest.ended_at - digest.since)}: {', '.join(parts)}."


def _small_print(digest: AlertGroup) -> str:
    if digest.rages:
        return "This message is edited. Each alert: in the thread, and in /cm alerts; /cm ack ID takes care of one."
    return "New alerts get separate messages again. What is open here stays listed until it is over: /cm alerts"


def most_severe(alerts: Sequence[Alert]) -> Severity:
    """The worst severity of these, INFO when there are none."""
    return max((alert.severity for alert in alerts), default=Severity.INFO)
