"""The container's health check, over a real socket."""

import asyncio
from pathlib import Path

import pytest

from bot.cli.healthcheck import fault_of, main
from bot.telemetry.health import Health, served
from bot.telemetry.metrics import Metrics

CONFIG = """
clusters:
  - {{name: prod, hosts: ["127.0.0.1:9998"], alert_channel: C0STORAGE}}
http: {{host: 0.0.0.0, port: {port}}}
"""


async def well() -> str:
    return ""


async def ill() -> str:
    return "no connection to Slack for 301 s."


async def test_it_passes_while_the_page_says_so() -> None:
    server = Health(Metrics(), live={"socket": well}, ready={}).server()
    async with served(server, "127.0.0.1", 0) as port:
        assert not await asyncio.to_thread(fault_of, "0.0.0.0", port)  # noqa: S104 - the settings' word for everywhere


async def test_it_fails_with_the_page_s_words() -> None:
    server = Health(Metrics(), live={"socket": ill}, ready={}).server()
    async with served(server, "127.0.0.1", 0) as port:
        assert "no connection to Slack" in await asyncio.to_thread(fault_of, "127.0.0.1", port)


def test_it_fails_when_nothing_answers(
    unused_tcp_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(port=unused_tcp_port))
    monkeypatch.setenv("CMBOT_CONFIG", str(path))
    assert main() == 1
    assert "no answer" in capsys.readouterr().out


async def test_the_settings_say_where_to_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Health(Metrics(), live={}, ready={}).server()
    async with served(server, "127.0.0.1", 0) as port:
        path = tmp_path / "config.yaml"
        path.write_text(CONFIG.format(port=port))
        monkeypatch.setenv("CMBOT_CONFIG", str(path))
        assert await asyncio.to_thread(main) == 0


def test_broken_settings_are_unhealthy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CMBOT_CONFIG", str(tmp_path / "missing.yaml"))
    assert main() == 1
    assert "cannot be read" in capsys.readouterr().out
