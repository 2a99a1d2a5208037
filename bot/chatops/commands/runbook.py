"""/cm runbook: what a rule of the watch means, why it matters, what to do."""

from collections.abc import AsyncIterator

from pydantic import Field

from bot.alerting.model import Alert
from bot.alerting.next_change import change_of_rule, change_of_runbook
from bot.alerting.rules.table import RULES, rule_named
from bot.alerting.runbooks import RUNBOOKS
from bot.common.errors import UserError
from bot.common.text import suggestion
from bot.interactions.command import Args, Call, Command, Reply, Scope
from bot.interactions.facts import RuleRunbook
from bot.views.alert_actions import runbook
from bot.views.notes import with_notes

MAX_NOTES = 5
"""Notes on alerts of the rule that its runbook shows."""

_DIGITS = 16


class RunbookArgs(Args):
    """The rule to explain, or an alert of it."""

    words = ("rule",)
    rule: str = Field(min_length=1, max_length=40, description="a rule, or the number of an alert, as in /cm alerts")


async def run_runbook(call: Call, args: RunbookArgs) -> AsyncIterator[Reply]:
    """Show the runbook of one rule."""
    alert = await _alert(call, args.rule.removeprefix("#"))
    rule = rule_named(alert.rule if alert else args.rule.lower())
    if rule is None or rule.key not in RUNBOOKS:
        known = [each.key for each in RULES]
        near = suggestion(args.rule, known, "/cm runbook {}")
        raise UserError(f"There is no rule {args.rule!r:.60}.{near}" + ("" if near else f" Rules: {', '.join(known)}."))
    change = change_of_runbook(alert) if alert and alert.open else change_of_rule(rule.key)
    only = next(iter(call.clusters)) if len(call.clusters) == 1 else ""
    cluster = alert.cluster if alert else only
    notes = await call.notes.of_rule(rule.key, tuple(call.clusters), MAX_NOTES) if call.notes else ()
    shown = runbook(rule, RUNBOOKS[rule.key], call.docs_url, change=change, cluster=cluster)
    yield Reply(with_notes(shown, notes), facts=RuleRunbook(rule, RUNBOOKS[rule.key]))


async def _alert(call: Call, word: str) -> Alert | None:
    return await call.alerts.alert(int(word)) if word.isdecimal() and len(word) < _DIGITS else None


RUNBOOK = Command(
    path=("runbook",),
    summary="What a rule of the watch means, why it matters, and what to do, step by step.",
    args=RunbookArgs,
    run=run_runbook,
    scope=Scope.NO_CLUSTER,
    examples=("/cm runbook disk_broken", "/cm runbook 17"),
    notes="Where a step names a change, a button opens its form, filled with what the alert tells. "
    "It ends with the last notes on alerts of this rule. The button Runbook of each alert opens the same as a modal.",
    manual="alerts.md",
)
