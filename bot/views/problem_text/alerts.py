"""Words for the problems of acts on alerts and silences. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting import problems as p
from bot.alerting.holding import HoldRefusal
from bot.alerting.silences import EVERY_RULE
from bot.alerting.subjects import SubjectKind, SubjectRefused
from bot.common.text import duration, listed, shown, suggestion
from bot.views.text import utc

_KINDS: Mapping[SubjectKind, str] = MappingProxyType(
    {
        SubjectKind.PEER: "a peer by its number",
        SubjectKind.HOST: "a host as the settings name it",
        SubjectKind.ZONE: "a zone",
        SubjectKind.TASK: "a background task",
        SubjectKind.REPORT: "the fingerprint of an alert",
    }
)


def no_such_alert(problem: p.NoSuchAlert) -> str:
    """The number is of no alert."""
    return f"There is no alert #{problem.alert}. `/cm alerts` lists what is open."


def hold_refused(problem: p.HoldRefused) -> str:
    """The alert is not acknowledged, taken over or given back."""
    number, holder = problem.alert, f"<@{problem.holder}>"
    if problem.why is HoldRefusal.OVER:
        return f"Alert #{number} is resolved already, so nothing was changed. `/cm alerts` lists what is open."
    if problem.why is HoldRefusal.NOT_ANNOUNCED:
        return f"Alert #{number} was not announced: a silence mutes it, or it has not lasted long enough yet."
    if problem.why is HoldRefusal.HELD_BY_CALLER:
        change = f"`/cm ack {number} for=2h` sets its end; `/cm unack {number}` gives it back."
        return f"You hold alert #{number} already. {change}"
    if problem.why is HoldRefusal.HELD_BY_ANOTHER:
        return f"Alert #{number} is acknowledged already, by {holder}. To take it over: `/cm ack {number} take`"
    if problem.why is HoldRefusal.NOT_HELD:
        return f"No one holds alert #{number}, so there is nothing to give back."
    now = f"{holder} holds it now" if problem.holder else "no one holds it now"
    return f"Alert #{number} changed since this button was shown: {now}. Look at its message again."


def bad_hold_length(_: p.BadHoldLength) -> str:
    """The acknowledgement is too long or has no length."""
    return "An acknowledgement lasts longer than 0 s and at most 7 days, as in for=2h; without for= it has no end."


def alert_is_over(problem: p.AlertIsOver) -> str:
    """The alert is resolved."""
    return f"Alert #{problem.alert} is {problem.state} already, so nothing was done. `/cm alerts` lists what is open."


def alert_contended(problem: p.AlertContended) -> str:
    """The watch wrote the alert in every try."""
    return f"Alert #{problem.alert} keeps changing just now. Try again."


def no_such_rule(problem: p.NoSuchRule) -> str:
    """The name is of no rule."""
    names = suggestion(problem.rule, problem.known) or f" Rules: {', '.join(problem.known)}."
    return f"There is no rule {problem.rule!r:.60}.{names}"


def bad_silence_length(_: p.BadSilenceLength) -> str:
    """The silence is too long or has no length."""
    return "A silence lasts longer than 0 s and at most 7 days, as in for=2h: then check the alert again."


def start_is_past(problem: p.StartIsPast) -> str:
    """The silence would have begun earlier."""
    ago = duration(problem.now - problem.begins)
    return f"from= is {utc(problem.begins)}, {ago} ago: leave it out for a silence that begins now."


def start_too_far_ahead(problem: p.StartTooFarAhead) -> str:
    """The silence would begin too late."""
    return (
        f"from= is {utc(problem.begins)}; a silence begins at most 31 days ahead. For one that comes every week, set "
        "maintenance_windows in the settings."
    )


def end_is_past(problem: p.EndIsPast) -> str:
    """The silence would be over."""
    return f"until= is {utc(problem.until)}, {duration(problem.now - problem.until)} ago: name a time ahead."


def end_before_start(problem: p.EndBeforeStart) -> str:
    """The silence would end before it begins."""
    return (
        f"until= ({utc(problem.until)}) is not after from= ({utc(problem.begins)}). "
        "A span in until= counts from now; for= counts from the start, as in from=22:00 for=2h."
    )


def two_ends(_: p.TwoEnds) -> str:
    """A length and an end were given."""
    return "for= and until= both say when the silence ends: write one of them."


def silenced_longer(problem: p.SilencedLonger) -> str:
    """An equal silence lasts longer."""
    held = problem.silence
    about = f" ({held.subject})" if held.subject else ""
    what = f"{'all alerts' if held.rule == EVERY_RULE else held.rule}{about} of {held.cluster}"
    if held.scope is not None:
        what = f"what stopping {held.subject} of {held.cluster} explains"
    left = f"{duration(held.until - problem.now)} longer, until {utc(held.until)}"
    return (
        f"Silence #{held.id} already mutes {what}, for {left}, so nothing was changed. "
        f"To end it earlier, lift it first: `/cm unsilence {held.id}`"
    )


def maintenance_contended(problem: p.MaintenanceContended) -> str:
    """Another maintenance began meanwhile."""
    return (
        f"Maintenance of {shown(problem.host)} began while this host was judged, so nothing was started. "
        "Ask again: both together may be too much."
    )


def no_such_silence(problem: p.NoSuchSilence) -> str:
    """The number is of no silence in force."""
    return f"There is no silence #{problem.silence} any more. `/cm silences` lists what holds."


def subject_refused(problem: SubjectRefused) -> str:
    """No alert can have the subject."""
    typed = shown(problem.typed)
    if problem.kind is SubjectKind.CLUSTER:
        return f"An alert of {problem.rule} is about the whole cluster and has no subject: leave subject= out."
    here = f" Of {problem.cluster} these are known: {listed(problem.known)}." if problem.known else ""
    near = f" Did you mean subject={problem.near}?" if problem.near else ""
    return f"An alert of {problem.rule} is about {_KINDS[problem.kind]}, and {typed} is none.{here}{near}"
