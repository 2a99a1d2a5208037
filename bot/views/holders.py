"""Words and buttons about the person who holds an alert: who acknowledged it, and until when. No I/O."""

import json

from slackblocks import Button

from bot.alerting.model import Alert, AlertState
from bot.alerting.transition import Transition, TransitionReason
from bot.common.text import listed
from bot.views.alert_text.table import sentence_of
from bot.views.blocks import button, count, date, duration, escape

TAKE, GIVE_BACK = "alert_take", "alert_give_back"
"""The actions of the buttons; each value is {"alert": id, "by": the holder that the message shows}."""
_MOST = 10


def held_by(alert: Alert) -> str:
    """Return `acknowledged by <person> until <time>`; "" for an alert that no one holds."""
    if alert.state is not AlertState.ACKNOWLEDGED:
        return ""
    return f"acknowledged by <@{escape(alert.acked_by)}>{until(alert)}"


def until(alert: Alert) -> str:
    """Return ` until <time>` for an acknowledgement that ends by itself, else ""."""
    end = alert.notes.acked_until
    return "" if end is None else f" until {date(end, 'minute')}"


def hold_buttons(alert: Alert) -> list[Button]:
    """Return the buttons of an acknowledged alert: for another person, and for its holder."""
    if alert.state is not AlertState.ACKNOWLEDGED:
        return []
    value = json.dumps({"alert": alert.id, "by": alert.acked_by}, separators=(",", ":"))
    return [button("Take over", TAKE, value), button("Give back", GIVE_BACK, value)]


def line_text(transition: Transition) -> str:
    """Render the thread reply of a transition about a holder; "" for any other transition."""
    old, new = transition.old, transition.new
    if old is None or transition.reason not in _WORDS:
        return ""
    holder, sentence = f"<@{escape(old.acked_by)}>", escape(sentence_of(new))
    return _WORDS[transition.reason](transition, holder, f"{escape(new.cluster)}: {sentence}")


def _taken_over(transition: Transition, holder: str, what: str) -> str:
    new = transition.new
    return f"<@{escape(new.acked_by)}> took over alert #{new.id} from {holder}{until(new)}. In {what}"


def _given_back(transition: Transition, holder: str, what: str) -> str:
    return f"{holder} gave back alert #{transition.new.id}: no one holds it now. Still firing in {what}"


def _expired(transition: Transition, holder: str, what: str) -> str:
    old = transition.old
    held = duration(transition.new.changed_at - old.acked_at) if old else ""
    return f"The acknowledgement by {holder} ended after {held}: no one holds this alert now. Still firing in {what}"


def _reminded(transition: Transition, holder: str, what: str) -> str:
    new = transition.new
    held, number = duration(new.changed_at - new.acked_at), new.id
    also = ""
    if transition.also:
        names = listed([f"#{other}" for other in transition.also], most=_MOST)
        also = f" You also hold {count(len(transition.also), 'other alert')}: {names}."
    return (
        f"{holder}, you have held alert #{number} for {held}{until(new)}. Still firing in {what}{also} "
        f"If you cannot work on it: `/cm unack {number}`"
    )


_WORDS = {
    TransitionReason.TAKEN_OVER: _taken_over,
    TransitionReason.GIVEN_BACK: _given_back,
    TransitionReason.HOLD_EXPIRED: _expired,
    TransitionReason.HOLDER_REMINDED: _reminded,
}
