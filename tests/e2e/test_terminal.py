"""The reading commands in a terminal, without Slack: as a person, a script and a pipe use them."""

import asyncio
import json
import os
import pty
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.playground.clustermgr_sim import SimulatedCluster
from bot.playground.slack_sim.server import LocalSlack
from tests.e2e.program_process import Outside
from tests.support.command_line import command_line

SETTINGS = """
store: {{url: "sqlite:///{folder}/cmbot.db"}}
clusters:
{clusters}
"""
CLUSTER = "  - {{name: {name}, hosts: {hosts}, alert_channel: C0STORAGE, answer_deadline: 2s}}"


def environment(**more: str) -> dict[str, str]:
    """The environment without any token of Slack."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SLACK_")} | more


async def cmbot(*words: str, given: str = "", **variables: str) -> tuple[int, str, str]:
    """Run the command line; its exit status, its output and what it said on standard error."""
    return await command_line(*words, environment=environment(**variables), given=given)


def write(folder: Path, clusters: dict[str, tuple[str, ...]]) -> str:
    """Write settings with these hosts; their path."""
    lines = [CLUSTER.format(name=name, hosts=json.dumps(list(hosts))) for name, hosts in clusters.items()]
    path = folder / "config.yaml"
    path.write_text(SETTINGS.format(folder=folder, clusters="\n".join(lines)))
    return str(path)


async def on_a_terminal(*words: str, columns: int = 80, **variables: str) -> str:
    """Run the command line on a terminal of this width; what it wrote."""
    main, side = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *words),
            env=environment(**{"TERM": "xterm-256color"} | variables, COLUMNS=str(columns)),
            stdin=side,
            stdout=side,
            stderr=side,
        )
    finally:
        os.close(side)
    read = asyncio.create_task(asyncio.to_thread(_all_of, main))
    await process.wait()
    return (await read).decode()


def _all_of(main: int) -> bytes:
    found = b""
    try:
        while part := os.read(main, 65536):
            found += part
    except OSError:  # Linux reports the end of a terminal as an error
        pass
    finally:
        os.close(main)
    return found


async def json_of(*words: str) -> tuple[int, Any]:
    """Run a command with --json; its exit status and the object."""
    status, out, err = await cmbot(*words, "--json")
    assert not err, err
    return status, json.loads(out)


async def test_one_cluster_is_read_with_nothing_but_its_hosts(tmp_path: Path) -> None:
    """No token, no database: the verdict is in the words, the JSON and the exit status."""
    async with SimulatedCluster() as cluster:
        config = write(tmp_path, {"prod": cluster.hosts})
        status, out, _ = await cmbot("stat", "--config", config)
        assert status == 0, out
        assert "prod is healthy: peer" in out
        assert "Without the database" in out
        assert "`" not in out.partition("Without the database")[0]
        assert not (tmp_path / "cmbot.db").exists()
        status, found = await json_of("stat", "prod", "--config", config)
        [prod] = found["results"]
        assert (status, found["verdict"], prod["level"]) == (0, "healthy", "healthy")
        assert prod["quorum"] == {"voters": 3, "needed": 2, "healthy": 3, "can_lose": 1}
        assert len(prod["hosts"]) == 3
        for command in ("members", "disks", "tasks", "risk"):
            status, found = await json_of(command, "--config", config)
            assert found["results"][0]["cluster"] == "prod", found
            assert (found["command"], found["status"], found["errors"]) == (command, status, [])
        cluster.break_disk(3)
        status, found = await json_of("disks", "prod", "--status", "broken", "--config", config)
        assert (status, [each["disk"] for each in found["results"][0]["disks"]]) == (1, [3])
        status, found = await json_of("disk", "3", "--config", config)
        assert (status, found["results"][0]["state"], found["results"][0]["safe_to_pull"]) == (1, "broken", False)
        status, out, err = await cmbot("disk", "999", "--config", config)
        assert (status, out) == (2, "")
        assert "has no disk 999: cmbot disks prod lists" in err
        status, out, _ = await cmbot("clusters", "--config", config)
        assert "prod" in out


async def test_every_cluster_is_asked_and_the_worst_decides(tmp_path: Path) -> None:
    """One healthy cluster and one that is away: both are shown; the status is that of the unknown one."""
    async with SimulatedCluster() as cluster, SimulatedCluster() as other:
        config = write(tmp_path, {"prod": cluster.hosts, "lab": other.hosts})
        for node in (1, 2, 3):
            await other.kill(node)
        status, out, _ = await cmbot("stat", "--config", config)
        assert status == 4, out
        assert "prod is healthy" in out
        assert "lab is unreachable" in out
        status, found = await json_of("clusters", "--config", config)
        assert (status, [each["level"] for each in found["results"]]) == (4, ["healthy", "unreachable"])
        status, _, err = await cmbot("disk", "3", "--config", config)
        assert status == 2
        assert "Which cluster? Write cmbot disk 3 <cluster>" in err
        await cluster.kill(1)
        await cluster.kill(2)
        status, _, _ = await cmbot("stat", "prod", "--config", config)
        assert status == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("stat", "nowhere"), "nowhere"),
        (("disks", "colour=red"), "colour"),
        (("disk", "x"), "number"),
        (("stat", "--watch=0"), "--watch=10"),
        (("ops", "--config", "/nowhere.yaml"), "/nowhere.yaml"),
        (("sta",), "stat"),
    ],
)
async def test_a_wrong_command_line_has_its_own_status(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """2, one sentence, no traceback."""
    config = write(tmp_path, {"prod": ("127.0.0.1:1",)})
    status, out, err = await cmbot(*words, CMBOT_CONFIG=config)
    assert (status, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


async def test_alerts_and_operations_come_from_the_database(outside: Outside) -> None:
    """What the bot stored is read beside it; without a database these commands say that they know nothing."""
    config = str(outside.config)
    status, found = await json_of("alerts", "--config", config)
    assert (status, found["verdict"]) == (4, "unknown")
    assert "cmbot migrate" in found["errors"][0]["error"]
    async with outside.bot():
        status, found = await json_of("ops", "--config", config)
        assert (status, found["results"]) == (0, [])
        outside.cluster.break_disk(3)
        await outside.slack.workspace.wait_until(lambda: outside.posted("disk #3"), timeout=60)
        await outside.proposed("/cm task disable balance prod")
        status, found = await json_of("alerts", "--config", config)
        assert status in {1, 3}, json.dumps(found)
        assert "disk_broken" in [each["rule"] for each in found["results"]]
        status, found = await json_of("ops", "prod", "--config", config)
        assert (status, found["results"][0]["state"]) == (1, "waiting")
        status, out, _ = await cmbot("ops", "--config", config)
        assert "Turn balance off in prod" in out
        status, out, _ = await cmbot("clusters", "--config", config)
        assert "prod" in out
        assert "Without the database" not in out
    status, found = await json_of("alerts", "--config", config)
    assert found["results"], "the bot is down, its database is not"


async def test_watch_answers_until_it_is_ended(tmp_path: Path) -> None:
    """One JSON object a line; SIGTERM ends it with the status of the last answer."""
    async with SimulatedCluster() as cluster:
        config = write(tmp_path, {"prod": cluster.hosts})
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "stat", "--json", "--watch=1", "--config", config),
            env=environment(),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            lines = [json.loads(await asyncio.wait_for(process.stdout.readline(), 60)) for _ in range(2)]
            process.send_signal(signal.SIGINT)
            await asyncio.wait_for(process.wait(), 30)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert [each["results"][0]["level"] for each in lines] == ["healthy", "healthy"]
        assert process.returncode == 0


async def test_a_closed_pipe_ends_it_without_a_traceback(tmp_path: Path) -> None:
    """`cmbot stat | head -1`."""
    async with SimulatedCluster() as cluster:
        config = write(tmp_path, {"prod": cluster.hosts})
        process = await asyncio.create_subprocess_shell(
            f"set -o pipefail; {sys.executable} -m bot disks --json --config {config} | true; echo ${{PIPESTATUS[0]}}",
            env=environment(),
            executable="/bin/bash",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert (out.decode().strip() in {"0", "141"}, err) == (True, b"")


async def test_a_terminal_has_colours_unless_no_color_is_set(tmp_path: Path) -> None:
    """80 columns are enough: no line is wider."""
    async with SimulatedCluster() as cluster:
        config = write(tmp_path, {"prod": cluster.hosts})
        shown = await on_a_terminal("members", "--config", config)
        assert "\x1b[" in shown
        assert "prod is healthy" in " ".join(shown.split())
        plain = await on_a_terminal("members", "--config", config, NO_COLOR="1")
        assert "\x1b[3" not in plain
        for columns in (80, 40):
            wide = await on_a_terminal("stat", "--config", config, columns=columns, NO_COLOR="1", TERM="dumb")
            assert max(map(len, wide.splitlines())) <= columns, wide


async def test_init_asks_and_the_result_is_accepted(tmp_path: Path) -> None:
    """Clone, init, stat: without reading a page; an existing file is kept."""
    config = tmp_path / "config.yaml"
    async with SimulatedCluster() as cluster, LocalSlack():
        answers = ("prod", " , ".join(cluster.hosts), "C0STORAGE", "", "U0ALICE S0ONCALL", f"sqlite:///{tmp_path}/c.db")
        status, out, err = await cmbot("init", "--config", str(config), given="\n".join(answers) + "\n")
        assert (status, err) == (0, "")
        assert "cmbot stat" in out
        status, out, _ = await cmbot("stat", CMBOT_CONFIG=str(config))
        assert (status, "prod is healthy" in out) == (0, True), out
    before = config.read_text()
    assert "docs/configuration.md" in before
    status, _, err = await cmbot("init", "--config", str(config), given="lab\n")
    assert (status, config.read_text()) == (2, before)
    assert "--force" in err
    status, _, err = await cmbot("init", "--force", "--config", str(config), "--name", "Prod EU")
    assert (status, config.read_text()) == (2, before)
    assert "lower-case letters" in err
    given = ("--name", "lab", "--hosts", "10.0.0.1:9998", "--alert-channel", "C0LAB")
    more = ("--operations-channel", "C0OPS", "--operators", "", "--store", "")
    status, _, err = await cmbot("init", "--force", "--config", str(config), *given, *more)
    assert (status, err) == (0, "")
    assert "C0OPS" in config.read_text()
