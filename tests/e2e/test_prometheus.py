"""Debian's Prometheus and Alertmanager with what deploy/ has, on a running cmbot.

Prometheus scrapes, its rules fire on a broken disk, Alertmanager hears of it on three ways and of its end, and the
query of each panel answers.
"""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.alerting.reports.trend import DAY, Measurement
from bot.playground.clustermgr_sim import SimulatedCluster
from bot.playground.clustermgr_sim.metrics import REGION
from bot.playground.slack_sim.server import LocalSlack
from bot.store.database import Store
from tests.docgen.dashboards.__main__ import PAGES
from tests.e2e.conftest import QUICK
from tests.support.alertmanager import alertmanager
from tests.support.ports import free_port
from tests.support.prometheus import Server, prometheus, promtool
from tests.support.receiver import RecordingReceiver, recording_receiver
from tests.support.started_program import Started, started

pytestmark = pytest.mark.system

DEPLOY = Path("deploy/prometheus")
RULES = sorted(DEPLOY.glob("*.rules.yml"))
ALICE, STORAGE = "U0ALICE", "C0STORAGE"
DAYS, EVERY = 15, 3600.0
"""Days that the database holds measurements of, and the seconds between them: a forecast needs two weeks."""
SECONDS = 150
ALERTS = ("disk_broken", "CmbotDiskBroken", "BlobstoreDiskBroken")
"""A broken disk as Alertmanager hears of it: from cmbot, by rules over its metrics, by rules over Clustermgr's own."""
SETTINGS = """
slack: {{api_url: "{api}"}}
http: {{port: {port}}}
store: {{url: "sqlite:///{folder}/cmbot.db"}}
clusters:
  - name: prod
    hosts: {hosts}
    alert_channel: C0STORAGE
    channels: [C0STORAGE]
    poll_interval: 1s
    schedulers: [127.0.0.0/8]
access: {{operators: {{users: [U0ALICE]}}, approvers: {{users: [U0ALICE, U0BOB]}}}}
outputs: {{receivers: [{{name: am, kind: alertmanager, url: "http://127.0.0.1:{alerts}"}}], resend: 10s}}
"""
SCRAPE = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: {rules}
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alerts}"]}}]}}]}}
scrape_configs:
  - job_name: cmbot
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: clustermgr
    static_configs: [{{targets: {nodes}}}]
"""


@dataclass
class World:
    """A running cmbot, what it watches, the Prometheus that scrapes it, and what Alertmanager posts."""

    run: Started
    slack: LocalSlack
    cluster: SimulatedCluster
    prometheus: Server
    hook: RecordingReceiver

    async def posted(self, status: str, *alerts: str) -> None:
        """Wait until Alertmanager has posted these alerts with this status."""
        while not {*alerts} <= self._names(status):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)

    def _names(self, status: str) -> set[str]:
        found = (each for body in self.hook.bodies for each in body["alerts"])
        return {each["labels"]["alertname"] for each in found if each["status"] == status}


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[World]:
    """Start all of them."""
    port, alerts, config = free_port(), free_port(), folder / "config.yaml"
    rules = json.dumps([str(file.resolve()) for file in RULES])
    async with SimulatedCluster(timing=replace(QUICK, report=1.0), schedulers=1) as cluster, LocalSlack() as slack:
        hosts = json.dumps(list(cluster.hosts))
        config.write_text(SETTINGS.format(api=slack.api_url, port=port, alerts=alerts, folder=folder, hosts=hosts))
        await _measure(folder)
        nodes = json.dumps([host.partition("//")[2] for host in cluster.hosts])
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        scrape = SCRAPE.format(rules=rules, port=port, alerts=alerts, nodes=nodes)
        async with (
            recording_receiver() as hook,
            alertmanager(folder, alerts, hook.url, "unchecked"),
            started(folder, str(config), port, **tokens) as run,
            prometheus(folder, scrape) as server,
        ):
            await slack.wait_connected(timeout=60)
            yield World(run, slack, cluster, server, hook)


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.name)
def test_rules_are_valid_and_their_cases_hold(file: Path) -> None:
    assert promtool("check", "rules", str(file))[0] == 0
    status, said = promtool("test", "rules", str(file.with_name(file.name.replace(".yml", ".test.yml"))))
    assert status == 0, said


def test_example_of_the_configuration_is_valid() -> None:
    status, said = promtool("check", "config", str(DEPLOY / "prometheus.example.yml"))
    assert status == 0, said


async def test_scrape_has_every_panel_and_a_broken_disk_fires(tmp_path: Path) -> None:
    """One run, because each start of the programs takes long."""
    async with watched(tmp_path) as world, asyncio.timeout(2 * SECONDS):
        await _until_scraped(world)
        await _cause_what_panels_show(world)
        world.cluster.break_disk(3)
        assert (await _fired(world, "CmbotDiskBroken"))["cluster"] == "prod"
        assert (await _fired(world, "BlobstoreDiskBroken"))["region"] == REGION, "by Clustermgr's own gauges"
        await world.posted("firing", *ALERTS)
        status, said = promtool("check", "metrics", stdin=(await world.run.page("/metrics"))[1])
        assert (status, said.strip()) == (0, "")
        # A stopped process misses the runs of its jobs.
        world.run.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(8)
        world.run.process.send_signal(signal.SIGCONT)
        for state in ("repairing", "repaired"):
            world.cluster.repair_disk(3, state)
        await world.posted("resolved", *ALERTS)
        await world.cluster.kill(3)
        assert await _without_an_answer(world.prometheus) == set()


async def _measure(folder: Path) -> None:
    """Create the database, with measurements of a cluster that fills up."""
    count, now = int(DAYS * DAY / EVERY), time.time()
    measured = [
        (now - (count - place) * EVERY, Measurement(total=10e12, used=place * 1e10, writable=10e12 - place * 1e10))
        for place in range(count)
    ]
    async with Store.open(f"sqlite:///{folder}/cmbot.db") as store:
        await store.migrate()
        async with store.begin() as uow:
            await uow.samples.fill("prod", measured)


async def _until_scraped(world: World) -> None:
    while not await world.prometheus.query('cmbot_cluster_up{cluster="prod"} == 1'):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.2)
    while "unknown" in (health := await _health(world)):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.2)
    assert health == {"up"}


async def _health(world: World) -> set[str]:
    return {target["health"] for target in await world.prometheus.targets()}


async def _fired(world: World, alert: str) -> Mapping[str, str]:
    """Wait until an alert fires; its labels."""
    while not (fired := await world.prometheus.firing(alert)):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.2)
    return fired[0]


async def _cause_what_panels_show(world: World) -> None:
    """A command, an operation that waits, and a call that Slack refuses with 429."""
    world.slack.faults.inject("ratelimited", method="chat.postMessage")
    for line in ("/cm stat", "/cm task disable balance reason=test"):
        await world.slack.as_user(ALICE).command(STORAGE, line)
    await world.slack.wait_for(STORAGE, lambda m: "*Waiting*" in m.full_text, timeout=60)


async def _without_an_answer(server: Server) -> set[str]:
    """The titles of the panels that have a query without a series, after waiting for all of them."""
    left = {
        (graph.title, query.expression)
        for page in PAGES
        for graphs in page.rows.values()
        for graph in graphs
        for query in graph.queries
    }
    until = asyncio.get_running_loop().time() + SECONDS
    while left and asyncio.get_running_loop().time() < until:
        left -= {each for each in left if await server.query(_typed(each[1]))}
        await asyncio.sleep(0.5)
    return {title for title, _ in left}


def _typed(expression: str) -> str:
    """The expression with the variables of the dashboard as Grafana puts them in for "all"."""
    for name, value in (("$cluster", ".*"), ("$instance", ".*"), ("$__rate_interval", "3m")):
        expression = expression.replace(name, value)
    return expression
