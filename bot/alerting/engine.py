"""Engine: findings, open alerts, silences and the time become transitions, each with a reason. No I/O."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bot.alerting.escalation import Escalation, call, with_new_wait
from bot.alerting.holding import expire, holders_due, one_reminder_each, remind, without_hold
from bot.alerting.hysteresis import eased, paused, recent_peak, resumed, unknown_for, unlearned
from bot.alerting.inhibition import Pairs, covered, inhibited
from bot.alerting.model import Alert, AlertState, Finding, Outcome, Severity, Silence
from bot.alerting.outcomes import NotWatched
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule
from bot.alerting.rules.table import INHIBITS, NEVER_WILDCARD_SILENCED
from bot.alerting.silences import globally_silenced, lifted_by, muted_under, muting, with_lifted
from bot.alerting.transition import (
    Transition,
    TransitionReason,
    Visibility,
    as_found,
    ended,
    fired,
    following,
    new_parts,
    noted,
    reads_the_same,
    reply_visibility,
    worse,
)
from bot.common.frozen import frozen

__all__ = ["NO_ESCALATION", "Transition", "TransitionReason", "Visibility", "step", "withdrawn"]

NO_ESCALATION = Escalation()
REPLY_EVERY = 300.0
"""Seconds between two replies that announce that one alert got worse, while it is not critical."""


@frozen
class Surroundings:
    """Inputs shared by all alerts of one step; `outcome` finds the facts of an end.

    `remind_holder` are the seconds until the holder of an alert is reminded, `holders` those who are reminded now.
    """

    cluster: str
    now: float
    silences: Sequence[Silence]
    settling: bool
    remembered: bool
    outcome: Callable[[Alert], Outcome | None]
    escalation: Escalation
    remind_holder: float = 0.0
    holders: frozenset[str] = frozenset()
    inhibited: frozenset[str] = frozenset()
    covered: Pairs = frozenset()

    def holds(self, rule: Rule) -> bool:
        """True if no alert of this rule may be posted at this step."""
        return rule.key in self.inhibited or (self.settling and not (self.remembered and rule.for_seconds == 0))

    def keeps(self, rule: Rule) -> bool:
        """True if no alert of this rule may be resolved at this step."""
        return self.holds(rule) or (self.settling and rule.clear > 0)

    def muting(self, alert: Alert) -> Silence | None:
        """The silence that mutes the alert now."""
        return muting(self.silences, alert, self.now)

    def awaits(self, rule: Rule, finding: Finding) -> bool:
        """True if the finding may be neither posted nor reminded of at this step."""
        return self.holds(rule) or (rule.key, finding.subject) in self.covered


def step(
    answers: Mapping[str, Answer],
    alerts: Sequence[Alert],
    silences: Sequence[Silence],
    rules: Sequence[Rule],
    now: float,
    *,
    cluster: str,
    settling: bool = False,
    remembered: bool = False,
    outcome: Callable[[Alert], Outcome | None] = lambda _: None,
    escalation: Escalation = NO_ESCALATION,
    remind_holder: float = 0.0,
    inhibits: Mapping[str, frozenset[str]] = INHIBITS,
) -> tuple[Transition, ...]:
    """Take one step with the open `alerts` of one cluster; an alert that no transition names stays as it is.

    Order: evaluate the answers, inhibit, then silence. `answers` are the findings by rule key; an absent rule counts as
    undecided. While `settling`, right after the start, nothing is posted or resolved: one poll alone may show only the
    start of the bot. For a cluster `remembered` from an earlier process, rules with `for_seconds` 0 are posted at once.
    """
    held = {(alert.rule, alert.subject): alert for alert in alerts if alert.open}
    around = Surroundings(
        cluster,
        now,
        silences,
        settling,
        remembered,
        outcome,
        escalation,
        remind_holder,
        holders_due(held.values(), remind_holder, now),
        inhibited=inhibited(answers, held.values(), inhibits),
        covered=covered(
            answers,
            held.values(),
            globally_silenced=globally_silenced(silences, held.values(), now),
            spared=NEVER_WILDCARD_SILENCED,
        ),
    )
    watched = {rule.key for rule in rules}
    gone = (alert for alert in held.values() if alert.rule not in watched)
    transitions: list[Transition | None] = [
        withdrawn(alert, now, NotWatched(), muted=around.muting(alert) is not None) for alert in gone
    ]
    for rule in rules:
        answer = answers.get(rule.key, CANNOT_TELL)
        if not held and (answer is CANNOT_TELL or not answer):
            continue
        if answer is CANNOT_TELL:
            transitions += [paused(alert, now) for (key, _), alert in held.items() if key == rule.key]
            continue
        found = {finding.subject: finding for finding in answer}
        subjects = dict.fromkeys((*found, *(subject for key, subject in held if key == rule.key)))
        transitions += [_evaluate(rule, held.get((rule.key, name)), found.get(name), around) for name in subjects]
    return tuple(one_reminder_each([transition for transition in transitions if transition is not None]))


def _evaluate(rule: Rule, old: Alert | None, finding: Finding | None, around: Surroundings) -> Transition | None:
    """Apply a decided finding, or its absence, to one alert."""
    known = old if old is None else resumed(old, around.now)
    transition = _evaluated(rule, known, finding, around)
    if old is None or known is None or known == old:
        return transition
    if transition is None:
        return Transition(old, known, TransitionReason.NOTED, Visibility.QUIET)
    return replace(transition, old=old)


def _evaluated(rule: Rule, old: Alert | None, finding: Finding | None, around: Surroundings) -> Transition | None:
    if finding is None:
        return _gone(rule, old, around) if old is not None else None
    if finding.doubtful:
        return None
    if old is None:
        return _first_seen(rule, finding, around)
    if old.state is AlertState.PENDING:
        return _pending(rule, old, finding, around)
    return None if around.holds(rule) else _still_there(rule, old, finding, around)


def _first_seen(rule: Rule, finding: Finding, around: Surroundings) -> Transition:
    alert = Alert(
        cluster=around.cluster,
        rule=rule.key,
        subject=finding.subject,
        state=AlertState.PENDING,
        severity=finding.severity,
        detail=finding.detail,
        since=around.now,
        weight=finding.weight,
        parts=finding.parts,
        covers=finding.covers,
        fix=finding.fix,
        changed_at=around.now,
    )
    if rule.for_seconds > 0 or around.awaits(rule, finding):
        return Transition(None, alert, TransitionReason.SEEN, Visibility.QUIET)
    if silence := around.muting(alert):
        return Transition(None, muted_under(silence, alert), TransitionReason.SEEN, Visibility.QUIET)
    return Transition(None, fired(alert, around.now), TransitionReason.FIRED, Visibility.POST)


def _pending(rule: Rule, old: Alert, finding: Finding, around: Surroundings) -> Transition | None:
    # A clock that was set back must not delay a pending alert.
    new = replace(_as_found_now(old, finding, around), since=min(old.since, around.now))
    if around.now - old.since - unknown_for(old) >= rule.for_seconds and not around.awaits(rule, finding):
        silence = around.muting(new)
        if silence is None:
            unmuted = noted(new, muted=None, peak=None, unknown_for=None)
            return Transition(old, fired(unmuted, around.now), TransitionReason.FIRED, Visibility.POST)
        new = muted_under(silence, new)
    return None if new == old else Transition(old, new, TransitionReason.SEEN, Visibility.QUIET)


def _still_there(rule: Rule, old: Alert, finding: Finding, around: Surroundings) -> Transition | None:
    new = replace(_as_found_now(old, finding, around), clear_since=0.0)
    silence = around.muting(new)
    if silence is not None:
        muted = muted_under(silence, new)
        return expire(old, muted, around.now, quiet=True) or _quietly(old, muted, around)
    new = noted(new, muted=None)
    if worse(recent_peak(old, around.now), finding) or (
        old.notes.unreported is not None and not _announced_lately(old, new, around)
    ):
        return _got_worse(rule, old, new, around)
    if old.state is AlertState.FIRING:
        if old.notes.muted is not None:
            return _unmuted(old, new, around)
        # Check the call first: text that changes with every poll must not delay a call without end.
        called = call(rule, old, new, around.escalation, around.now)
        if called and not around.awaits(rule, finding):
            return called
    if old.state is AlertState.ACKNOWLEDGED and (moved := _held_on(rule, old, new, finding, around)):
        return moved
    return _quietly(old, new, around)


def _held_on(rule: Rule, old: Alert, new: Alert, finding: Finding, around: Surroundings) -> Transition | None:
    """End an acknowledgement whose time is over, or remind its holder."""
    awaits = around.awaits(rule, finding)
    if expired := expire(old, new, around.now, quiet=awaits):
        return expired
    return None if awaits else remind(old, new, around.remind_holder, around.now, around.holders)


def _as_found_now(old: Alert, finding: Finding, around: Surroundings) -> Alert:
    """The alert as found now, with its recent peak and the silences that lifted."""
    lifted = lifted_by(around.silences, recent_peak(old, around.now), finding, around.now)
    return with_lifted(eased(old, as_found(old, finding), around.now), lifted)


def _got_worse(rule: Rule, old: Alert, new: Alert, around: Surroundings) -> Transition:
    """Announce that the alert got worse, at most once a burst; a new failure is broadcast to the channel."""
    unreported = set(old.notes.unreported or ()) | new_parts(recent_peak(old, around.now), new)
    if _announced_lately(old, new, around):
        later = noted(following(new, around.now), unreported=tuple(sorted(unreported)))
        # Growth at every poll must not delay a call without end.
        return call(rule, old, new, around.escalation, around.now) or Transition(
            old, later, TransitionReason.WORSE, Visibility.EDIT
        )
    # A part that came and went unannounced is news when it returns.
    new = noted(unlearned(new, unreported), unreported=None, replied_at=around.now)
    again = following(without_hold(new), around.now, state=AlertState.FIRING, reminded_at=around.now)
    visibility = reply_visibility(new.severity, news=bool(unreported))
    return Transition(old, with_new_wait(old, again, around.now), TransitionReason.WORSE, visibility)


def _announced_lately(old: Alert, new: Alert, around: Surroundings) -> bool:
    """True if the growth can wait: during a burst only the message is edited."""
    heard = old.state is AlertState.FIRING and old.notes.muted is None
    mild = heard and new.severity <= min(old.severity, Severity.WARNING)
    return mild and old.notes.replied_at is not None and around.now - old.notes.replied_at < REPLY_EVERY


def _unmuted(old: Alert, new: Alert, around: Surroundings) -> Transition:
    """Announce the alert again; the wait before a call starts now."""
    heard = noted(following(new, around.now, reminded_at=around.now), calling_since=around.now, peak=None)
    return Transition(old, heard, TransitionReason.UNMUTED, reply_visibility(new.severity))


def _quietly(old: Alert, new: Alert, around: Surroundings) -> Transition | None:
    """Update without notifying anyone; edit the message only if its visible text changed."""
    if not reads_the_same(old, new):
        return Transition(old, following(new, around.now), TransitionReason.CHANGED, Visibility.EDIT)
    if new == old:
        return None
    return Transition(old, new, TransitionReason.BACK if old.clear_since else TransitionReason.NOTED, Visibility.QUIET)


def _gone(rule: Rule, old: Alert, around: Surroundings) -> Transition | None:
    if old.state is AlertState.PENDING:
        return Transition(old, ended(old, around.now, None), TransitionReason.DROPPED, Visibility.QUIET)
    if around.keeps(rule):
        return None
    if around.now - (old.clear_since or around.now) >= rule.clear:
        visibility = Visibility.EDIT if around.muting(old) else Visibility.REPLY
        return Transition(old, ended(old, around.now, around.outcome(old)), TransitionReason.RESOLVED, visibility)
    if 0 < old.clear_since <= around.now:
        return None
    return Transition(old, replace(old, clear_since=around.now), TransitionReason.CLEARING, Visibility.QUIET)


def withdrawn(old: Alert, now: float, outcome: NotWatched, *, muted: bool = False) -> Transition:
    """Close an alert that is no longer watched; `outcome` is the reason."""
    if old.state is AlertState.PENDING:
        return Transition(old, ended(old, now, None), TransitionReason.DROPPED, Visibility.QUIET)
    return Transition(
        old, ended(old, now, outcome), TransitionReason.WITHDRAWN, Visibility.EDIT if muted else Visibility.REPLY
    )
