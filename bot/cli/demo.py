"""`cmbot demo`: the whole program with simulated clusters and a local Slack workspace, on loopback."""

import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from aiohttp import web
from pydantic import SecretStr

from bot.cli.demo_history import remember_a_month
from bot.cli.demo_rules import FAST_RULES
from bot.common.frozen import frozen
from bot.config import ClusterSettings, HttpSettings, Secrets, Settings, SlackSettings, parse
from bot.operations.policy import PolicyMode
from bot.playground.clustermgr_sim import SimulatedCluster, Timing, recipes
from bot.playground.clustermgr_sim.control_api import routes
from bot.playground.slack_sim.server import LocalSlack
from bot.runtime.app import build
from bot.runtime.lifecycle import running
from bot.runtime.parts import App
from bot.telemetry.tracer import NO_TRACER, Tracer

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
PAGE_PORT = 8484
FLAVOURS: Mapping[str, str] = {"archive": "v1"}
"""The release that a cluster of the example simulates, by name; the newest for the others."""
LOOPBACK = "127.0.0.0/8"
"""The network whose registered schedulers are asked for their statistics."""
POLL_SECONDS = 3.0
"""The demo polls more often than the example, so that people need not wait."""
TIMING = Timing(election=3.0, refresh=15.0, catch_up=5.0, collect=12.0, unit_move=1.5)
"""The repair or the drop of a disk takes about a minute, so that people can follow its progress."""


@frozen
class Demo:
    """The parts of the demo."""

    app: App
    slack: LocalSlack
    clusters: Mapping[str, SimulatedCluster]


@asynccontextmanager
async def demo(
    *,
    port: int = PAGE_PORT,
    timing: Timing = TIMING,
    poll: float = POLL_SECONDS,
    example_ports: bool = True,
    clock: Callable[[], float] | None = None,
    schedulers: int = 0,
    fast_alerts: bool = False,
    tracer: Tracer = NO_TRACER,
    policies: PolicyMode | None = None,
    code_key: str = "",
) -> AsyncIterator[Demo]:
    """Start everything; the page is at `slack.page_url`. All data is deleted at the end of the block.

    `example_ports`: the nodes listen on the ports of the example if these are free, else on any free ports.
    `clock` (Unix seconds) replaces the clocks of the program. So many `schedulers` of each cluster repair and drain
    disks. With `fast_alerts` every alert can be seen within two minutes. `tracer` measures the work. `policies`
    replaces the default policies of the example, where prod has strict and archive loose ones. `code_key` encrypts the
    codes of break-glass.
    """
    template = parse(EXAMPLE.read_text(encoding="utf-8"), secrets=Secrets(), environment={})
    async with AsyncExitStack() as stack:
        clusters = {
            each.name: await stack.enter_async_context(
                _simulated(each, timing, schedulers, example_ports=example_ports)
            )
            for each in template.clusters
        }
        controls = (
            route for name, each in clusters.items() for route in routes(each, prefix=f"/control/clusters/{name}")
        )
        slack = await stack.enter_async_context(
            LocalSlack(port=port, panel=True, extra_routes=[_list(clusters), *controls, *recipes.routes(clusters)])
        )
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cmbot-demo-"))
        settings = settings_for(template, slack, clusters, folder, poll, code_key)
        if fast_alerts:
            settings = settings.model_copy(update={"rules": {**settings.rules, **FAST_RULES}})
        if policies is not None:
            settings = with_policies(settings, policies)
        app = await stack.enter_async_context(build(settings, clock=clock, tracer=tracer))
        await remember_a_month(app)
        await stack.enter_async_context(running(app))
        await slack.wait_connected()
        yield Demo(app, slack, clusters)


def with_policies(settings: Settings, mode: PolicyMode) -> Settings:
    """Return the settings with these default policies for every cluster."""
    common = settings.policies.model_copy(update={"default": mode.value})
    clusters = [
        own.model_copy(update={"policies": own.policies.model_copy(update={"default": None})})
        for own in settings.clusters
    ]
    return settings.model_copy(update={"policies": common, "clusters": tuple(clusters)})


def _simulated(own: ClusterSettings, timing: Timing, schedulers: int, *, example_ports: bool) -> SimulatedCluster:
    flavour, nodes = FLAVOURS.get(own.name, "master"), len(own.hosts)
    started = partial(SimulatedCluster, flavour=flavour, nodes=nodes, timing=timing, schedulers=schedulers)
    if example_ports:
        wanted = [int(host.rpartition(":")[2]) for host in own.hosts]
        # A port of the example may be taken on this machine; any free port works as well.
        with suppress(OSError):
            return started(ports=wanted)
    return started()


def _list(clusters: Mapping[str, SimulatedCluster]) -> web.RouteDef:
    async def names(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "clusters": list(clusters)})

    return web.get("/control/clusters", names)


def settings_for(
    template: Settings,
    slack: LocalSlack,
    clusters: Mapping[str, SimulatedCluster],
    folder: str,
    poll: float,
    code_key: str = "",
) -> Settings:
    """Return the settings of the example with the addresses and tokens of the simulators."""
    return template.model_copy(
        update={
            "slack": SlackSettings(api_url=slack.api_url, answers=template.slack.answers),
            "store": template.store.model_copy(update={"url": f"sqlite:///{folder}/cmbot.db"}),
            "http": HttpSettings(port=0),
            "clusters": tuple(
                each.model_copy(
                    update={"hosts": clusters[each.name].hosts, "poll_interval": poll, "schedulers": (LOOPBACK,)}
                )
                for each in template.clusters
            ),
            "secrets": Secrets(
                slack_bot_token=SecretStr(slack.bot_token),
                slack_app_token=SecretStr(slack.app_token),
                slack_signing_secret=SecretStr(slack.signing_secret),
                cmbot_store_url=SecretStr(""),
                cmbot_heartbeat_url=SecretStr(""),
                cmbot_code_key=SecretStr(code_key),
            ),
        }
    )
