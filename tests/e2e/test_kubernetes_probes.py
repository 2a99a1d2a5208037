"""A running cmbot answers the probes of deploy/kubernetes, and writes only where its pod has a volume."""

from pathlib import Path

import pytest
import yaml

from bot.playground.clustermgr_sim import SimulatedCluster
from bot.playground.slack_sim.server import LocalSlack
from tests.e2e.conftest import QUICK
from tests.support.started_program import settings, started

pytestmark = pytest.mark.system

WORKLOAD = Path(__file__).parents[2] / "deploy/kubernetes/sqlite/statefulset.yaml"


def probes() -> dict[str, str]:
    """The pages that the manifest asks, by the kind of the probe."""
    workload = yaml.safe_load(WORKLOAD.read_text(encoding="utf-8"))
    [own] = workload["spec"]["template"]["spec"]["containers"]
    return {kind: own[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}


def written(folder: Path) -> set[str]:
    """What is in a folder besides the database."""
    return {path.name for path in folder.iterdir() if not path.name.startswith("cmbot.db")}


async def test_probes_are_answered_and_nothing_is_written_beside_the_database(tmp_path: Path) -> None:
    async with SimulatedCluster(timing=QUICK) as cluster, LocalSlack() as slack:
        config, port = settings(tmp_path, slack, list(cluster.hosts))
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        async with started(tmp_path, config, port, **tokens) as run:
            for page in probes().values():
                await run.until(page, '"ok": true')
    assert written(tmp_path) == {"config.yaml", "stderr"}
