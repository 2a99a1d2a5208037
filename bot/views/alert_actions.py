"""Actions at an alert's message: its buttons and menu, its next step, its runbook. No I/O."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from slackblocks import Button, StaticSelectMenu

from bot.alerting.model import Alert, AlertState, EnableTask
from bot.alerting.next_change import NextChange, next_change
from bot.alerting.rules.base import Rule
from bot.alerting.runbooks import RUNBOOKS
from bot.alerting.runbooks.runbook import Runbook
from bot.interactions.message import Message
from bot.views import blocks
from bot.views.alert_text.table import named_step
from bot.views.holders import GIVE_BACK, TAKE, hold_buttons

ACKNOWLEDGE, SILENCE, SHOW, RUNBOOK, FIX = "alert_ack", "alert_silence", "alert_show", "alert_runbook", "alert_fix"
NEXT, ALL = "alert_next", "alert_all"
ACTIONS = frozenset({ACKNOWLEDGE, SILENCE, SHOW, RUNBOOK, FIX, NEXT, ALL, TAKE, GIVE_BACK})
"""The actions; each value is {"alert": id}, with `for` (a key of SPANS) for a silence, `by` (the holder) for a hold."""

FORM_NEXT = "form:next"
"""The action of a button that opens the form of a change; its value has the kind, the cluster and the arguments."""

SPANS: Mapping[str, tuple[str, float | None]] = MappingProxyType(
    {
        "1h": ("for 1 hour", 3600.0),
        "4h": ("for 4 hours", 4 * 3600.0),
        "24h": ("for 24 hours", 24 * 3600.0),
        "resolved": ("until resolved", None),
    }
)
"""Durations of a silence: in words, in seconds (None: until the alert is resolved)."""

PROPOSE_NEXT = "Propose the next step"
_TASK_WORDS = 3


def next_step_of(alert: Alert) -> str:
    """Return the next step of an alert: from its finding, else the first step of the runbook."""
    return blocks.escape(named_step(alert.detail)) or next_step(alert.rule)


def fix_command(alert: Alert) -> str:
    """Return the command, without `/cm`, that proposes the fix of an alert; "" if it has none."""
    if isinstance(alert.fix, EnableTask):
        return f"task enable {alert.fix.task} {alert.cluster}"
    return f"leader transfer {alert.fix.peer} {alert.cluster}" if alert.fix else ""


def next_step(rule: str) -> str:
    """Return the first step of a rule's runbook as mrkdwn; "" if it has none."""
    runbook = RUNBOOKS.get(rule)
    return blocks.escape(runbook.steps[0]) if runbook and runbook.steps else ""


def leading(alert: Alert, folded: Sequence[Alert] = ()) -> Alert:
    """Return the alert of a message whose fix and next step it shows: the first one with a fix, else the message's."""
    fixed = [each for each in (alert, *folded) if each.open and each.fix is not None]
    return fixed[0] if fixed else alert


def buttons(alert: Alert, folded: Sequence[Alert] = ()) -> list[Button | StaticSelectMenu]:
    """Return the buttons of an open alert's message; an acknowledged one has *Take over* in place of *Acknowledge*.

    `folded` are the alerts of the same cause in this message: Acknowledge is for all of them, the fix is the first.
    """
    value, fixed = _value(alert), leading(alert, folded)
    fix, of_fix = fix_command(fixed), _value(fixed)
    fires = any(each.state is AlertState.FIRING for each in (alert, *folded))
    first = [blocks.button("Acknowledge", ACKNOWLEDGE, value)] if fires else []
    propose = [blocks.button(fix_label(fix), FIX, of_fix, style="primary", confirm=_sure(fix))] if fix else []
    change = None if fix else next_change(alert)
    propose += [blocks.button(PROPOSE_NEXT, NEXT, value, style="primary")] if change and change.first else []
    rest = [blocks.button("Show cluster", SHOW, value), blocks.button("Runbook", RUNBOOK, value)]
    return [*first, *propose, *hold_buttons(alert), _silence(alert), *rest]


def show_all(alert: Alert) -> Button:
    """Return the button that shows everything affected."""
    return blocks.button("Show all", ALL, _value(alert))


def fix_label(command: str) -> str:
    """Return the label of the button that proposes a command: `Enable disk_repair`, else the command."""
    words = command.split()
    if len(words) >= _TASK_WORDS and words[0] == "task":
        return f"{words[1].capitalize()} {words[2]}"
    return f"/cm {command}"


def change_value(change: NextChange, cluster: str) -> str:
    """Return the value of a button that opens the form of a change, filled with what is known."""
    return json.dumps({"kind": change.kind, "cluster": cluster, "given": dict(change.given)}, separators=(",", ":"))


def runbook(
    rule: Rule, found: Runbook, docs_url: str = "", *, change: NextChange | None = None, cluster: str = ""
) -> Message:
    """Show a rule's meaning, importance and steps, with a link to its section if the manual is served.

    With a `change` that the steps name a button opens its form, for the `cluster` if that is known.
    """
    head = f"Runbook of {blocks.code(rule.key)}: {blocks.escape(rule.about)}"
    steps = "\n".join(f"{place}. {blocks.escape(step)}" for place, step in enumerate(found.steps, 1))
    parts = [
        blocks.section(f"*{head}*\n{blocks.escape(found.why)}"),
        blocks.section(f"*What to do*\n{steps}"),
    ]
    if change is not None:
        form = f"It opens the form of {blocks.code(f'/cm {change.kind}')}; nothing changes before the approval."
        parts.append(blocks.actions(blocks.button(PROPOSE_NEXT, FORM_NEXT, change_value(change, cluster))))
        parts.append(blocks.context(form))
    if found.notes:
        parts.append(blocks.context(blocks.escape(found.notes)))
    if docs_url:
        link = f"<{blocks.escape(docs_url.rstrip('/'))}/{rule.runbook}|{rule.runbook}>"
        parts.append(blocks.context(f"More, and how to tune it: {link}"))
    return blocks.message(head, *parts)


def _silence(alert: Alert) -> StaticSelectMenu:
    options = [(f"Silence {words}", _value(alert, span)) for span, (words, _) in SPANS.items()]
    what = f"{alert.rule} of {alert.cluster}" + (f" ({alert.subject})" if alert.subject else "")
    sure = blocks.confirm(
        "Silence this alert?",
        f"cmbot sends no reminder of {what} until the silence ends. It ends early if the alert gets worse.",
        "Silence",
        "Leave it",
    )
    return blocks.menu("Silence …", SILENCE, options, confirm=sure)


def _sure(command: str) -> blocks.Confirmation:
    text = f"/cm {command} is checked as if you typed it, and posted as a card. Nothing changes before the approval."
    return blocks.confirm("Propose this change?", text, "Propose", "Not now")


def _value(alert: Alert, span: str = "") -> str:
    return json.dumps({"alert": alert.id, **({"for": span} if span else {})}, separators=(",", ":"))
