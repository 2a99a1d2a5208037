"""Heartbeat: each failure of its URL is named without the URL, which is a secret."""

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.telemetry.heartbeat import Heartbeat
from tests.support.fault_server import certified, faulty
from tests.support.raw_server import Request, cuts, says, serving


async def no_problem() -> str:
    return ""


async def reason(url: str) -> str:
    """The reason that is logged for a URL."""
    with capture_logs() as logs:
        await Heartbeat(url).beat(0.0, no_problem)
    assert "s3cr3t" not in str(logs)
    [line] = logs
    return str(line["why"])


async def nonsense(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"this is not HTTP\r\n\r\n")
    await writer.drain()


async def test_untrusted_certificate_is_named() -> None:
    async with serving(says(200), context=certified("localhost")) as server:
        found = await reason(f"https://{server.host}/s3cr3t")
    assert found == "its URL cannot be reached (its certificate is not trusted)"


async def test_server_without_tls_is_named() -> None:
    async with faulty("plain HTTP where TLS is asked") as server:
        found = await reason(f"https://{server.host.removeprefix('https://')}/s3cr3t")
    assert found == "its URL cannot be reached (the encrypted connection failed)"


@pytest.mark.parametrize("handler", [cuts, nonsense])
async def test_answer_that_is_not_http_is_named(handler: object) -> None:
    async with serving(handler) as server:  # type: ignore[arg-type]
        found = await reason(f"http://{server.host}/s3cr3t")
    assert found.startswith("its URL cannot be reached (")
