"""The whole program against simulated clusters and a strict local workspace, over real sockets."""

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.cli.demo import Demo, demo
from bot.operations.policy import PolicyMode
from bot.playground.clustermgr_sim import SimulatedCluster, Timing
from bot.playground.slack_sim.server import LocalSlack
from tests.e2e.program_process import Outside
from tests.support.databases import database_url, postgres, template
from tests.support.fast_time import pytest_asyncio_loop_factories

__all__ = ["database_url", "postgres", "pytest_asyncio_loop_factories", "template"]

QUICK = Timing(wait=1.0, election=0.4, refresh=0.2, catch_up=0.2, transfer=0.05)
"""A cluster whose ten-second waits take a second and whose elections take less."""


def without_policies(example: str) -> str:
    """Return the settings of the example without its policies for all clusters, for a test that adds its own."""
    return re.sub(r"^policies:.*\n(?:  .*\n)+", "", example, flags=re.MULTILINE)


@pytest.fixture
async def world() -> AsyncIterator[Demo]:
    """The shipped demo with shorter intervals; a broken Slack rule fails the test."""
    async with demo(
        port=0, policies=PolicyMode.LOOSE, timing=QUICK, poll=0.5, example_ports=False, clock=time.time
    ) as parts:
        yield parts
        parts.slack.assert_no_violations()


@pytest.fixture
async def outside(tmp_path: Path) -> AsyncIterator[Outside]:
    """A cluster and a workspace for a program that runs as a separate process."""
    async with SimulatedCluster(timing=QUICK) as cluster, LocalSlack() as slack:
        parts = Outside(slack, cluster, tmp_path / "config.yaml")
        parts.configure(cluster.hosts)
        yield parts
        slack.assert_no_violations()
