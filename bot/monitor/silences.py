"""Which alerts a silence mutes, and when it lifts by itself because things got worse. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.monitor.alert import Alert, Finding, Silence
from bot.monitor.rules import UNSPARED

EVERY_RULE = "*"


def covers(silence: Silence, alert: Alert, now: float) -> bool:
    """Whether it speaks of this alert and its time is not over; `*` spares what must be named to be muted."""
    named = silence.rule == alert.rule or (silence.rule == EVERY_RULE and alert.rule not in UNSPARED)
    return silence.cluster == alert.cluster and named and silence.subject in {"", alert.subject} and silence.until > now


def mutes(silences: Sequence[Silence], alert: Alert, now: float) -> bool:
    """Whether any silence mutes this alert now, leaving out those that lifted for it."""
    lifted = alert.data.get("lifted", ())
    return any(covers(silence, alert, now) and silence.id not in lifted for silence in silences)


def lifted_by(silences: Sequence[Silence], alert: Alert, finding: Finding, now: float) -> tuple[int, ...]:
    """The ids of the silences that no longer hold for this alert, as the finding is worse than they tolerate.

    A silence tolerates what the alert says already, and beyond that a growth of weight up to its own; never a higher
    severity, nor a part that is new.
    """
    graver = finding.severity > alert.severity
    known = alert.data.get("parts")
    strange = known is not None and bool(set(finding.data.get("parts", ())) - set(known))
    return tuple(
        silence.id
        for silence in silences
        if covers(silence, alert, now)
        and (graver or strange or (finding.weight > alert.weight and finding.weight > silence.weight))
    )


def with_lifted(alert: Alert, ids: Iterable[int]) -> Alert:
    """The alert, noting that these silences no longer hold for it."""
    held = list(alert.data.get("lifted", ()))
    new = [one for one in ids if one not in held]
    return replace(alert, data={**alert.data, "lifted": [*held, *new][-20:]}) if new else alert
