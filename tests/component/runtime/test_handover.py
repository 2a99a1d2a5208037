"""Listening sockets over a reload: another host of the same port, and what other programs hold."""

import errno
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from bot.runtime.handover import KeptOpen
from bot.telemetry.health import served

LOCAL, OTHER, ALL = "127.0.0.1", "127.0.0.2", "0.0.0.0"  # noqa: S104 - what the test is about


@pytest.fixture
async def handover() -> AsyncIterator[KeptOpen]:
    kept = KeptOpen()
    yield kept
    await kept.close()


def free_port() -> int:
    with socket.socket() as free:
        free.bind((LOCAL, 0))
        return int(free.getsockname()[1])


def listening(host: str, port: int) -> socket.socket:
    """Another program's socket; raises OSError."""
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen()
    except OSError:
        taken.close()
        raise
    return taken


async def status(host: str, port: int) -> int:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://{host}:{port}/") as answer:
            return answer.status
    except aiohttp.ClientConnectionError:
        return 0


@pytest.mark.parametrize(("old", "new"), [(LOCAL, ALL), (ALL, LOCAL), (LOCAL, OTHER)])
async def test_host_changes_and_the_port_stays(handover: KeptOpen, old: str, new: str) -> None:
    port = free_port()
    async with served(web.Application(), old, port, await handover.sockets(old, port)):
        await handover.sockets(new, port)
        assert await status(LOCAL, port) == 404, "the old address is served until the switch"
    async with served(web.Application(), new, port, await handover.sockets(new, port)):
        handover.keep_only(new, port)
        assert [await status(host, port) for host in (LOCAL, OTHER)] == [
            404 if new in {ALL, host} else 0 for host in (LOCAL, OTHER)
        ]
        with pytest.raises(OSError, match="in use"):
            listening(new, port)


async def test_host_that_is_given_up_leaves_the_old_one_alone(handover: KeptOpen) -> None:
    port = free_port()
    async with served(web.Application(), LOCAL, port, await handover.sockets(LOCAL, port)):
        await handover.sockets(ALL, port)
        handover.keep_only(LOCAL, port)
        assert (await status(LOCAL, port), await status(OTHER, port)) == (404, 0)
        [kept] = await handover.sockets(LOCAL, port)
        assert kept.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT) == 0


async def test_port_of_another_program_is_refused(handover: KeptOpen) -> None:
    port = free_port()
    async with served(web.Application(), LOCAL, port, await handover.sockets(LOCAL, port)):
        with listening(OTHER, port), pytest.raises(OSError, match="in use") as refused:
            await handover.sockets(ALL, port)
        assert refused.value.errno == errno.EADDRINUSE
        assert await status(LOCAL, port) == 404
