"""The engine: findings, open alerts, silences and the time become transitions, each with a reason. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bot.monitor.alert import Alert, AlertState, Finding, Severity, Silence
from bot.monitor.rule import CANNOT_TELL, Answer, Rule
from bot.monitor.rules import INHIBITS
from bot.monitor.silences import lifted_by, mutes, with_lifted


class Reason(StrEnum):
    """Why an alert moved."""

    SEEN = "seen, and not told yet"
    FIRED = "told for the first time"
    WORSE = "got worse"
    CHANGED = "reads differently"
    CLEARING = "not seen any more, waiting to be sure"
    BACK = "seen again before it was resolved"
    RESOLVED = "resolved"
    DROPPED = "went away before it was told"
    REMINDED = "still there and nobody acknowledged it"
    ACKNOWLEDGED = "acknowledged"
    WITHDRAWN = "its rule is not watched any more"


class Tell(StrEnum):
    """What a channel sees of a transition; a reply comes with the edit of the alert's message."""

    QUIET = "quiet"
    EDIT = "edit"
    POST = "post"
    REPLY = "reply"
    REPLY_BROADCAST = "reply and broadcast"


@dataclass(frozen=True, slots=True)
class Transition:
    """One step in the life of an alert; `old` is None at its birth. `new.version` is raised when a reader notices."""

    old: Alert | None
    new: Alert
    reason: Reason
    tell: Tell


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all alerts of one step have in common; `resolution` words what became of one that is resolved."""

    cluster: str
    now: float
    silences: Sequence[Silence]
    settling: bool
    resolution: Callable[[Alert], str]
    inhibited: frozenset[str] = frozenset()

    def holds(self, rule: Rule) -> bool:
        """Whether nothing of this rule may be told or taken back at this step."""
        return self.settling or rule.key in self.inhibited


def step(
    answers: Mapping[str, Answer],
    alerts: Sequence[Alert],
    silences: Sequence[Silence],
    rules: Sequence[Rule],
    now: float,
    *,
    cluster: str,
    settling: bool = False,
    resolution: Callable[[Alert], str] = lambda _: "",
    inhibits: Mapping[str, frozenset[str]] = INHIBITS,
) -> tuple[Transition, ...]:
    """Take one step with the open `alerts` of one cluster; an alert that no transition names stays as it is.

    `answers` are the findings by rule key (one that is absent cannot tell). While `settling`, right after the start,
    nothing is told or resolved: what one look alone shows may be the bot's own start.
    """
    held = {(alert.rule, alert.subject): alert for alert in alerts if alert.open}
    around = Surroundings(cluster, now, silences, settling, resolution, _inhibited(answers, held.values(), inhibits))
    watched = {rule.key for rule in rules}
    moves: list[Transition | None] = [_withdrawn(alert, around) for alert in held.values() if alert.rule not in watched]
    for rule in rules:
        answer = answers.get(rule.key, CANNOT_TELL)
        if answer is CANNOT_TELL:
            continue
        found = {finding.subject: finding for finding in answer}
        subjects = dict.fromkeys((*found, *(subject for key, subject in held if key == rule.key)))
        moves += [_judge(rule, held.get((rule.key, name)), found.get(name), around) for name in subjects]
    return tuple(move for move in moves if move is not None)


def acknowledge(alert: Alert, by: str, now: float) -> Transition | None:
    """Note that `by` (a Slack user id) takes care of a firing alert; None when there is nothing to acknowledge."""
    if alert.state is not AlertState.FIRING:
        return None
    new = _next(alert, now, state=AlertState.ACKNOWLEDGED, acked_by=by, acked_at=now)
    return Transition(alert, new, Reason.ACKNOWLEDGED, Tell.EDIT)


def _inhibited(
    answers: Mapping[str, Answer], alerts: Iterable[Alert], inhibits: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    told = {alert.rule for alert in alerts if alert.state is not AlertState.PENDING}
    seen = {key for key, answer in answers.items() if answer is not CANNOT_TELL and answer}
    active = [others for key, others in inhibits.items() if key in answers and key in told | seen]
    return frozenset().union(*active)


def _judge(rule: Rule, old: Alert | None, finding: Finding | None, around: Surroundings) -> Transition | None:
    if finding is None:
        return _gone(rule, old, around) if old is not None else None
    if old is None:
        return _born(rule, finding, around)
    if old.state is AlertState.PENDING:
        return _waits(rule, old, finding, around)
    return None if around.holds(rule) else _lives(rule, old, finding, around)


def _born(rule: Rule, finding: Finding, around: Surroundings) -> Transition:
    alert = Alert(
        cluster=around.cluster,
        rule=rule.key,
        subject=finding.subject,
        state=AlertState.PENDING,
        severity=finding.severity,
        sentence=finding.sentence,
        since=around.now,
        lines=finding.lines,
        weight=finding.weight,
        data=dict(finding.data),
        changed_at=around.now,
    )
    if rule.hold > 0 or around.holds(rule) or mutes(around.silences, alert, around.now):
        return Transition(None, alert, Reason.SEEN, Tell.QUIET)
    return Transition(None, _fired(alert, around.now), Reason.FIRED, Tell.POST)


def _waits(rule: Rule, old: Alert, finding: Finding, around: Surroundings) -> Transition | None:
    new = with_lifted(_as_found(old, finding), lifted_by(around.silences, old, finding, around.now))
    due = around.now - old.since >= rule.hold
    if due and not around.holds(rule) and not mutes(around.silences, new, around.now):
        return Transition(old, _fired(new, around.now), Reason.FIRED, Tell.POST)
    return None if new == old else Transition(old, new, Reason.SEEN, Tell.QUIET)


def _lives(rule: Rule, old: Alert, finding: Finding, around: Surroundings) -> Transition | None:
    here = replace(old, clear_since=0.0)
    new = with_lifted(_as_found(here, finding), lifted_by(around.silences, old, finding, around.now))
    muted = mutes(around.silences, new, around.now)
    if worse(old, finding) and not muted:
        unacked = _next(new, around.now, state=AlertState.FIRING, acked_by="", acked_at=0.0, reminded_at=around.now)
        return Transition(old, unacked, Reason.WORSE, _loud(new.severity))
    if new != here:
        return Transition(old, _next(new, around.now), Reason.CHANGED, Tell.EDIT)
    if new != old:
        return Transition(old, new, Reason.BACK, Tell.QUIET)
    waited = around.now - old.reminded_at
    if rule.remind > 0 and old.state is AlertState.FIRING and not muted and waited >= rule.remind:
        return Transition(old, _next(old, around.now, reminded_at=around.now), Reason.REMINDED, _loud(old.severity))
    return None


def _gone(rule: Rule, old: Alert, around: Surroundings) -> Transition | None:
    if old.state is AlertState.PENDING:
        return Transition(old, _ended(old, around.now, ""), Reason.DROPPED, Tell.QUIET)
    if around.holds(rule):
        return None
    if around.now - (old.clear_since or around.now) >= rule.clear:
        tell = Tell.EDIT if mutes(around.silences, old, around.now) else Tell.REPLY
        return Transition(old, _ended(old, around.now, around.resolution(old)), Reason.RESOLVED, tell)
    if old.clear_since:
        return None
    return Transition(old, replace(old, clear_since=around.now), Reason.CLEARING, Tell.QUIET)


def _withdrawn(old: Alert, around: Surroundings) -> Transition:
    if old.state is AlertState.PENDING:
        return Transition(old, _ended(old, around.now, ""), Reason.DROPPED, Tell.QUIET)
    words = "The settings do not watch for this any more, so nobody knows whether it is still so."
    return Transition(old, _ended(old, around.now, words), Reason.WITHDRAWN, Tell.REPLY)


def worse(alert: Alert, finding: Finding) -> bool:
    """Whether the finding is worse than what the alert says: more severe, more of it, or something new in it."""
    if finding.severity > alert.severity or finding.weight > alert.weight:
        return True
    known = alert.data.get("parts")
    return known is not None and bool(set(finding.data.get("parts", ())) - set(known))


def _as_found(alert: Alert, finding: Finding) -> Alert:
    if finding.partial and not worse(alert, finding):
        return alert
    kept = {"lifted": alert.data["lifted"]} if "lifted" in alert.data else {}
    return replace(
        alert,
        severity=finding.severity,
        sentence=finding.sentence,
        lines=finding.lines,
        weight=finding.weight,
        data={**finding.data, **kept},
    )


def _fired(alert: Alert, now: float) -> Alert:
    return _next(alert, now, state=AlertState.FIRING, fired_at=now, reminded_at=now)


def _ended(alert: Alert, now: float, words: str) -> Alert:
    return _next(alert, now, state=AlertState.RESOLVED, resolved_at=now, resolution=words)


def _next(alert: Alert, now: float, **changes: Any) -> Alert:
    return replace(alert, version=alert.version + 1, changed_at=now, **changes)


def _loud(severity: Severity) -> Tell:
    return Tell.REPLY_BROADCAST if severity is Severity.CRITICAL else Tell.REPLY
