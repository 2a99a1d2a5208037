"""An agent proposes a change: the program that runs takes it, another person than its owner decides, it runs once."""

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextContent
from sqlalchemy import update

from bot.audit.query import ALL
from bot.chatops.agent_proposals import AgentRights, common_time
from bot.cli.agents.calls import AgentCalls
from bot.cli.agents.http import over_http
from bot.cli.agents.propose import MAX_AN_HOUR, Proposals
from bot.cli.agents.server import tool_server
from bot.cli.demo import EXAMPLE, Demo, demo
from bot.config import Secrets, Settings, parse
from bot.interactions.events import AgentProposal
from bot.leadership.model import Replica
from bot.operations.agent_limits import MAX_OPEN
from bot.operations.model import OpState
from bot.operations.policy import PolicyMode
from bot.operations.requests import DiskAccess
from bot.runtime.app import build
from bot.runtime.reading import reading
from bot.store.database import Store
from bot.store.repositories.inbox import encode_work
from bot.store.schema import inbox_rows
from tests.e2e.conftest import QUICK
from tests.e2e.program_process import Outside
from tests.e2e.replicas import SETTINGS, two_replicas
from tests.e2e.test_operations import ALICE, BOB, DAVE, OPERATIONS, PATIENCE, ask, card_with, click, refused, writes
from tests.support.databases import Postgres

TOKEN = "t0ken-" + "z" * 32
CHANGE = {"change": "task disable", "cluster": "prod", "arguments": {"task": "balance"}, "reason": "*too* much traffic"}
MCP = f"mcp: {{propose: true, owner: {ALICE}, clusters: [prod]}}\n"


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Demo]:
    """The demo with loose policies, by which a requester may approve, and with agents that propose."""
    changed = tmp_path / "config.yaml"
    changed.write_text(f"{EXAMPLE.read_text()}\n{MCP}")
    monkeypatch.setattr("bot.cli.demo.EXAMPLE", changed)
    async with demo(
        port=0, policies=PolicyMode.LOOSE, timing=QUICK, poll=0.5, example_ports=False, clock=time.time
    ) as parts:
        yield parts
        parts.slack.assert_no_violations()


@asynccontextmanager
async def client(settings: Settings, *, wait: float = 60.0) -> AsyncIterator[Client]:
    """A client of the package, connected over HTTP with the token."""
    async with reading(settings, settings.mcp.clusters or None) as reader:
        own = settings.mcp
        proposals = Proposals(reader, own.owner, wait=wait) if own.propose and own.owner else None
        tools = tool_server(AgentCalls(reader, proposals=proposals))
        async with (
            over_http(tools, "127.0.0.1", 0, token=TOKEN, names=["127.0.0.1"]) as port,
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=120) as http,
            Client(streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http)) as connected,
        ):
            yield connected


async def result(agent: Client, **other: Any) -> Any:
    """Propose; return the one result."""
    answer = await agent.call_tool("propose", {**CHANGE, **other})
    assert not answer.is_error, answer
    assert answer.structured_content["notice"].startswith("This is data")
    [found] = answer.structured_content["data"]["results"]
    return found


async def failure(agent: Client, **other: Any) -> str:
    """Propose; return the words of the refusal."""
    answer = await agent.call_tool("propose", {**CHANGE, **other})
    assert answer.is_error, answer
    [content] = answer.content
    assert isinstance(content, TextContent)
    return content.text


async def audited(world: Demo) -> list[tuple[str, str, bool]]:
    """The rows of the audit log: action, actor, and if they say that it was an agent."""
    async with world.app.store.read() as uow:
        rows = await uow.audit.newest(ALL, limit=50)
    requests: list[Any] = [row.details.get("request") or row.details for row in rows]
    return [(row.action, row.actor, request.get("agent", False)) for row, request in zip(rows, requests, strict=True)]


def stored(world: Demo, **other: Any) -> AgentProposal:
    """A proposal as `cmbot mcp` stores it."""
    values = {"task": "balance", "reason": "too much traffic", "dry_run": "no"}
    return replace(AgentProposal("agent-7", ALICE, world.app.clock(), "task disable", "prod", values), **other)


async def taken(world: Demo, work: AgentProposal) -> Any:
    """Let the program take a stored proposal; return the answer that it stores."""
    await world.app.dispatcher.accept(work)
    await world.app.dispatcher.work(work)
    # The sweep may have taken it first.
    async with asyncio.timeout(PATIENCE):
        while True:
            async with world.app.store.read() as uow:
                if (found := await uow.inbox.payload(work.answer_key)) is not None:
                    return found
            await asyncio.sleep(0.1)


@pytest.mark.fast_time
async def test_agent_proposes_and_another_person_decides(world: Demo) -> None:
    async with client(world.app.settings) as agent:
        assert "propose proposes a change" in (agent.instructions or "")
        [tool] = [each for each in (await agent.list_tools()).tools if each.name == "propose"]
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is False
        tried = await result(agent, dry_run=True)
        assert (tried["result"], tried["operation"]) == ("dry_run", None)
        assert {check["level"] for check in tried["checks"]} <= {"pass", "warn"}
        assert await world.app.repository.recent(None, 9) == []
        found = await result(agent)
        assert (found["result"], found["operation"], found["state"]) == ("proposed", 1, "waiting")
        assert found["link"].startswith("http")
        card = await world.slack.wait_for(
            OPERATIONS, lambda m: "Operation #1, proposed by an agent for" in m.full_text, timeout=PATIENCE
        )
        assert f"Proposed by an agent for <@{ALICE}>*, who may not approve it" in card.full_text
        assert "`*too* much traffic`" in card.full_text, "the words of the agent are not formatted"
        assert f"one approver other than <@{ALICE}>" in card.full_text
        assert "An agent proposed operation #1 in your name" in await refused(world, card, ALICE)
        assert writes(world, "/config/set") == []
        await click(world, card, BOB)
        await card_with(world, card, "Verified")
        assert len(writes(world, "/config/set")) == 1
        listed = await agent.call_tool("operations", {"state": "recent"})
        [row] = listed.structured_content["data"]["results"]
        assert (row["by_agent"], row["requested_by"], row["approved_by"]) == (True, ALICE, [BOB])
        history = await agent.call_tool("timeline", {"about": "op 1"})
        events = history.structured_content["data"]["results"][0]["events"]
        assert any("operation #1 proposed by an agent" in event["text"] for event in events)
    assert "Proposed by an agent for" in (await ask(world, "/cm op 1")).full_text
    assert "turn balance off; by an agent" in (await ask(world, "/cm audit")).full_text
    rows = await audited(world)
    assert ("operation.proposed", ALICE, True) in rows
    assert all(agent for action, _, agent in rows if action.startswith("operation."))


@pytest.mark.fast_time
async def test_wrong_proposals_are_refused_with_the_argument(world: Demo) -> None:
    """Nothing is stored for the program that runs."""
    async with client(world.app.settings) as agent:
        cases: tuple[tuple[dict[str, Any], str], ...] = (
            ({"arguments": {"task": "balance", "force": "yes"}}, "cannot use break-glass"),
            ({"arguments": {"task": "balance", "force": True}}, "cannot use break-glass"),
            ({"arguments": {}}, "needs task"),
            ({"arguments": {"task": "balance", "approve": "yes"}}, "has no argument"),
            ({"arguments": {"task": "balance", "reason": "x"}}, "reason is an argument of propose itself"),
            ({"reason": ""}, "reason: "),
            ({"reason": "\u200b\u200b\u200b"}, "reason cannot be empty"),
            ({"reason": "x" * 301}, "reason: "),
            ({"cluster": "archive"}, "There is no cluster"),
            ({"change": "op settle"}, "cannot propose 'op settle'"),
            ({"change": "maintenance start"}, "cannot propose"),
            ({"approve": True}, "there is no such argument"),
        )
        for other, words in cases:
            assert words in await failure(agent, **other), other
    async with world.app.store.read() as uow:
        assert await uow.inbox.count("AgentProposal", 0.0) == 0


@pytest.mark.fast_time
async def test_program_that_runs_checks_again(world: Demo) -> None:
    """The row allows nothing: an earlier setting, an old proposal, break-glass, an owner who lost the role."""
    dispatcher = world.app.dispatcher
    assert dispatcher.agents is not None
    old = stored(world, key="agent-1", at=world.app.clock() - 300)
    assert "stored too long ago" in (await taken(world, old))["text"]
    values = {**stored(world).values, "force": "yes"}
    assert "cannot use break-glass" in (await taken(world, stored(world, key="agent-2", values=values)))["text"]
    values = {**stored(world).values, "reason": ""}
    assert "needs a reason" in (await taken(world, stored(world, key="agent-3", values=values)))["text"]
    allowed = dispatcher.agents
    dispatcher.agents = replace(allowed, rights=AgentRights())
    assert "settings is off" in (await taken(world, stored(world, key="agent-4")))["text"]
    dispatcher.agents = replace(allowed, rights=AgentRights(DAVE, ("prod",)))
    other = await taken(world, stored(world, key="agent-5", user=DAVE))
    assert "operator" in other["text"]
    assert "result" not in other
    assert await world.app.repository.recent(None, 9) == []
    assert writes(world, "/config/set") == []
    assert [row for row in await audited(world) if row[0] != "refused.agent"] == []
    assert ("refused.agent", DAVE, True) in await audited(world)


@pytest.mark.fast_time
async def test_two_replicas_take_a_proposal_once(world: Demo) -> None:
    async with build(world.app.settings, clock=time.time) as other:
        work = stored(world)
        await world.app.dispatcher.accept(work)
        await asyncio.gather(*(app.dispatcher.work(work) for app in (world.app, other)))
        await world.app.dispatcher.resume()
    [op] = await world.app.repository.recent(None, 9)
    assert (op.state, op.requester, op.options.agent) == (OpState.WAITING, ALICE, True)
    cards = [m for m in world.slack.workspace.messages if "proposed by an agent for" in m.full_text and not m.thread_ts]
    assert len(cards) == 1


@asynccontextmanager
async def failing(world: Demo, table: str, when: str = "true") -> AsyncIterator[None]:
    """A database that refuses to insert such rows, as it does while its disk is full."""
    path = world.app.settings.store_url.removeprefix("sqlite:///")

    def change(statement: str) -> None:
        with closing(sqlite3.connect(path, timeout=30)) as database, database:
            database.execute(statement)

    trigger = f"CREATE TRIGGER failing BEFORE INSERT ON {table} WHEN {when} BEGIN SELECT json('no'); END"
    await asyncio.to_thread(change, trigger)
    try:
        yield
    finally:
        await asyncio.to_thread(change, "DROP TRIGGER failing")


@pytest.mark.fast_time
async def test_proposal_with_a_card_is_not_recorded_as_refused_if_its_answer_is_lost(world: Demo) -> None:
    proposed = "NEW.kind = 'AgentAnswer' AND json_extract(NEW.payload, '$.result') IS NOT NULL"
    async with client(world.app.settings, wait=10.0) as agent:
        async with failing(world, inbox_rows.name, proposed):
            assert "was taken, but not answered" in await failure(agent)
    await world.app.dispatcher.resume()
    [op] = await world.app.repository.recent(None, 9)
    assert (op.state, op.options.agent) == (OpState.WAITING, True)
    assert [row for row in await audited(world) if row[0] == "refused.agent"] == []
    async with world.app.store.read() as uow:
        assert await uow.inbox.pending(9e12) == []


@pytest.mark.fast_time
async def test_proposal_without_a_card_is_taken_again_after_the_database_failed(world: Demo) -> None:
    work = stored(world)
    async with failing(world, "operations"):
        await world.app.dispatcher.accept(work)
        await world.app.dispatcher.work(work)
        # The sweep may have taken it first.
        await world.app.task_queue.idle(PATIENCE)
    async with world.app.store.read() as uow:
        assert [key for key, _, _ in await uow.inbox.pending(9e12)] == [work.key]
        assert await uow.inbox.payload(work.answer_key) is None
    assert [row for row in await audited(world) if row[0] == "refused.agent"] == []
    async with world.app.store.begin() as uow:
        # The claim ends.
        await uow.inbox._session.change(update(inbox_rows).where(inbox_rows.c.key == work.key).values(claimed_until=0))
    assert (await taken(world, work))["result"] == "proposed"
    assert len(await world.app.repository.recent(None, 9)) == 1


@pytest.mark.system
async def test_two_processes_over_one_server_take_each_proposal_once(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both look for stored proposals four times a second."""
    monkeypatch.setattr("tests.e2e.replicas.SETTINGS", f"{SETTINGS}mcp: {{{{propose: true, owner: {ALICE}}}}}\n")
    async with two_replicas(tmp_path, postgres) as replicas:
        disks = range(1, MAX_OPEN + 1)
        async with replicas.store.begin() as uow:
            at = await common_time(uow, time.time)
            for disk in disks:
                values = {"id": str(disk), "reason": "slow", "dry_run": "no"}
                work = AgentProposal(f"agent-{disk}", ALICE, at, "disk readonly", "prod", values)
                await uow.inbox.insert_if_new(work.key, *encode_work(work), at)
        await replicas.slack.wait_for(
            "C0STORAGE", lambda _: len(replicas.messages("🤖 *Proposed by an agent")) == MAX_OPEN, timeout=60
        )
        requests = [op.request for op in await replicas.operations()]
        assert sorted(map(str, requests)) == sorted(str(DiskAccess(disk, readonly=True)) for disk in disks)
        replicas.assert_each_message_is_there_once()


@pytest.mark.fast_time
async def test_refused_change_is_answered_and_recorded(world: Demo) -> None:
    await world.clusters["prod"].kill(3)
    async with client(world.app.settings) as agent:
        found = await result(agent, change="leader transfer", arguments={"peer_id": 3})
        assert (found["result"], found["state"], found["link"]) == ("blocked", "blocked", None)
        assert any(check["level"] == "block" and check["sentence"] for check in found["checks"])
        assert (await result(agent, change="task enable"))["result"] == "already_so"


def settings_in(folder: Path) -> Settings:
    """Settings with which agents may propose, and a database that does not exist yet."""
    settings = {
        "store": {"url": f"sqlite:///{folder}/cmbot.db"},
        "clusters": [{"name": "prod", "hosts": ["127.0.0.1:1"], "alert_channel": "C0STORAGE"}],
        "access": {"operators": {"users": [ALICE]}},
        "mcp": {"propose": True, "owner": ALICE},
    }
    return parse(json.dumps(settings), secrets=Secrets(_env_file=None), environment={})


async def pending(store: Store, number: int) -> None:
    """Wait until so many proposals wait."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async with store.read() as uow:
                if len(await uow.inbox.pending(time.time())) == number:
                    return
            await asyncio.sleep(0.1)


@pytest.mark.fast_time
async def test_without_a_program_that_runs_nothing_is_proposed_later(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    async with client(settings, wait=3.0) as agent:
        assert "There is no database" in await failure(agent)
    async with Store.open(settings.store_url) as store:
        await store.migrate()
        async with client(settings, wait=3.0) as agent:
            assert "No cmbot runs on this database" in await failure(agent)
            for revision, words in (
                ("", "bot-1 still runs an earlier release"),
                ("0015", "No cmbot took the proposal"),
            ):
                async with store.begin() as uow:
                    await uow.replicas.beat(Replica("bot-1", 0.0, time.time(), time.time() + 9e9, (), revision))
                assert words in await failure(agent)
            async with store.read() as uow:
                assert await uow.inbox.pending(time.time()) == []
                assert await uow.inbox.count("AgentProposal", 0.0) == 1
            for number in range(MAX_AN_HOUR):
                work = AgentProposal(f"agent-{number}", ALICE, time.time(), "task disable", "prod", {})
                async with store.begin() as uow:
                    await uow.inbox.insert_if_new(work.key, *encode_work(work), time.time(), done=True)
            assert "in the last hour: ask again later" in await failure(agent)


@pytest.mark.fast_time
async def test_proposal_that_is_cancelled_is_withdrawn(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    async with Store.open(settings.store_url) as store:
        await store.migrate()
        async with store.begin() as uow:
            await uow.replicas.beat(Replica("bot-1", 0.0, time.time(), time.time() + 9e9, (), "0015"))
        async with reading(settings) as reader:
            asking = asyncio.create_task(Proposals(reader, ALICE, wait=9e9).propose(CHANGE))
            await pending(store, 1)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await pending(store, 0)


@pytest.mark.fast_time
async def test_without_the_setting_there_is_no_such_tool(world: Demo) -> None:
    own = world.app.settings
    settings = own.model_copy(update={"mcp": own.mcp.model_copy(update={"propose": False})})
    async with client(settings) as agent:
        assert "propose" not in [tool.name for tool in (await agent.list_tools()).tools]
        assert "There is no tool 'propose'" in await failure(agent)


@pytest.mark.long
async def test_agent_proposes_over_standard_input_and_output(outside: Outside, tmp_path: Path) -> None:
    """Both programs run as processes; the one for agents has no token of Slack."""
    outside.config.write_text(outside.config.read_text() + MCP)
    async with outside.bot():
        started = StdioServerParameters(
            command=sys.executable, args=["-m", "bot", "mcp", "--config", str(outside.config)]
        )
        with (tmp_path / "log").open("w") as log:
            async with Client(stdio_client(started, errlog=log)) as agent:
                found = await result(agent)
        assert (found["result"], found["state"]) == ("proposed", "waiting")
        card = await outside.slack.wait_for(
            "C0STORAGE", lambda m: "proposed by an agent for" in m.full_text and not m.thread_ts, timeout=30
        )
        await outside.slack.as_user(ALICE).click("C0STORAGE", card.ts, "op_confirm", confirmed=True)
        await outside.slack.wait_for(
            "C0STORAGE", lambda m: m.only_for == ALICE and "in your name" in m.text, user=ALICE, timeout=30
        )
        assert outside.cluster.log.matching(method="POST") == []
        await outside.slack.as_user(BOB).click("C0STORAGE", card.ts, "op_confirm", confirmed=True)
        await outside.slack.wait_for("C0STORAGE", lambda m: m.ts == card.ts and "Verified" in m.full_text, timeout=30)
        assert len(outside.cluster.log.matching(method="POST", path="/config/set")) == 1
    assert "Traceback" not in (tmp_path / "log").read_text()
