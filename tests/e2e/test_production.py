"""docs/production.md, step by step: each of its commands runs as it stands, but for addresses and ports."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.playground.clustermgr_sim import SimulatedCluster
from bot.playground.slack_sim.server import LocalSlack
from tests.e2e.conftest import QUICK
from tests.support.debian import program
from tests.support.manual import ROOT, yaml_blocks
from tests.support.ports import free_port
from tests.support.receiver import recording_receiver
from tests.support.started_program import Started, started

pytestmark = pytest.mark.long

PAGE = ROOT / "docs/production.md"
HOSTS = "192.0.2.11:9998,192.0.2.12:9998,192.0.2.13:9998"
FINDS_A_DIFFERENCE = "cmbot config diff"
"""Its exit status is 1, because the files differ."""
NO_ADMINS = "  # admins: {users: []}"


def steps() -> Iterator[tuple[str, list[str]]]:
    """The number of each step and its commands."""
    text = re.sub(r"\\\n +", "", PAGE.read_text(encoding="utf-8"))
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        plain = re.sub(r"^```.*?^```", "", part, flags=re.DOTALL | re.MULTILINE)
        if lines := re.findall(r"^ {4,}(\S.*)$", plain, re.MULTILINE):
            yield part.partition(".")[0], [*lines]


def tools(folder: Path) -> str:
    """A folder for PATH with `cmbot` and `promtool`."""
    folder.mkdir()
    (folder / "cmbot").write_text(f'#!/bin/sh\nexec {sys.executable} -m bot "$@"\n')
    (folder / "cmbot").chmod(0o755)
    (folder / "promtool").symlink_to(program("prometheus", "promtool"))
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


async def run(line: str, folder: Path, **environment: str) -> str:
    """Run a line in a shell, as a person does; what it printed."""
    process = await asyncio.create_subprocess_shell(
        line,
        cwd=folder,
        env=os.environ | {"COLUMNS": "300", "PYTHONPATH": str(ROOT), "CMBOT_STORE_URL": ""} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out = (await process.communicate())[0].decode()
    assert process.returncode == (1 if line.startswith(FINDS_A_DIFFERENCE) else 0), f"{line}\n{out}"
    return out


async def ready(program_run: Started) -> None:
    """Wait until each check of /readyz passes: clusters are polled, the channels are known."""
    async with asyncio.timeout(120):
        while (await program_run.page("/readyz"))[0] != 200:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)


async def test_commands_of_the_page_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run: a step builds on the ones before it."""
    todo, said = dict(steps()), dict[str, str]()
    port, config = free_port(), tmp_path / "config.yaml"
    monkeypatch.chdir(tmp_path)  # as a person does: the database of the settings is in this folder
    async with SimulatedCluster(timing=QUICK) as cluster, LocalSlack() as slack, recording_receiver() as receiver:
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        environment = {"PATH": tools(tmp_path / "bin"), **tokens}

        async def done(step: str) -> None:
            for line in todo.pop(step):
                here = line.replace(HOSTS, ",".join(cluster.hosts)).replace(":8080", f":{port}")
                said[line] = await run(here, tmp_path, **environment)

        await done("2")
        text = config.read_text(encoding="utf-8")
        assert "prod is healthy" in said["cmbot stat"]
        assert NO_ADMINS in text
        text = text.replace(NO_ADMINS, "  admins: {users: [U0ALICE]}")
        config.write_text(f'{text}\nslack: {{api_url: "{slack.api_url}"}}\nhttp: {{port: {port}}}\n')
        await done("3")
        assert "bot token" in said["cmbot check"]
        # What step 6 adds, with a receiver that records.
        [outputs] = [block for name, block in yaml_blocks([PAGE]) if "outputs" in block]
        outputs["outputs"]["receivers"][0] |= {"kind": "webhook", "url": receiver.url, "secret_env": "HOOK_SECRET"}
        environment["HOOK_SECRET"] = "s"
        async with started(tmp_path, str(config), port, PYTHONPATH=str(ROOT), **tokens) as program_run:
            await slack.wait_connected(timeout=120)
            await ready(program_run)
            await done("4")
            assert json.loads(said["curl --silent http://127.0.0.1:8080/readyz"])["checks"]["store"] == "ok"
            for file in (ROOT / "deploy/prometheus").glob("*.yml"):
                shutil.copy(file, tmp_path)
            (tmp_path / "prometheus.example.yml").rename(tmp_path / "prometheus.yml")
            await done("5")
            assert 'cmbot_cluster_configured{cluster="prod"} 1' in said["curl --silent http://127.0.0.1:8080/metrics"]
            (tmp_path / "new.yaml").write_text(config.read_text() + json.dumps(outputs)[1:-1] + "\n")
            await done("6")
            assert [body["alert"]["rule"] for body in receiver.bodies] == ["cmbot_test"]
            await done("7")
        slack.assert_no_violations()
    assert todo == {}
