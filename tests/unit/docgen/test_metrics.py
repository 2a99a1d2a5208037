"""docs/metrics.md lists the metrics as they are, and their names follow Prometheus' conventions."""

import re

import pytest

from bot.alerting.gauges import INFOS
from bot.telemetry.families import MetricInfo
from bot.telemetry.metrics import Metrics
from tests.docgen.metrics import PAGE, render, unit_of

ALL = (*Metrics().instruments.infos, *INFOS)


def test_committed_page_equals_the_generated_one() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert render(written) == written, "run `make docs`"


def test_names_are_unique() -> None:
    assert len({info.name for info in ALL}) == len(ALL)


@pytest.mark.parametrize("info", ALL, ids=lambda info: info.name)
def test_name_follows_the_conventions(info: MetricInfo) -> None:
    """https://prometheus.io/docs/practices/naming/; promtool checks the whole page in the system test."""
    assert re.fullmatch(r"cmbot_[a-z]+(_[a-z]+)*", info.name)
    assert info.name.endswith("_total") == (info.kind == "counter")
    assert not re.search(r"milli|micro|minutes|hours|_ms_|kilo|percent", info.name)
    assert not set(info.labels) & {"job", "instance", "le", "quantile"}, "Prometheus sets these itself"
    assert info.about.endswith(".")
    if info.kind == "histogram":
        assert unit_of(info.name) == "seconds"
