"""The page of rules is the one that the table makes."""

from bot.alerting.rules.table import RULES
from bot.alerting.runbooks import RUNBOOKS
from tests.docgen.alerts import PAGE, SYMPTOMS, render


def test_committed_page_equals_the_generated_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run: python -m tests.docgen.alerts"


def test_every_rule_has_a_runbook_under_its_own_heading() -> None:
    page = render()
    assert set(RUNBOOKS) == {rule.key for rule in RULES}
    assert all(f"\n## {rule.runbook.removeprefix('alerts.md#')}\n" in page for rule in RULES)


def test_every_rule_is_found_by_a_symptom() -> None:
    found = [key for _, symptoms in SYMPTOMS for _, keys in symptoms for key in keys]
    assert set(found) == {rule.key for rule in RULES}


def test_every_threshold_is_documented() -> None:
    assert all(f"| `{name}` |" in render() for rule in RULES for name in rule.thresholds)
