"""The page of rules is the one that the table makes."""

from bot.monitor.docs import PAGE, render
from bot.monitor.rules import RULES
from bot.monitor.runbooks import RUNBOOKS


def test_the_committed_page_is_the_generated_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run: python -m bot.monitor.docs"


def test_every_rule_has_a_runbook_under_its_own_heading() -> None:
    page = render()
    assert set(RUNBOOKS) == {rule.key for rule in RULES}
    assert all(f"\n## {rule.runbook.removeprefix('alerts.md#')}\n" in page for rule in RULES)


def test_every_threshold_is_documented() -> None:
    assert all(f"| `{name}` |" in render() for rule in RULES for name in rule.thresholds)
