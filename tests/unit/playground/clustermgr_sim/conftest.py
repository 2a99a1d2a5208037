"""Clusters on a clock that tests move, and a client for their ports."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from bot.playground.clustermgr_sim import SimulatedCluster, VirtualClock


class Caller:
    """Asks one node of one cluster; gives (status, body text)."""

    def __init__(self, cluster: SimulatedCluster, session: aiohttp.ClientSession) -> None:
        self.cluster = cluster
        self.session = session

    async def get(self, node: int, target: str) -> tuple[int, str]:
        async with self.session.get(self.cluster.host(node) + target) as response:
            return response.status, await response.text()

    async def post(self, node: int, target: str, **args: Any) -> tuple[int, str]:
        async with self.session.post(self.cluster.host(node) + target, json=args) as response:
            return response.status, await response.text()

    async def stat(self, node: int) -> dict[str, Any]:
        async with self.session.get(self.cluster.host(node) + "/stat") as response:
            answer: dict[str, Any] = await response.json()
            return answer

    def wait(self, seconds: float) -> None:
        """Let time pass on the cluster's clock."""
        assert isinstance(self.cluster.clock, VirtualClock)
        self.cluster.clock.advance(seconds)
        self.cluster.engine.tick()


MakeCaller = Callable[..., Awaitable[Caller]]


@pytest.fixture
async def make() -> AsyncIterator[MakeCaller]:
    """Make a running cluster with a caller; everything is closed afterwards."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> Caller:
            options.setdefault("clock", VirtualClock())
            cluster = await stack.enter_async_context(SimulatedCluster(**options))
            connector = aiohttp.TCPConnector(force_close=True)
            session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            return Caller(cluster, session)

        yield start


@pytest.fixture
async def caller(make: MakeCaller) -> Caller:
    """Three nodes of the newest release, node 1 leading."""
    return await make()
