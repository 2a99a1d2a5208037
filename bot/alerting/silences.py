"""Which alerts a silence mutes, and when it lifts by itself because things got worse. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.alerting.model import Alert, Finding, Muted, Silence
from bot.alerting.rules.table import NEVER_WILDCARD_SILENCED
from bot.alerting.transition import has_new_part, noted

EVERY_RULE = "*"
_MOST_IDS = 20


@dataclass(frozen=True, slots=True)
class Begun:
    """A silence that was just begun or extended.

    `mutes` is how many open alerts it mutes now, None for that of one alert; `was` is the end that it had before it was
    extended, 0 for one that began now.
    """

    silence: Silence
    mutes: int | None
    was: float = 0.0


@dataclass(frozen=True, slots=True)
class Lifted:
    """A silence that was lifted before its time, and the silences that still mute some or all of the same alerts."""

    silence: Silence
    left: tuple[Silence, ...] = ()


def covers(silence: Silence, alert: Alert, now: float) -> bool:
    """Whether it speaks of this alert and its time is not over; `*` spares what must be named to be muted."""
    named = silence.rule == alert.rule or (silence.rule == EVERY_RULE and alert.rule not in NEVER_WILDCARD_SILENCED)
    return silence.cluster == alert.cluster and named and silence.subject in {"", alert.subject} and silence.until > now


def same(first: Silence, second: Silence) -> bool:
    """Whether both mute the same alerts and end with the same one, whatever their times."""
    return _scope(first) == _scope(second)


def _scope(silence: Silence) -> tuple[str, str, str, int]:
    return (silence.cluster, silence.rule, silence.subject, silence.alert)


def overlap(first: Silence, second: Silence) -> bool:
    """Whether there can be an alert that both mute."""
    rules = {first.rule, second.rule} - {EVERY_RULE}
    named = len(rules) < 2 and (not rules & NEVER_WILDCARD_SILENCED or first.rule == second.rule)  # noqa: PLR2004 - two names differ
    subjects = {first.subject, second.subject} - {""}
    return first.cluster == second.cluster and named and len(subjects) < 2  # noqa: PLR2004 - two names differ


def equal_to(wanted: Silence, held: Iterable[Silence], alerts: Iterable[Alert]) -> Silence | None:
    """The silence in force that already does what the wanted one would do, the one that lasts longest; None for none.

    One that no longer holds for an open alert, as that got worse, does less: it does not count.
    """
    found = [each for each in held if same(each, wanted) and each.until > wanted.created_at]
    ended = {number for alert in alerts for number in alert.notes.lifted}
    return max((each for each in found if each.id not in ended), key=lambda each: each.until, default=None)


def extended(held: Silence, wanted: Silence) -> Silence:
    """The silence in force with the end of the wanted one, which was asked for later; it tolerates what either does."""
    weight, reason = max(held.weight, wanted.weight), wanted.reason or held.reason
    return replace(held, until=wanted.until, by=wanted.by, reason=reason, weight=weight)


def muting(silences: Sequence[Silence], alert: Alert, now: float) -> Silence | None:
    """The silence that mutes this alert now, leaving out those that lifted for it; the one that lasts longest."""
    found = [silence for silence in silences if covers(silence, alert, now) and silence.id not in alert.notes.lifted]
    return max(found, key=lambda silence: silence.until, default=None)


def globally_silenced(silences: Sequence[Silence], alerts: Iterable[Alert], now: float) -> frozenset[tuple[str, str]]:
    """The rule and subject of each alert that a silence of all rules mutes now."""
    under = {(alert.rule, alert.subject): muting(silences, alert, now) for alert in alerts}
    return frozenset(key for key, silence in under.items() if silence is not None and silence.rule == EVERY_RULE)


def muted_under(silence: Silence, alert: Alert) -> Alert:
    """The alert, noting that this silence keeps it quiet: once it does not, the alert is told."""
    ever = alert.notes.silenced
    ever = ever if silence.id in ever else (*ever, silence.id)[-_MOST_IDS:]
    return noted(alert, muted=Muted(silence.id, silence.by), silenced=ever)


def lifted_by(silences: Sequence[Silence], alert: Alert, finding: Finding, now: float) -> tuple[int, ...]:
    """The ids of the silences that no longer hold for this alert, as the finding is worse than they tolerate.

    A silence tolerates what the alert says already, and beyond that a growth of weight up to its own; never a higher
    severity, nor a part that is new.
    """
    graver = finding.severity > alert.severity
    strange = has_new_part(alert, finding)
    return tuple(
        silence.id
        for silence in silences
        if covers(silence, alert, now)
        and (graver or strange or (finding.weight > alert.weight and finding.weight > silence.weight))
    )


def with_lifted(alert: Alert, ids: Iterable[int]) -> Alert:
    """The alert, noting that these silences no longer hold for it."""
    held = alert.notes.lifted
    new = [one for one in ids if one not in held]
    return noted(alert, lifted=(*held, *new)[-_MOST_IDS:]) if new else alert
