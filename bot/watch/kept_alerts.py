"""The alerts that a watch keeps between polls: in a few words each, because a thousand clusters keep theirs. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.alerting.model import Alert, AlertState, Detail, LegacyDetail
from bot.views.alert_text.table import sentence_of

_Known = Mapping[tuple[int, int, AlertState], Detail]


def kept_alerts(alerts: Sequence[Alert], before: Sequence[Alert]) -> tuple[Alert, ...]:
    """The alerts with their sentence in the place of their facts; `before` are those that were kept of the last poll.

    A status says no more of an alert. The sentence of a posted one changes only with its version, so it is seldom made
    again.
    """
    known: _Known = {(alert.id, alert.version, alert.state): alert.detail for alert in before if alert.id}
    return tuple([_kept(alert, known) for alert in alerts])


def _kept(alert: Alert, known: _Known) -> Alert:
    detail = known.get((alert.id, alert.version, alert.state)) or LegacyDetail(sentence_of(alert))
    return replace(alert, detail=detail, parts=None, covers=(), fix=None, outcome=None)
