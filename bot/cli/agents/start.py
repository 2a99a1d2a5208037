"""`cmbot mcp`: serve the tools for agents, on standard input and output or over HTTP."""

import asyncio
import ipaddress
import os
import sys
import warnings
from collections.abc import Collection, Coroutine
from typing import Any

import structlog

from bot.cli.agents.calls import AgentCalls
from bot.cli.agents.propose import Proposals
from bot.common.errors import ConfigError
from bot.config import Settings
from bot.runtime.reading import reading
from bot.runtime.signals import Signals

log = structlog.get_logger(__name__)

MISSING = "The package mcp is not installed: install cmbot with its extra mcp (docs/agents.md)."
MIN_TOKEN = 32
"""Characters of a token that cannot be guessed."""
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


async def serve_agents(settings: Settings, *, http: bool) -> int:
    """Serve until the client goes away or a signal comes; return the exit status. Raises ConfigError."""
    try:
        from bot.cli.agents import server  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        if not (error.name or "").startswith(("mcp", "uvicorn", "starlette")):
            raise
        raise ConfigError(MISSING) from error
    if http:
        check_http(settings)
    # The library's connections that a deadline cuts off: people read standard error.
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    only = settings.mcp.clusters or None
    with Signals(hangup_ends=True) as signals:
        async with reading(settings, only) as reader:
            own = settings.mcp
            proposals = Proposals(reader, own.owner) if own.propose and own.owner else None
            tools = server.tool_server(AgentCalls(reader, proposals=proposals))
            if http:
                await _over_http(settings, tools, signals)
            else:
                await _over_stdio(server.over_stdio(tools), signals)
    return 0


async def _over_stdio(serving: Coroutine[Any, Any, None], signals: Signals) -> None:
    if sys.stdin.isatty():
        sys.stderr.write("cmbot mcp waits for a client on standard input (docs/agents.md). Ctrl-C ends it.\n")
    served = asyncio.create_task(serving)
    ended = asyncio.create_task(signals.ended())
    await asyncio.wait({served, ended}, return_when=asyncio.FIRST_COMPLETED)
    if not served.done():
        # A thread waits for standard input and cannot be ended. Nothing can be lost: a proposal that is stored and
        # waits for its answer is taken within its time, or refused after it.
        sys.stderr.flush()
        os._exit(0)
    ended.cancel()
    await asyncio.gather(ended, return_exceptions=True)
    served.result()


async def _over_http(settings: Settings, tools: Any, signals: Signals) -> None:
    from bot.cli.agents.http import over_http  # noqa: PLC0415 - an optional extra

    own = settings.mcp
    token = settings.secrets.cmbot_mcp_token.get_secret_value()
    async with over_http(tools, own.host, own.port or 0, token=token, names=names_of(settings)) as port:
        log.info("agents.listening", host=own.host, port=port)
        sys.stderr.write(f"cmbot mcp listens on http://{_in_url(own.host)}:{port}/mcp\n")
        sys.stderr.flush()
        await signals.ended()


def check_http(settings: Settings) -> None:
    """Refuse settings with which agents cannot be served over HTTP safely; raises ConfigError."""
    if settings.mcp.port is None:
        raise ConfigError("mcp.port: HTTP for agents is off, because no port is set; set mcp.port, as in 8090.")
    token = settings.secrets.cmbot_mcp_token.get_secret_value()
    if len(token) < MIN_TOKEN or not token.isascii():
        what = f"it has fewer than {MIN_TOKEN} characters of ASCII" if token else "it is not set"
        raise ConfigError(
            f"The environment variable CMBOT_MCP_TOKEN: {what}; set it to the token that agents must send, such as "
            "the output of `openssl rand -hex 32`."
        )
    if not names_of(settings):
        raise ConfigError("mcp.names: with this mcp.host name what clients call this server, as in cmbot.example.com.")


def names_of(settings: Settings) -> Collection[str]:
    """Return the names under which clients may reach the server, without a port: any other may be a rebound name."""
    own = settings.mcp
    host, further = own.host.lower(), {name.lower() for name in own.names}
    if host in {"localhost", "::1"} or host.startswith("127."):
        return {*_LOOPBACK, _in_url(host), *further}
    return further if _is_any(host) else {_in_url(host), *further}


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return not host


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
