"""The dashboards are what their table says, in the form of Grafana's own models, about metrics that exist."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from bot.alerting.gauges import INFOS
from bot.telemetry.families import MetricInfo
from bot.telemetry.metrics import Metrics
from tests.docgen.dashboards.__main__ import PAGES, path_of, render
from tests.docgen.dashboards.clusters import ONE

FILES = sorted(Path("deploy/grafana").glob("*.json"))
RULES = sorted(Path("deploy/prometheus").glob("*.rules.yml"))
_NAME = re.compile(r"\bcmbot_[a-z_]+\b")
_PARTS = {"histogram": ("_bucket", "_count", "_sum")}


def parsed(content: Any) -> Any:
    """The content as Grafana's models read and write it: without the fields that they do not know."""
    register_default_plugins()
    return json.loads(json.dumps(Dashboard.from_json(content), cls=JSONEncoder))


def objects(content: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON value, once for each place."""
    if isinstance(content, dict):
        yield content
    for each in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from objects(each)


def known_names() -> set[str]:
    """Every name that a query may use."""
    infos: list[MetricInfo] = [*Metrics().instruments.infos, *INFOS]
    return {info.name + part for info in infos for part in _PARTS.get(info.kind, ("",))}


def test_committed_dashboards_equal_the_generated_ones() -> None:
    assert sorted(map(path_of, PAGES)) == FILES
    for page in PAGES:
        assert path_of(page).read_text(encoding="utf-8") == render(page), "run `make docs`"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_dashboard_has_no_field_that_grafana_does_not_know(file: Path) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    assert parsed(content) == content


@pytest.mark.parametrize(
    "place",
    [
        (),
        ("panels", 1),
        ("panels", 1, "targets", 0),
        ("panels", 2, "options"),
        ("panels", 2, "fieldConfig", "defaults"),
    ],
)
def test_unknown_field_is_noticed(place: tuple[str | int, ...]) -> None:
    content = json.loads(FILES[0].read_text(encoding="utf-8"))
    part = content
    for step in place:
        part = part[step]
    part["colour"] = "green"
    assert parsed(content) != content


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_panels_have_ids_of_their_own_and_queries_of_known_metrics(file: Path) -> None:
    content = json.loads(file.read_text(encoding="utf-8"))
    ids = [panel["id"] for panel in content["panels"]]
    assert sorted(ids) == [*range(1, len(ids) + 1)]
    queries = [each["expr"] for each in objects(content) if "expr" in each]
    assert queries
    assert {name for query in queries for name in _NAME.findall(query)} <= known_names()


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.name)
def test_every_alert_has_a_case_that_fires_and_one_that_is_quiet(file: Path) -> None:
    rules = [rule for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    cases = yaml.safe_load(file.with_name(file.name.replace(".yml", ".test.yml")).read_text(encoding="utf-8"))["tests"]
    series = [len(case["input_series"]) for case in cases]
    expected = {
        (check["alertname"], bool(check["exp_alerts"]), len(check["exp_alerts"]) < number)
        for case, number in zip(cases, series, strict=True)
        for check in case["alert_rule_test"]
    }
    for rule in rules:
        assert any((rule["alert"], True, several) in expected for several in (True, False)), rule["alert"]
        quiet = (rule["alert"], False, True) in expected
        assert quiet or (rule["alert"], True, True) in expected, rule["alert"]
        assert rule["labels"]["severity"] in {"warning", "critical"}


def test_rules_of_cmbot_use_metrics_that_exist() -> None:
    text = Path("deploy/prometheus/cmbot.rules.yml").read_text(encoding="utf-8")
    expressions = [rule["expr"] for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    assert {name for each in expressions for name in _NAME.findall(each)} <= known_names()


def test_limit_of_old_data_is_that_of_the_program() -> None:
    """Polls may be an hour apart: then data of three hours are not too old."""
    from bot.runtime.status_wiring import LATE_POLLS, LATE_SECONDS  # noqa: PLC0415 - the whole program

    groups = yaml.safe_load(Path("deploy/prometheus/cmbot.rules.yml").read_text(encoding="utf-8"))["groups"]
    [rule] = [each["expr"] for group in groups for each in group["rules"] if each["alert"] == "CmbotClusterDataStale"]
    interval = "max by (cluster) (cmbot_cluster_poll_interval_seconds)"
    assert f"clamp_min({LATE_POLLS} * {interval}, {LATE_SECONDS:.0f})" in rule
    [graph] = [each for each in ONE.rows["Polls"] if each.title == "Age of the data"]
    limit = graph.queries[-1].expression.replace('{cluster=~"$cluster"}', "")
    assert limit == f"clamp_min({LATE_POLLS} * {interval}, {LATE_SECONDS:.0f})"
