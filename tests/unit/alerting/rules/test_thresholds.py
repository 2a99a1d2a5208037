"""From the settings' rules to what is watched."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.alerting.cluster_state.state import ClusterState, update
from bot.alerting.model import Severity
from bot.alerting.rules.base import CANNOT_TELL, Rule, RuleContext
from bot.alerting.rules.table import RULES
from bot.alerting.rules.thresholds import configure
from bot.common.errors import ConfigError
from tests.support.watch_builders import polled


def named(key: str, *layers: Mapping[str, Mapping[str, object]]) -> Rule:
    return {rule.key: rule for rule in configure(*layers)}[key]


def test_without_settings_the_table_is_watched_as_it_is() -> None:
    assert configure({}) == RULES


def test_everything_can_be_changed_by_key() -> None:
    rule = named(
        "leader_changed", {"leader_changed": {"severity": "critical", "hold": "1m", "clear": 5, "window": "2h"}}
    )
    assert (rule.severity, rule.for_seconds, rule.clear, dict(rule.values)) == (
        Severity.CRITICAL,
        60,
        5,
        {"window": 7200},
    )


def test_cluster_settings_override_defaults() -> None:
    rule = named("read_only", {"read_only": {"hold": 1, "clear": 2}}, {"read_only": {"hold": "3s"}})
    assert (rule.for_seconds, rule.clear) == (3, 2)


def test_disabled_rule_is_left_out() -> None:
    assert "read_only" not in {rule.key for rule in configure({"read_only": {"enabled": False}})}


def test_rule_uses_the_configured_threshold() -> None:
    before, now = (polled(at, members=(1, 2), nodes=(1, 2)) for at in (85, 100))
    context = RuleContext(now, update(ClusterState(), now), 100, before)
    strict, lenient = named("quorum_at_risk"), named("quorum_at_risk", {"quorum_at_risk": {"smallest_group": 3}})
    answer = strict.answer(context)
    assert answer is not CANNOT_TELL
    assert len(answer) == 1
    assert lenient.answer(context) == ()


def test_configured_list_replaces_the_default() -> None:
    rule = named("task_off_too_long", {"task_off_too_long": {"meant_off": ["balance"]}})
    assert dict(rule.names) == {"meant_off": ("balance",)}
    assert named("task_off_too_long", {"task_off_too_long": {"meant_off": []}}).names == {"meant_off": ()}


def test_share_threshold_is_a_percentage() -> None:
    assert dict(named("writable_low", {"writable_low": {"warn_share": 12.5}}).values) == {"warn_share": 12.5}


A_TIME = "write a time such as 30m, 2h30m, 7d or 1w, or a number of seconds, at most a year."
WRONG: list[tuple[Any, str]] = [
    ({"disk_brokn": {}}, "rules.disk_brokn: no such rule; did you mean disk_broken, see docs/alerts.md."),
    ({"disk_broken": {"hodl": 1}}, "rules.disk_broken.hodl: no such parameter; did you mean hold."),
    ({"disk_broken": 5}, "rules.disk_broken = 5: write parameters, as in {hold: 1m}."),
    (
        {"disk_broken": {"hold": "soon"}},
        f"rules.disk_broken.hold = 'soon': {A_TIME}",
    ),
    (
        {"disk_broken": {"clear": True}},
        f"rules.disk_broken.clear = True: {A_TIME}",
    ),
    (
        {"disk_broken": {"clear": -1}},
        f"rules.disk_broken.clear = -1: {A_TIME}",
    ),
    (
        {"disk_broken": {"severity": "fatal"}},
        "rules.disk_broken.severity = 'fatal': write one of info, warning, critical.",
    ),
    ({"disk_broken": {"enabled": "no"}}, "rules.disk_broken.enabled = 'no': write true or false."),
    (
        {"writable_low": {"warn_share": 110}},
        "rules.writable_low.warn_share = 110: write a share in percent, from 0 to 100, as a number.",
    ),
    (
        {"task_off_too_long": {"meant_off": ["balnce"]}},
        (
            "rules.task_off_too_long.meant_off = ['balnce']: write a list, as in [disk_repair], of disk_repair, "
            "balance, disk_drop, blob_delete, shard_repair, volume_inspect, data_inspect, shard_node_blob_delete, "
            "shard_disk_repair; [] for none."
        ),
    ),
    (
        {"quorum_at_risk": {"smallest_group": "two"}},
        "rules.quorum_at_risk.smallest_group = 'two': write a number, zero or more.",
    ),
]


@pytest.mark.parametrize(("settings", "words"), WRONG)
def test_invalid_setting_names_its_fix(settings: Any, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(settings)
    assert str(caught.value) == words
