"""The demo has a recipe or a reason for every rule, and its quick rules are valid settings."""

from bot.alerting.rules.table import RULES
from bot.alerting.rules.thresholds import configure
from bot.cli.demo_rules import FAST_RULES
from bot.playground.clustermgr_sim.recipes import NOT_SEEN, RECIPES

LONGEST_HOLD = 60.0


def test_every_rule_has_a_recipe_or_a_reason() -> None:
    assert [rule.key for rule in RULES if rule.key not in RECIPES and rule.key not in NOT_SEEN] == []
    assert not set(RECIPES) & set(NOT_SEEN)


def test_quick_rules_hold_a_minute_at_most() -> None:
    assert [rule.key for rule in configure(FAST_RULES) if rule.for_seconds > LONGEST_HOLD] == []
