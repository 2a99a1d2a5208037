"""The engine: findings, open alerts, silences and the time become transitions, each with a reason. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.alerting.escalation import Escalation, call, calling_anew
from bot.alerting.hysteresis import eased, recent_peak, unlearned
from bot.alerting.inhibition import Pairs, covered, inhibited
from bot.alerting.model import Alert, AlertState, Finding, Outcome, Severity, Silence
from bot.alerting.outcomes import NotWatched
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule
from bot.alerting.rules.table import INHIBITS, NEVER_WILDCARD_SILENCED
from bot.alerting.silences import globally_silenced, lifted_by, muted_under, muting, with_lifted
from bot.alerting.transition import (
    Tell,
    Transition,
    TransitionReason,
    as_found,
    ended,
    fired,
    following,
    loud,
    new_parts,
    noted,
    reads_the_same,
    worse,
)
from bot.alerting.unknown_time import known_again, unknown_for, untold

__all__ = ["NO_ESCALATION", "Tell", "Transition", "TransitionReason", "acknowledge", "step", "withdrawn"]

NO_ESCALATION = Escalation()
REPLY_EVERY = 300.0
"""Seconds between two replies that say of one alert that it got worse, while it is not critical."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all alerts of one step have in common; `outcome` finds the facts of an end."""

    cluster: str
    now: float
    silences: Sequence[Silence]
    settling: bool
    remembered: bool
    outcome: Callable[[Alert], Outcome | None]
    escalation: Escalation
    inhibited: frozenset[str] = frozenset()
    covered: Pairs = frozenset()

    def holds(self, rule: Rule) -> bool:
        """Whether nothing of this rule may be told at this step."""
        return rule.key in self.inhibited or (self.settling and not (self.remembered and rule.hold == 0))

    def keeps(self, rule: Rule) -> bool:
        """Whether nothing of this rule may be taken back at this step."""
        return self.holds(rule) or (self.settling and rule.clear > 0)

    def muting(self, alert: Alert) -> Silence | None:
        """The silence under which the alert is quiet now."""
        return muting(self.silences, alert, self.now)

    def awaits(self, rule: Rule, finding: Finding) -> bool:
        """Whether the finding may not be told for the first time, or called to mind again, at this step."""
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
    inhibits: Mapping[str, frozenset[str]] = INHIBITS,
) -> tuple[Transition, ...]:
    """Take one step with the open `alerts` of one cluster; an alert that no transition names stays as it is.

    `answers` are the findings by rule key (one that is absent cannot tell). While `settling`, right after the start,
    nothing is told or resolved: what one look alone shows may be the bot's own start. Of a cluster that is `remembered`
    from an earlier life what one look proves is told already then: what has no hold time, and no clear time to end.
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
        inhibited=inhibited(answers, held.values(), inhibits),
        covered=covered(
            answers,
            held.values(),
            hushed=globally_silenced(silences, held.values(), now),
            spared=NEVER_WILDCARD_SILENCED,
        ),
    )
    watched = {rule.key for rule in rules}
    moves: list[Transition | None] = [_withdrawn(alert, around) for alert in held.values() if alert.rule not in watched]
    for rule in rules:
        answer = answers.get(rule.key, CANNOT_TELL)
        if answer is CANNOT_TELL:
            moves += [untold(alert, now) for (key, _), alert in held.items() if key == rule.key]
            continue
        found = {finding.subject: finding for finding in answer}
        subjects = dict.fromkeys((*found, *(subject for key, subject in held if key == rule.key)))
        moves += [_judge(rule, held.get((rule.key, name)), found.get(name), around) for name in subjects]
    return tuple(move for move in moves if move is not None)


def acknowledge(alert: Alert, by: str, now: float) -> Transition | None:
    """Note that `by` (a Slack user id) takes care of a firing alert; None when there is nothing to acknowledge."""
    if alert.state is not AlertState.FIRING:
        return None
    new = following(alert, now, state=AlertState.ACKNOWLEDGED, acked_by=by, acked_at=now)
    return Transition(alert, new, TransitionReason.ACKNOWLEDGED, Tell.EDIT)


def _judge(rule: Rule, old: Alert | None, finding: Finding | None, around: Surroundings) -> Transition | None:
    """What a look that can tell does to one alert."""
    known = old if old is None else known_again(old, around.now)
    move = _judged(rule, known, finding, around)
    if old is None or known is None or known == old:
        return move
    return replace(move, old=old) if move else Transition(old, known, TransitionReason.NOTED, Tell.QUIET)


def _judged(rule: Rule, old: Alert | None, finding: Finding | None, around: Surroundings) -> Transition | None:
    if finding is None:
        return _gone(rule, old, around) if old is not None else None
    if finding.doubtful:
        return None
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
        detail=finding.detail,
        since=around.now,
        weight=finding.weight,
        parts=finding.parts,
        covers=finding.covers,
        fix=finding.fix,
        changed_at=around.now,
    )
    if rule.hold > 0 or around.awaits(rule, finding):
        return Transition(None, alert, TransitionReason.SEEN, Tell.QUIET)
    if silence := around.muting(alert):
        return Transition(None, muted_under(silence, alert), TransitionReason.SEEN, Tell.QUIET)
    return Transition(None, fired(alert, around.now), TransitionReason.FIRED, Tell.POST)


def _waits(rule: Rule, old: Alert, finding: Finding, around: Surroundings) -> Transition | None:
    # A clock that was set back must not put off what waits until it has caught up.
    new = replace(_found_anew(old, finding, around), since=min(old.since, around.now))
    if around.now - old.since - unknown_for(old) >= rule.hold and not around.awaits(rule, finding):
        silence = around.muting(new)
        if silence is None:
            told = noted(new, muted=None, peak=None, unknown_for=None)
            return Transition(old, fired(told, around.now), TransitionReason.FIRED, Tell.POST)
        new = muted_under(silence, new)
    return None if new == old else Transition(old, new, TransitionReason.SEEN, Tell.QUIET)


def _lives(rule: Rule, old: Alert, finding: Finding, around: Surroundings) -> Transition | None:
    new = replace(_found_anew(old, finding, around), clear_since=0.0)
    silence = around.muting(new)
    if silence is not None:
        return _quietly(old, muted_under(silence, new), around)
    new = noted(new, muted=None)
    if worse(recent_peak(old, around.now), finding) or (
        old.notes.unreported is not None and not _said_lately(old, new, around)
    ):
        return _grows(rule, old, new, around)
    if old.state is AlertState.FIRING:
        if old.notes.muted is not None:
            return _heard_again(old, new, around)
        # Before what merely reads differently: words that change with every look must not put off a call for ever.
        called = call(rule, old, new, around.escalation, around.now)
        if called and not around.awaits(rule, finding):
            return called
    return _quietly(old, new, around)


def _found_anew(old: Alert, finding: Finding, around: Surroundings) -> Alert:
    """The alert as it is found now, noting how bad it was lately and which silences no longer hold for it."""
    lifted = lifted_by(around.silences, recent_peak(old, around.now), finding, around.now)
    return with_lifted(eased(old, as_found(old, finding), around.now), lifted)


def _grows(rule: Rule, old: Alert, new: Alert, around: Surroundings) -> Transition:
    """It got worse: that is said aloud, but for what grows in a burst. A new failure is shown in the channel."""
    unreported = set(old.notes.unreported or ()) | new_parts(recent_peak(old, around.now), new)
    if _said_lately(old, new, around):
        later = noted(following(new, around.now), unreported=tuple(sorted(unreported)))
        # What grows with every look must not put off a call for ever.
        return call(rule, old, new, around.escalation, around.now) or Transition(
            old, later, TransitionReason.WORSE, Tell.EDIT
        )
    # What came and went unsaid is news when it comes again.
    new = noted(unlearned(new, unreported), unreported=None, replied_at=around.now)
    again = following(new, around.now, state=AlertState.FIRING, acked_by="", acked_at=0.0, reminded_at=around.now)
    tell = loud(new.severity, news=bool(unreported))
    return Transition(old, calling_anew(old, again, around.now), TransitionReason.WORSE, tell)


def _said_lately(old: Alert, new: Alert, around: Surroundings) -> bool:
    """Whether its growth can wait for the next reply: a burst is followed in the message, not reply by reply."""
    heard = old.state is AlertState.FIRING and old.notes.muted is None
    mild = heard and new.severity <= min(old.severity, Severity.WARNING)
    return mild and old.notes.replied_at is not None and around.now - old.notes.replied_at < REPLY_EVERY


def _heard_again(old: Alert, new: Alert, around: Surroundings) -> Transition:
    """It is told once more, and whoever is to be called for it is given the whole time from now on."""
    heard = noted(following(new, around.now, reminded_at=around.now), calling_since=around.now, peak=None)
    return Transition(old, heard, TransitionReason.UNMUTED, loud(new.severity))


def _quietly(old: Alert, new: Alert, around: Surroundings) -> Transition | None:
    """What nobody is to be told of: the message is edited where it reads differently."""
    if not reads_the_same(old, new):
        return Transition(old, following(new, around.now), TransitionReason.CHANGED, Tell.EDIT)
    if new == old:
        return None
    return Transition(old, new, TransitionReason.BACK if old.clear_since else TransitionReason.NOTED, Tell.QUIET)


def _gone(rule: Rule, old: Alert, around: Surroundings) -> Transition | None:
    if old.state is AlertState.PENDING:
        return Transition(old, ended(old, around.now, None), TransitionReason.DROPPED, Tell.QUIET)
    if around.keeps(rule):
        return None
    if around.now - (old.clear_since or around.now) >= rule.clear:
        tell = Tell.EDIT if around.muting(old) else Tell.REPLY
        return Transition(old, ended(old, around.now, around.outcome(old)), TransitionReason.RESOLVED, tell)
    if 0 < old.clear_since <= around.now:
        return None
    return Transition(old, replace(old, clear_since=around.now), TransitionReason.CLEARING, Tell.QUIET)


def withdrawn(old: Alert, now: float, outcome: NotWatched, *, muted: bool = False) -> Transition:
    """Close an alert that is not watched any more."""
    if old.state is AlertState.PENDING:
        return Transition(old, ended(old, now, None), TransitionReason.DROPPED, Tell.QUIET)
    return Transition(old, ended(old, now, outcome), TransitionReason.WITHDRAWN, Tell.EDIT if muted else Tell.REPLY)


def _withdrawn(old: Alert, around: Surroundings) -> Transition:
    return withdrawn(old, around.now, NotWatched(), muted=around.muting(old) is not None)
