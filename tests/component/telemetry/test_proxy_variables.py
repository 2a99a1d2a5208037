"""Proxies of the environment are for Slack alone: every other client of the program connects directly."""

import ast
import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import web

import bot
from bot.cli.healthcheck import fault_of
from bot.clustermgr.transport import Transport
from bot.common.errors import SlackError
from bot.config import Secrets, parse
from bot.integrations.client import HttpClient
from bot.slack.client import SlackClient
from bot.telemetry.health import served
from bot.telemetry.heartbeat import Heartbeat
from bot.telemetry.otel import OtelTracer
from bot.telemetry.trace import Trace, within
from tests.support.forward_proxy import ForwardProxy, forwarding
from tests.support.otlp_receiver import receiving

NAMES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy")
LIBRARIES = ("aiohttp", "httpx", "requests", "urllib3", "http.client", "urllib.request")
CLIENTS = {
    "cli/healthcheck.py": "http.client: knows no proxies",
    "clustermgr/transport.py": "httpx: clusters and schedulers",
    "integrations/client.py": "aiohttp: receivers of alerts, and their check",
    "slack/session.py": "aiohttp: Slack, through the proxy of `SlackProxy`",
    "telemetry/heartbeat.py": "aiohttp: the heartbeat",
    "telemetry/otel.py": "requests: the export of traces",
}
"""Every module that opens connections by HTTP; each has its call in the test below."""
OPENERS = {"ClientSession", "AsyncHTTPTransport", "AsyncClient", "Client", "Session", "HTTPConnection", "urlopen"}


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ForwardProxy]:
    """A proxy that all variables name, and that notes who asks."""
    async with forwarding() as found:
        for name in NAMES:
            monkeypatch.setenv(name, found.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield found


@pytest.fixture
def page() -> web.Application:
    """Answers any request."""
    app = web.Application()

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({})

    app.router.add_route("*", "/{path:.*}", answer)
    return app


async def test_every_client_but_that_of_slack_connects_directly(
    proxy: ForwardProxy, page: web.Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_problem() -> str:
        return ""

    async with served(page, "127.0.0.1", 0) as port, receiving() as receiver:
        url = f"http://127.0.0.1:{port}/"
        async with Transport(new_id=lambda: "id", hosts=[f"127.0.0.1:{port}"]) as cluster:
            await cluster.get(f"127.0.0.1:{port}", "/stat")
            await cluster.post(f"127.0.0.1:{port}", "/config/set", b"{}")
        async with HttpClient.opened() as client:
            await client.post(url, b"{}")
            await client.get(url, headers={})
        await Heartbeat(url).beat(0.0, no_problem)
        assert await asyncio.to_thread(fault_of, "127.0.0.1", port) == ""
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        tracer = OtelTracer("1.2.3")
        with within(Trace("a" * 32)), tracer.span("command"):
            pass
        await asyncio.to_thread(tracer.close)
        await receiver.until(lambda: receiver.spans)
    assert proxy.seen == []


async def test_slack_is_reached_through_the_proxy_of_the_environment(proxy: ForwardProxy) -> None:
    text = 'clusters: [{name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0A}]'
    own = parse(text, secrets=Secrets(), environment={})
    assert own.slack_proxy is not None
    async with SlackClient("xoxb-1", "https://127.0.0.1:9/api/", proxy=own.slack_proxy) as slack:
        with pytest.raises((SlackError, ssl.SSLError)):
            await slack.auth_test()
    assert {place for _, place in proxy.seen} == {"127.0.0.1:9"}


def test_no_other_module_opens_connections() -> None:
    """A new client is added to CLIENTS, and to the test above."""
    root = Path(bot.__file__).parent
    found = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if "playground" not in path.parts and _opens(ast.parse(path.read_text()))
    }
    assert found == set(CLIENTS)


def _opens(tree: ast.Module) -> bool:
    """True for a module that imports a library of clients and makes a client of it."""
    if not any(name.startswith(LIBRARIES) for name in _imported(tree)):
        return False
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    named = {each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "") for each in calls}
    return bool(named & OPENERS)


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
