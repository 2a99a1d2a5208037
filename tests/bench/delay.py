"""Row: time from a broken disk to Alertmanager's webhook, on three ways at once.

cmbot reports to Alertmanager itself; Prometheus evaluates the rules of deploy/prometheus over cmbot's metrics, and over
the metrics that Clustermgr exports itself. All intervals are those of the examples and of CubeFS.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import yaml
from aiohttp import web

from bot.playground.clustermgr_sim import SimulatedCluster, Timing
from tests.bench.figures import Figure
from tests.bench.workspace import workspace
from tests.bench.world import plain_settings, program
from tests.support.alertmanager import alertmanager
from tests.support.ports import free_port
from tests.support.prometheus import prometheus

RULES = sorted(Path("deploy/prometheus").glob("*.rules.yml"))
WAYS: Mapping[str, str] = {
    "disk_broken": "cmbot",
    "CmbotDiskBroken": "Prometheus rules over cmbot's metrics",
    "BlobstoreDiskBroken": "Prometheus rules over Clustermgr's own metrics",
}
"""The name of the alert on each way; the first is what the others are compared with."""
DISK = 3
_SCRAPE = """
global: {{scrape_interval: {scrape}s, evaluation_interval: {scrape}s}}
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alerts}"]}}]}}]}}
rule_files: {rules}
scrape_configs:
  - {{job_name: cmbot, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}
  - {{job_name: clustermgr, static_configs: {nodes}}}
"""


@dataclass
class Hook:
    """When the webhook heard of an alert first (monotonic seconds), by its name and its cluster."""

    url: str = ""
    heard: dict[tuple[str, str], float] = field(default_factory=dict)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        """Take one delivery."""
        now = time.monotonic()
        for alert in (await request.json())["alerts"]:
            labels = alert["labels"]
            # The simulated clusters have one number and region: the scrape gives each its region.
            cluster = labels["region" if "region" in labels else "cluster"] if "cluster" in labels else ""
            self.heard.setdefault((labels["alertname"], cluster), now)
        self.more.set()
        return web.Response()


async def delay(
    folder: Path,
    *,
    clusters: int = 12,
    spread: float = 240,
    poll: float = 15,
    scrape: int = 15,
    refresh: float = 300,
    report: float = 120,
    calm: float = 40,
) -> tuple[Figure, ...]:
    """Break a disk of each cluster, one after the other over `spread` seconds, and wait for all ways."""
    timing = Timing(refresh=refresh, report=report)
    async with AsyncExitStack() as stack:
        held = [await stack.enter_async_context(SimulatedCluster(timing=timing)) for _ in range(clusters)]
        hook = await stack.enter_async_context(_hook())
        slack = await stack.enter_async_context(workspace())
        port, alerts = free_port(), free_port()
        await stack.enter_async_context(alertmanager(folder, alerts, hook.url, "unchecked"))
        hosts = [cluster.hosts for cluster in held]
        await stack.enter_async_context(program(slack, _settings(folder, slack.api_url, hosts, poll, port, alerts)))
        nodes = [
            {"targets": [host.partition("//")[2] or host for host in each], "labels": {"region": f"c{number}"}}
            for number, each in enumerate(hosts)
        ]
        rules = json.dumps([str(file.resolve()) for file in RULES])
        config = _SCRAPE.format(scrape=scrape, alerts=alerts, rules=rules, port=port, nodes=json.dumps(nodes))
        await stack.enter_async_context(prometheus(folder, config))
        await asyncio.sleep(calm)
        assert not {key for key in hook.heard if key[0] in WAYS}, hook.heard
        broke: dict[str, float] = {}
        for number, cluster in enumerate(held):
            broke[f"c{number}"] = time.monotonic()
            cluster.break_disk(DISK)
            await asyncio.sleep(spread / clusters)
        # Twice the longest time that the intervals allow.
        async with asyncio.timeout(2 * (poll + refresh + report + 2 * scrape) + 60):
            await _until_heard(hook, [(way, cluster) for way in WAYS for cluster in broke])
    return _figures({way: [hook.heard[way, cluster] - at for cluster, at in broke.items()] for way in WAYS})


def _figures(took: Mapping[str, Sequence[float]]) -> tuple[Figure, ...]:
    ours, *others = WAYS
    return tuple(
        Figure(
            f"broken disk → Alertmanager's webhook; by {WAYS[way]}, p50",
            median(took[ours]),
            median(took[way]),
            "s",
            1.0,
            len(took[way]),
            note=f"slowest {max(took[ours]):.0f} s; {max(took[way]):.0f} s",
        )
        for way in others
    )


def _settings(folder: Path, api_url: str, hosts: Sequence[Sequence[str]], poll: float, port: int, alerts: int) -> Path:
    receiver = {"name": "am", "kind": "alertmanager", "url": f"http://127.0.0.1:{alerts}"}
    plain = plain_settings(folder, api_url, hosts, poll) | {
        "http": {"port": port},
        "outputs": {"receivers": [receiver]},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(plain), encoding="utf-8")
    return path


async def _until_heard(hook: Hook, wanted: Sequence[tuple[str, str]]) -> None:
    while not hook.heard.keys() >= {*wanted}:
        hook.more.clear()
        await hook.more.wait()


@asynccontextmanager
async def _hook() -> AsyncIterator[Hook]:
    hook, server = Hook(), web.Application()
    server.router.add_post("/", hook.handle)
    runner = web.AppRunner(server)
    await runner.setup()
    try:
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        hook.url = f"http://127.0.0.1:{port}/"
        yield hook
    finally:
        await runner.cleanup()
