"""The change that the text of an alert or of its runbook names as the next step, with its known arguments. No I/O.

Only changes that have a form. A change that solves the alert by itself is its `fix`, which has its own button.
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any

from bot.alerting import details as d
from bot.alerting.model import Alert, Detail, EnableTask, TransferLeader
from bot.common.frozen import frozen

REPLACE, REMOVE, ADD, TRANSFER = "member replace", "member remove", "member add", "leader transfer"
ENABLE, DISABLE, BROKEN, OFFLINE = "task enable", "task disable", "disk broken", "disk offline"


@frozen
class NextChange:
    """A change by the words of its command, and the arguments that are known, by name.

    `first` if the alert itself names it; else its runbook does, after other steps.
    """

    kind: str
    given: Mapping[str, str] = field(default_factory=dict)
    first: bool = False


def next_change(alert: Alert) -> NextChange | None:
    """Return the change that an alert or its runbook names next; None if they name none, or if it is the fix."""
    if alert.fix is not None:
        return None
    found = _OF_DETAILS.get(type(alert.detail))
    change = found(alert.detail) if found else None
    return change or change_of_rule(alert.rule)


def change_of_runbook(alert: Alert) -> NextChange | None:
    """Return the change for the runbook of an alert: its fix, else the change that it or its runbook names."""
    if isinstance(alert.fix, EnableTask):
        return NextChange(ENABLE, {"task": alert.fix.task})
    if isinstance(alert.fix, TransferLeader):
        return NextChange(TRANSFER, {"peer_id": str(alert.fix.peer)})
    return next_change(alert)


def change_of_rule(rule: str) -> NextChange | None:
    """Return the change that the runbook of a rule names, without arguments; None if it names none or several."""
    kind = _OF_RUNBOOKS.get(rule)
    return NextChange(kind) if kind else None


def _peer_down(detail: d.PeerDown) -> NextChange:
    return NextChange(REPLACE, {"dead": str(detail.peer.id)})


def _quorum(detail: d.QuorumAtRisk) -> NextChange | None:
    if not detail.sick:
        return NextChange(ADD, {"as": "normal"}, first=True)
    # Several lost voters cannot be replaced one by one without a look at the quorum.
    return NextChange(REPLACE, {"dead": str(detail.sick[0].peer)}) if len(detail.sick) == 1 else None


def _lagging(detail: d.PeerLagging) -> NextChange | None:
    return None if detail.peer.learner else NextChange(REPLACE, {"dead": str(detail.peer.id)})


def _learner_ready(detail: d.LearnerReady) -> NextChange:
    return NextChange(REMOVE, {"peer_id": str(detail.peer)}, first=True)


def _stale(detail: d.StaleHost) -> NextChange:
    return NextChange(ADD, {"peer_id": str(detail.peer), "node": detail.host})


def _switched(detail: d.SwitchesChanged) -> NextChange | None:
    """The way back of the last change."""
    last = detail.moves[-1]
    kind = {"on": ENABLE, "off": DISABLE}.get(last.before.meaning)
    return NextChange(kind, {"task": last.task}) if kind else None


_OF_DETAILS: Mapping[type[Detail], Callable[[Any], NextChange | None]] = MappingProxyType(
    {
        d.PeerDown: _peer_down,
        d.QuorumAtRisk: _quorum,
        d.PeerLagging: _lagging,
        d.LearnerReady: _learner_ready,
        d.StaleHost: _stale,
        d.SwitchesChanged: _switched,
    }
)
_OF_RUNBOOKS: Mapping[str, str] = MappingProxyType(
    {
        "peer_down": REPLACE,
        "quorum_at_risk": REPLACE,
        "leader_flapping": TRANSFER,
        "leader_unseen": TRANSFER,
        "peer_lagging": REPLACE,
        "apply_stalled": TRANSFER,
        "learner_ready": REMOVE,
        "stale_host": ADD,
        "disk_expired": BROKEN,
        "disk_dropping": OFFLINE,
        "task_off_too_long": ENABLE,
        "task_off_with_work": ENABLE,
        "switch_meaningless": ENABLE,
    }
)
"""The change that a step of the runbook names; none where it names two that differ, as for `switch_changed`."""
