"""Health check of the container, over a real socket."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from bot.cli.healthcheck import fault_of, main
from bot.config import HttpSettings, load_http
from bot.telemetry.health import Health, served
from bot.telemetry.metrics import Metrics
from tests.support.dockerfile import steps

CONFIG = """
clusters:
  - {{name: prod, hosts: ["127.0.0.1:9998"], alert_channel: C0STORAGE}}
http: {{host: 0.0.0.0, port: {port}}}
"""


async def no_problem() -> str:
    return ""


async def problem() -> str:
    return "Slack has been disconnected for 301 s."


async def test_healthcheck_passes_with_the_page() -> None:
    server = Health(Metrics(), live={"socket": no_problem}, ready={}).server()
    async with served(server, "127.0.0.1", 0) as port:
        assert not await asyncio.to_thread(fault_of, "0.0.0.0", port)  # noqa: S104 - every interface, as in the settings


async def test_healthcheck_fails_with_the_text_of_the_page() -> None:
    server = Health(Metrics(), live={"socket": problem}, ready={}).server()
    async with served(server, "127.0.0.1", 0) as port:
        assert "Slack has been disconnected" in await asyncio.to_thread(fault_of, "127.0.0.1", port)


def test_healthcheck_fails_without_an_answer(
    unused_tcp_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(port=unused_tcp_port))
    monkeypatch.setenv("CMBOT_CONFIG", str(path))
    assert main() == 1
    assert "no answer" in capsys.readouterr().out


async def test_healthcheck_takes_its_port_from_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Health(Metrics(), live={}, ready={}).server()
    async with served(server, "127.0.0.1", 0) as port:
        path = tmp_path / "config.yaml"
        path.write_text(CONFIG.format(port=port))
        monkeypatch.setenv("CMBOT_CONFIG", str(path))
        assert await asyncio.to_thread(main) == 0


@pytest.mark.parametrize("given", ["in the settings", "of the image"])
async def test_healthcheck_asks_the_address_that_is_listened_on(tmp_path: Path, given: str) -> None:
    """One address of several: the default one does not answer. The command is that of the Dockerfile."""
    dockerfile = (Path(__file__).parents[3] / "Dockerfile").read_text(encoding="utf-8")
    [check] = [words.partition(" CMD ")[2] for instruction, words in steps(dockerfile) if instruction == "HEALTHCHECK"]
    program = json.loads(check)
    assert program[:2] == ["python", "-m"]
    server = Health(Metrics(), live={}, ready={}).server()
    async with served(server, "127.0.0.3", 0) as port:
        path = tmp_path / "config.yaml"
        host = "127.0.0.3" if given == "in the settings" else ""
        text = CONFIG.format(port=port)
        path.write_text(text.replace("host: 0.0.0.0", f"host: {host}") if host else text.replace("host: 0.0.0.0, ", ""))
        environment = {"CMBOT_CONFIG": str(path), "CMBOT_HTTP_HOST": "" if host else "127.0.0.3"}
        run = await asyncio.create_subprocess_exec(
            sys.executable, *program[1:], env=os.environ | environment, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await run.communicate()
    assert (run.returncode, said) == (0, b"")


def test_broken_settings_are_unhealthy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CMBOT_CONFIG", str(tmp_path / "missing.yaml"))
    assert main() == 1
    assert "cannot be read" in capsys.readouterr().out


@pytest.mark.parametrize("more", ["zebra: 1", "inputs: {token_env: NOT_SET}"])
async def test_settings_that_a_reload_would_refuse_are_not_unhealthy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    """The program goes on with the settings before."""
    server = Health(Metrics(), live={}, ready={}).server()
    async with served(server, "127.0.0.1", 0) as port:
        path = tmp_path / "config.yaml"
        path.write_text(f"{CONFIG.format(port=port)}{more}\n")
        monkeypatch.setenv("CMBOT_CONFIG", str(path))
        assert await asyncio.to_thread(main) == 0


@pytest.mark.parametrize("text", ["clusters: [", "[]", "http: 7", "http: {port: x}"])
def test_address_that_cannot_be_read_is_the_default_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    monkeypatch.setenv("CMBOT_CONFIG", str(path))
    assert load_http() == HttpSettings()
