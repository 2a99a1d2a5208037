"""Takeover: an alert that says how another one ended goes on in the message of that one. No I/O.

A cluster without a leader is announced by `no_leader`. The election that ends this is `leader_changed`, which lasts
longer and carries what the lost leader costs (folding.py): one outage is one message and one thread.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.alerting.causes import takes_over
from bot.alerting.details import LeaderChanged
from bot.alerting.model import Alert, AlertState
from bot.alerting.outcomes import LeaderNow
from bot.alerting.transition import Transition, TransitionReason, Visibility, ended, noted

_ANNOUNCED = frozenset({AlertState.FIRING, AlertState.ACKNOWLEDGED})


def take_over(transitions: Sequence[Transition], alerts: Sequence[Alert], now: float) -> tuple[Transition, ...]:
    """Return the transitions with each alert that is announced now in the message of the alert whose end it tells.

    That one is resolved at once, without its clear time, and folded into the new alert, which its holder holds on.
    `alerts` are the open alerts before these transitions, all of one cluster.
    """
    steps = {each.new.pair: each for each in transitions}
    found = [(each, alert) for each in transitions for alert in alerts if _ends(each, alert, steps.get(alert.pair))]
    for each, over in found:
        new = _held_on(noted(each.new, message=over.message_id), over)
        last = _resolved(over, steps.get(over.pair), new, now)
        steps |= {each.new.pair: replace(each, new=new), over.pair: last}
    return tuple(steps.values())


def _held_on(new: Alert, over: Alert) -> Alert:
    """The alert as held by the person who holds the one that it takes over."""
    if over.state is not AlertState.ACKNOWLEDGED:
        return new
    notes = over.notes
    held = noted(new, acked_until=notes.acked_until, holder_reminded_at=notes.holder_reminded_at)
    return replace(held, state=AlertState.ACKNOWLEDGED, acked_by=over.acked_by, acked_at=over.acked_at)


def _ends(new: Transition, alert: Alert, step: Transition | None) -> bool:
    """True if the alert that is announced now tells how the other one ended, whose finding is gone."""
    if new.reason is not TransitionReason.FIRED or new.visibility is not Visibility.POST:
        return False
    if not takes_over(new.new, alert) or new.new.notes.folded or new.new.notes.group:
        return False
    latest, detail = alert if step is None else step.new, new.new.detail
    own = latest.notes.group is None and latest.notes.folded is None and latest.notes.muted is None
    over = bool(latest.clear_since) or not latest.open
    since = isinstance(detail, LeaderChanged) and any(not move.op and move.at >= alert.since for move in detail.moves)
    return own and over and since and alert.state in _ANNOUNCED


def _resolved(alert: Alert, step: Transition | None, first: Alert, now: float) -> Transition:
    """The end of an alert, folded into the one that goes on in its message."""
    if step is not None and not step.new.open:
        return replace(step, new=noted(step.new, folded=first.pair))
    detail = first.detail
    last = detail.moves[-1] if isinstance(detail, LeaderChanged) else None
    outcome = LeaderNow(last.after, last.term) if last else None
    over = ended(alert if step is None else step.new, now, outcome)
    return Transition(alert, noted(over, folded=first.pair), TransitionReason.RESOLVED, Visibility.REPLY)
