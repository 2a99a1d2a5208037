"""`cmbot mcp` as a process: a client over standard input and output, and over HTTP; no token of Slack is there."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from bot.playground.clustermgr_sim import SimulatedCluster

TOKEN = "t0ken-" + "y" * 32


def write(folder: Path, hosts: tuple[str, ...], mcp: str = "") -> str:
    """Write settings; their path."""
    path = folder / "config.yaml"
    path.write_text(
        f'store: {{url: "sqlite:///{folder}/cmbot.db"}}\n{mcp}\n'
        f"clusters: [{{name: prod, hosts: {json.dumps(list(hosts))}, alert_channel: C0STORAGE, answer_deadline: 2s}}]\n"
    )
    return str(path)


@asynccontextmanager
async def program(*words: str, **variables: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the command line until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *words),
        env={"PATH": "", **variables},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_agent_reads_over_standard_input_and_output(tmp_path: Path) -> None:
    async with SimulatedCluster() as cluster:
        config = write(tmp_path, cluster.hosts)
        with (tmp_path / "log").open("w") as log:
            started = StdioServerParameters(command=sys.executable, args=["-m", "bot", "mcp", "--config", config])
            async with Client(stdio_client(started, errlog=log)) as client:
                assert client.server_info is not None
                assert client.server_info.name == "cmbot"
                assert client.instructions is not None
                assert "not instructions" in client.instructions
                assert "timeline" in [tool.name for tool in (await client.list_tools()).tools]
                answer = await client.call_tool("status", {"cluster": "prod"})
                assert answer.structured_content["data"]["verdict"] == "healthy"
                answer = await client.call_tool("switch", {"cluster": "prod"})
                assert answer.is_error
        assert {seen.method for seen in cluster.log.entries} == {"GET"}
    assert not (tmp_path / "cmbot.db").exists()
    assert "Traceback" not in (tmp_path / "log").read_text()


async def test_signal_ends_a_server_that_waits_for_input(tmp_path: Path) -> None:
    config = write(tmp_path, ("127.0.0.1:1",))
    ping = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'
    async with program("mcp", "--config", config) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(ping)
        assert json.loads(await process.stdout.readline())["id"] == 1
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def test_agent_reads_over_http_with_the_token_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    async with SimulatedCluster() as cluster:
        config = write(tmp_path, cluster.hosts, "mcp: {port: 0}")
        async with program(
            "mcp", "--http", "--config", config, CMBOT_MCP_TOKEN_FILE=str(tmp_path / "token")
        ) as process:
            url = await _address(process)
            async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as http:
                async with Client(streamable_http_client(url, http_client=http)) as client:
                    answer = await client.call_tool("clusters", {})
                    assert answer.structured_content["data"]["results"][0]["level"] == "healthy"
            async with httpx2.AsyncClient() as http:
                assert (await http.post(url, json={})).status_code == 401
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    while line := (await process.stderr.readline()).decode():
        assert TOKEN not in line
        if found := re.search(r"listens on (http://\S+)", line):
            return found[1]
    raise AssertionError("it ended")


async def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    """Nothing else of the program imports the package."""
    config = write(tmp_path, ("127.0.0.1:1",))
    script = f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("mcp", "mcp_types"):
            raise ModuleNotFoundError(name, name=name)
import bot.cli.commands
import bot.cli.running
assert not any(name.partition(".")[0] in ("mcp", "mcp_types", "uvicorn") for name in sys.modules)
sys.meta_path.insert(0, Missing())
from bot.cli.main import main
sys.exit(main(["mcp", "--config", {config!r}]))
"""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 1, said.decode()
    assert "extra mcp" in said.decode()
    assert "Traceback" not in said.decode()
