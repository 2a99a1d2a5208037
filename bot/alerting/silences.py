"""Silences: which alerts they mute, and when one lifts because an alert got worse. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.alerting.maintenance import expected, is_due
from bot.alerting.model import Alert, Finding, Muted, Silence, WindowScope
from bot.alerting.rules.table import NEVER_WILDCARD_SILENCED
from bot.alerting.transition import has_new_part, noted
from bot.common.frozen import frozen

EVERY_RULE = "*"
MAINTENANCE = "maintenance"
"""The stored rule of the maintenance of a host; its subject is the host."""
MAX_SILENCE = 7 * 86400.0
"""Seconds; a longer need is met by changing the thresholds of the rule."""
_MAX_IDS = 20


@frozen
class SilenceResult:
    """A silence that was just created or extended.

    `mutes` is how many open alerts it mutes now, None for the silence of one alert; `was` is the end before the
    extension, 0 for a new silence.
    """

    silence: Silence
    mutes: int | None
    was: float = 0.0


@frozen
class Lifted:
    """A silence lifted early, and the silences that still mute some of the same alerts; `planned`: it never began."""

    silence: Silence
    left: tuple[Silence, ...] = ()
    planned: bool = False


def covers(silence: Silence, alert: Alert, now: float) -> bool:
    """True if the silence matches this alert and is in force; `*` does not match rules that must be named.

    The maintenance of a host matches what is expected of the host, by the facts of the alert.
    """
    if silence.cluster != alert.cluster or not silence.in_force(now):
        return False
    if silence.scope is not None:
        return expected(silence.scope, alert)
    if silence.window is not None:
        return matches(silence.window, alert)
    return _names(silence.rule, alert.rule) and silence.subject in {"", alert.subject}


def _names(rule: str, other: str) -> bool:
    return rule == other or (rule == EVERY_RULE and other not in NEVER_WILDCARD_SILENCED)


def matches(window: WindowScope, alert: Alert) -> bool:
    """True if a maintenance window mutes the alert: by its rule and its severity."""
    return alert.severity in window.severities and any(
        _names(rule, alert.rule) for rule in window.rules or (EVERY_RULE,)
    )


def of_every_rule(silence: Silence) -> bool:
    """True if it mutes all rules that need not be named."""
    return silence.rule == EVERY_RULE or (silence.window is not None and not silence.window.rules)


def same(first: Silence, second: Silence) -> bool:
    """True if both mute the same alerts and end with the same alert; times do not matter."""
    return first.window is None is second.window and _scope(first) == _scope(second)


def _scope(silence: Silence) -> tuple[str, str, str, int]:
    return (silence.cluster, silence.rule, silence.subject, silence.alert)


def overlap(first: Silence, second: Silence) -> bool:
    """True if one alert could be muted by both."""
    if first.window is not None or second.window is not None:
        return _overlaps_window(first, second)
    rules = {first.rule, second.rule} - {EVERY_RULE}
    named = len(rules) < 2 and (not rules & NEVER_WILDCARD_SILENCED or first.rule == second.rule)  # noqa: PLR2004 - two names differ
    subjects = {first.subject, second.subject} - {""}
    return first.cluster == second.cluster and named and len(subjects) < 2  # noqa: PLR2004 - two names differ


def _overlaps_window(first: Silence, second: Silence) -> bool:
    """True if they share a rule; a maintenance of a host is compared with no window."""
    if first.cluster != second.cluster or first.scope is not None or second.scope is not None:
        return False
    return any(_names(one, other) or _names(other, one) for one in _rules(first) for other in _rules(second))


def _rules(silence: Silence) -> tuple[str, ...]:
    return (silence.rule,) if silence.window is None else silence.window.rules or (EVERY_RULE,)


def equal_to(wanted: Silence, held: Iterable[Silence], alerts: Iterable[Alert]) -> Silence | None:
    """The longest silence that mutes the same alerts as the wanted one when that starts; None for none.

    A silence that lifted for an open alert does not count.
    """
    starts = max(wanted.begins, wanted.created_at)
    found = [each for each in held if same(each, wanted) and each.in_force(starts)]
    ended = {number for alert in alerts for number in alert.notes.lifted}
    return max((each for each in found if each.id not in ended), key=lambda each: each.until, default=None)


def extended(held: Silence, wanted: Silence) -> Silence:
    """The silence in force with the end of the wanted one; it tolerates what either tolerates."""
    weight, reason = max(held.weight, wanted.weight), wanted.reason or held.reason
    return replace(held, until=wanted.until, by=wanted.by, reason=reason, weight=weight, scope=wanted.scope)


def muting(silences: Sequence[Silence], alert: Alert, now: float) -> Silence | None:
    """The longest silence that mutes this alert now; silences that lifted for it do not count."""
    found = [silence for silence in silences if covers(silence, alert, now) and silence.id not in alert.notes.lifted]
    return max(found, key=lambda silence: silence.until, default=None)


def globally_silenced(silences: Sequence[Silence], alerts: Iterable[Alert], now: float) -> frozenset[tuple[str, str]]:
    """The rule and subject of each alert that a silence of all rules mutes now."""
    under = {(alert.rule, alert.subject): muting(silences, alert, now) for alert in alerts}
    return frozenset(key for key, silence in under.items() if silence is not None and of_every_rule(silence))


def muted_under(silence: Silence, alert: Alert) -> Alert:
    """The alert with the silence that mutes it recorded; when that ends, the alert is announced."""
    ever = alert.notes.silenced
    ever = ever if silence.id in ever else (*ever, silence.id)[-_MAX_IDS:]
    return noted(alert, muted=Muted(silence.id, silence.by), silenced=ever)


def lifted_by(silences: Sequence[Silence], alert: Alert, finding: Finding, now: float) -> tuple[int, ...]:
    """The ids of the silences that lift for this alert, because the finding is worse than they tolerate.

    A silence tolerates the alert as it is and growth up to its own weight, but no higher severity and no new part. A
    maintenance is not named here: it is compared with the facts of each poll (maintenance.py).
    """
    more_severe = finding.severity > alert.severity
    new_part = has_new_part(alert, finding)
    return tuple(
        silence.id
        for silence in silences
        if silence.scope is None
        and covers(silence, alert, now)
        and (more_severe or new_part or (finding.weight > alert.weight and finding.weight > silence.weight))
    )


def with_lifted(alert: Alert, ids: Iterable[int]) -> Alert:
    """The alert with these silences recorded as lifted."""
    held = alert.notes.lifted
    new = [one for one in ids if one not in held]
    return noted(alert, lifted=(*held, *new)[-_MAX_IDS:]) if new else alert


def mutes(silence: Silence, alerts: Iterable[Alert], now: float) -> int:
    """Number of open alerts that the silence mutes at `now`; an alert held back only by a silence counts."""
    return sum(
        alert.open and is_due(alert) and covers(silence, alert, now) and silence.id not in alert.notes.lifted
        for alert in alerts
    )
