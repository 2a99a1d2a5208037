"""The metrics of the process, also where /proc has processes and nothing else (`ProcSubset=pid` of systemd)."""

import re
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from bot.telemetry.instruments import Instruments

MANUAL = Path("docs/metrics.md").read_text(encoding="utf-8")
START = "process_start_time_seconds"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has these metrics")


@pytest.fixture
def processes(tmp_path: Path) -> Path:
    """A folder like /proc with this process alone."""
    (tmp_path / "self").symlink_to("/proc/self")
    return tmp_path


def values(instruments: Instruments) -> dict[str, float]:
    families = text_string_to_metric_families("".join(instruments.text()))
    return {sample.name: sample.value for each in families for sample in each.samples}


def test_all_metrics_of_the_manual_are_there_without_the_file_stat(processes: Path) -> None:
    shown = values(Instruments(proc=str(processes)))
    assert shown.keys() == set(re.findall(r"`(process_[a-z_]+)`", MANUAL))
    assert all(value > 0 for value in shown.values())


def test_start_is_that_of_the_library(processes: Path) -> None:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    theirs = registry.get_sample_value(START)
    # The file has the time of the boot in whole seconds.
    assert values(Instruments(proc=str(processes)))[START] == pytest.approx(theirs, abs=2)
