"""The options of a form that are stored: alerts, rules, silences, operations; each by its number, in words. No I/O."""

from collections.abc import Sequence
from textwrap import shorten

from bot.alerting.model import Alert, AlertState, Silence
from bot.alerting.rules.base import Rule
from bot.alerting.rules.table import NEVER_WILDCARD_SILENCED
from bot.alerting.silences import EVERY_RULE
from bot.common.text import count, duration, listed
from bot.interactions.command import Offer
from bot.operations.model import Operation
from bot.views.alert_text.table import sentence_of
from bot.views.alerts import severity_word
from bot.views.inputs import MAX_OPTION, Choice
from bot.views.op_parts import request_phrase
from bot.views.operations import state_now

NO_ALERT = "No alert is open."
NOT_YOURS = "No alert is open in a cluster that you operate."
ALL_YOURS = "You hold every open alert of the clusters that you operate. /cm unack gives one back."
NONE_HELD = "You hold no alert. /cm alerts lists the open ones."
NO_SILENCE = "No silence that you may lift is in force or planned. /cm silences lists all."
NOTHING_TO_NOTE = "There is no open alert and no operation in a cluster that you operate."
NOTHING_TO_CANCEL = "No operation waits that you may cancel. /cm ops lists the open ones."
NOTHING_TO_REJECT = "No operation waits that you may reject. /cm ops lists the open ones."
NOTHING_TO_SETTLE = "No operation has an unknown outcome that you may settle. /cm ops lists the open ones."

_TYPED = {
    Offer.SILENCE: "Type the number of the silence: the silences cannot be read now.",
    Offer.NOTED: "Type what the note is about, as in alert 17 or op 12: the alerts and operations cannot be read now.",
    Offer.TO_CANCEL: "Type the number of the operation: the operations cannot be read now.",
}
_TYPED |= dict.fromkeys((Offer.TO_REJECT, Offer.TO_SETTLE), _TYPED[Offer.TO_CANCEL])
_ALERTS_UNREAD = "Type the number of the alert: the open alerts cannot be read now."
RULES_UNREAD = "The rules are listed without their open alerts, which cannot be read now."


def to_be_typed(offer: Offer) -> str:
    """Say that the database could not be read, and what to type."""
    return _TYPED.get(offer, _ALERTS_UNREAD)


def cut_short(shown: int, number: int, what: str) -> str:
    """Say that a list is cut, "" if it is whole."""
    return f"The first {shown:,} of {count(number, what)} are listed." if number > shown else ""


def noted_cut(alerts: int, of_alerts: int, operations: int, of_operations: int) -> tuple[str, ...]:
    """Say which subjects of a note are left out, and how one of them is named; nothing if all are listed."""
    cut = (
        cut_short(alerts, of_alerts, "open alert"),
        f"The newest {count(operations, 'operation')} are listed." if of_operations > operations else "",
    )
    said = tuple(filter(None, cut))
    return (*said, "Name another one by its number, as in /cm note op 12.") if said else ()


def alert_choice(alert: Alert, user: str, now: float) -> Choice:
    """Render an alert by its number, cluster and sentence; below its severity, its age, and if a person holds it."""
    held = alert.acked_by if alert.state is AlertState.ACKNOWLEDGED else ""
    holder = "" if not held else ", you hold it" if held == user else ", another person holds it"
    quiet = ", silenced" if alert.notes.muted is not None else ""
    below = f"{severity_word(alert.severity)} for {duration(now - alert.since)}{holder}{quiet}"
    return Choice(str(alert.id), _brief(f"#{alert.id} {alert.cluster}: {_without_cluster(alert)}"), below)


def _without_cluster(alert: Alert) -> str:
    """Return the sentence of an alert without its cluster, which stands before it: an option is short."""
    sentence = sentence_of(alert).removeprefix(f"{alert.cluster} is ").removeprefix(f"{alert.cluster} ")
    for where in (f" of {alert.cluster}", f" in {alert.cluster}"):
        sentence = sentence.replace(where, "", 1)
    return sentence


def _brief(text: str) -> str:
    """Return a text that fits into an option, cut after a word."""
    return shorten(text, MAX_OPTION, placeholder=" …")


def rule_choices(rules: Sequence[Rule], alerts: Sequence[Alert]) -> tuple[Choice, ...]:
    """Render the rules of a cluster, those with open alerts first, then all rules at once."""
    number = {rule.key: sum(alert.rule == rule.key for alert in alerts) for rule in rules}
    ranked = sorted(rules, key=lambda rule: not number[rule.key])
    spared = listed(sorted(NEVER_WILDCARD_SILENCED))
    every = Choice(EVERY_RULE, "All rules but the most severe", _brief(f"Not {spared}"))
    return (*(_rule(rule, number[rule.key]) for rule in ranked), every)


def _rule(rule: Rule, alerts: int) -> Choice:
    return Choice(rule.key, f"{rule.key} · {count(alerts, 'open alert')}" if alerts else rule.key, _brief(rule.about))


def silence_choice(held: Silence, muted: int, now: float) -> Choice:
    """Render a silence by its number, cluster and rule; below when it ends, and what it mutes."""
    planned = held.begins > now
    begins = f"Begins in {duration(held.begins - now)}, for {duration(held.until - held.begins)}"
    ends = f"Mutes {count(muted, 'alert') if muted else 'no alert'}, {duration(held.until - now)} left"
    label = _brief(f"#{held.id} {held.cluster}: {_muted(held)}")
    return Choice(str(held.id), label, begins if planned else ends)


def _muted(held: Silence) -> str:
    if held.scope is not None:
        return f"maintenance of {held.subject}"
    if held.window is not None:
        return f"maintenance window {held.window.name}"
    rule = "all rules but the most severe" if held.rule == EVERY_RULE else held.rule
    return f"{rule}, {held.subject}" if held.subject else rule


def operation_choice(op: Operation, now: float) -> Choice:
    """Render an operation by its number, cluster and change; below its state and age."""
    phrase, state = request_phrase(op.request), state_now(op)
    below = f"{state[:1].upper()}{state[1:]}, proposed {duration(now - op.created_at)} ago"
    return Choice(str(op.id), _brief(f"#{op.id} {op.cluster}: {phrase}"), below)


def as_subject(choice: Choice, kind: str) -> Choice:
    """Return the option of an alert or operation as the subject of a note: `alert 17`, `op 12`."""
    word = "Alert" if kind == "alert" else "Operation"
    return Choice(f"{kind} {choice.value}", _brief(f"{word} {choice.label}"), choice.describes)
