"""A short chaos run of replicas and of one process: each message and request exists exactly once."""

from pathlib import Path

import pytest

from tests.chaos.single_run import chaos

pytestmark = pytest.mark.chaos


async def test_three_replicas_over_postgresql(tmp_path: Path) -> None:
    """Every alert once and true, every operation at most once, the audit chain whole."""
    report = await chaos(1, kills=12, replicas=3, folder=tmp_path)
    assert not report.problems, report
    assert report.alerts
    assert report.operations


async def test_one_process_on_sqlite(tmp_path: Path) -> None:
    """The same for the default: one process with a file."""
    report = await chaos(2, kills=8, replicas=1, folder=tmp_path)
    assert not report.problems, report
    assert report.alerts
    assert report.operations
