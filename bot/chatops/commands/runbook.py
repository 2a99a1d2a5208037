"""/cm runbook: what a rule of the watch means, why it matters, what to do."""

from collections.abc import AsyncIterator

from pydantic import Field

from bot.alerting.rules.table import RULES, rule_named
from bot.alerting.runbooks import RUNBOOKS
from bot.common.errors import UserError
from bot.common.text import suggestion
from bot.interactions.command import Args, Call, Command, Reply, Scope
from bot.views.alert_actions import runbook


class RunbookArgs(Args):
    """The rule to explain."""

    words = ("rule",)
    rule: str = Field(min_length=1, max_length=40, description="a rule, as in /cm alerts")


async def run_runbook(call: Call, args: RunbookArgs) -> AsyncIterator[Reply]:
    """Show the runbook of one rule."""
    rule = rule_named(args.rule.lower())
    if rule is None or rule.key not in RUNBOOKS:
        known = [each.key for each in RULES]
        near = suggestion(args.rule, known, "/cm runbook {}")
        raise UserError(f"There is no rule {args.rule!r:.60}.{near}" + ("" if near else f" Rules: {', '.join(known)}."))
    yield Reply(runbook(rule, RUNBOOKS[rule.key], call.docs_url))


RUNBOOK = Command(
    path=("runbook",),
    summary="What a rule of the watch means, why it matters, and what to do, step by step.",
    args=RunbookArgs,
    run=run_runbook,
    scope=Scope.NO_CLUSTER,
    examples=("/cm runbook disk_broken",),
    notes="The button Runbook of each alert opens the same as a modal.",
    manual="alerts.md",
)
