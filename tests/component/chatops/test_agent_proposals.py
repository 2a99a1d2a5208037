"""What the program that runs checks of a stored proposal of an agent: its own settings, its age, how many there are."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from bot.audit.query import ALL
from bot.chatops.agent_proposals import MAX_AGE, AgentProposals, AgentRights, common_time
from bot.chatops.audit_log import AuditLog
from bot.chatops.inbox import Inbox
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.common.errors import Refused, UserError
from bot.interactions.events import AgentProposal
from bot.operations.agent_limits import HOUR, MAX_AN_HOUR, MAX_OPEN
from bot.operations.change_request import PartOf, RequestOptions
from bot.operations.model import Operation, OpState, advance
from bot.operations.operation_problems import AgentChecksLately, AgentOperationsOpen, AgentProposalsLately
from bot.operations.requests import DiskAccess
from bot.permissions.roles import Role
from bot.store.database import Store
from bot.store.repositories.inbox import decode_work, encode_work
from bot.store.schema import inbox_rows
from bot.views.errors import error_text
from bot.workflow.repository import OperationRepository
from tests.support.databases import Clock

OWNER = "U0ANNA"
VALUES = {"task": "balance", "reason": "too much traffic", "dry_run": "no"}


def agents_of(store: Store, clock: Clock, *clusters: str, owner: str = OWNER) -> AgentProposals:
    """What takes proposals on two clusters, without their clients."""
    known = {name: Cluster(name, "C0OPS", ClustermgrClient(("127.0.0.1:1",)), clock, 5.0) for name in ("prod", "lab")}
    return AgentProposals(store, clock, clock, AgentRights(owner, clusters), known, AuditLog(store, clock))


async def proposal(store: Store, clock: Clock, age: float = 0.0, **other: Any) -> AgentProposal:
    """A proposal that `cmbot mcp` stored so many seconds ago."""
    async with store.read() as uow:
        at = await common_time(uow, clock) - age
    return replace(AgentProposal("agent-1", OWNER, at, "task disable", "prod", VALUES), **other)


async def test_proposal_after_storing_is_the_same(store: Store, clock: Clock) -> None:
    work = await proposal(store, clock)
    assert decode_work(*encode_work(work)) == work


async def test_proposal_stands_for_its_command_in_the_name_of_the_owner(store: Store, clock: Clock) -> None:
    request = await agents_of(store, clock).request(await proposal(store, clock))
    assert request.command is not None
    assert (request.command.path, request.command.role) == (("task", "disable"), Role.OPERATOR)
    assert (request.cluster, request.agent, request.proven) == ("prod", True, False)
    assert (request.invocation.user, request.invocation.channel) == (OWNER, "C0OPS")
    assert request.invocation.text == 'task disable balance prod reason="too much traffic" dry-run=no'


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"user": "U0BEN"}, "is another person"),
        ({"cluster": "lab"}, "There is no cluster"),
        ({"command": "maintenance start"}, "cannot propose"),
        ({"command": "op settle"}, "cannot propose"),
        ({"values": {**VALUES, "force": "yes"}}, "cannot use break-glass"),
        ({"values": {**VALUES, "force": " YES"}}, "cannot use break-glass"),
        ({"values": {**VALUES, "task": ""}}, "task cannot be empty"),
        ({"values": {**VALUES, "approve": "yes"}}, "has no argument"),
        ({"values": {**VALUES, "reason": "x" * 301}}, "at most 300 characters"),
    ],
)
async def test_stored_proposal_that_is_not_allowed_is_refused(
    store: Store, clock: Clock, other: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError) as refused:
        await agents_of(store, clock, "prod").request(await proposal(store, clock, **other))
    assert words in error_text(refused.value)


async def test_no_proposal_is_taken_unless_the_settings_of_this_program_allow_it(store: Store, clock: Clock) -> None:
    with pytest.raises(UserError, match=r"`mcp\.propose` in its settings is off"):
        await agents_of(store, clock, owner="").request(await proposal(store, clock))


@pytest.mark.parametrize("age", [MAX_AGE + 5, 86400.0, -3600.0])
async def test_stale_proposal_is_refused(store: Store, clock: Clock, age: float) -> None:
    with pytest.raises(UserError, match="stored too long ago"):
        await agents_of(store, clock).request(await proposal(store, clock, age))
    assert (await agents_of(store, clock).request(await proposal(store, clock, MAX_AGE - 5))).agent


async def fill(
    store: Store,
    clock: Clock,
    number: int,
    *,
    ended: bool = False,
    agent: bool = True,
    first: int = 1,
    card: int = 0,
    parts: bool = False,
) -> None:
    """Store operations; with `card` they took over that card, as `parts` they belong to several disks."""
    part_of = PartOf(1, 1) if parts else None
    repository = OperationRepository(store, lambda: None, clock)
    for disk in range(first, first + number):
        op = Operation(
            "prod",
            DiskAccess(disk, readonly=True),
            OWNER,
            clock(),
            clock() + 900,
            options=RequestOptions(agent=agent, part_of=part_of),
        )
        await repository.open(
            replace(advance(op, OpState.BLOCKED if ended else OpState.WAITING, at=clock()), card=card)
        )


async def test_only_a_few_proposals_of_agents_are_open_at_a_time(store: Store, clock: Clock) -> None:
    agents = agents_of(store, clock)
    await fill(store, clock, MAX_OPEN - 2)
    await fill(store, clock, 1, first=40, card=1)
    await fill(store, clock, 3, first=50, agent=False)
    await fill(store, clock, 3, first=60, parts=True)
    assert (await agents.request(await proposal(store, clock))).agent
    await fill(store, clock, 1, first=90)
    with pytest.raises(Refused) as refused:
        await agents.request(await proposal(store, clock))
    assert refused.value.problem == AgentOperationsOpen(MAX_OPEN)
    assert (await agents.request(await proposal(store, clock, values={**VALUES, "dry_run": "yes"}))).agent


async def test_agents_propose_only_so_often_in_an_hour(store: Store, clock: Clock) -> None:
    agents = agents_of(store, clock)
    await fill(store, clock, MAX_AN_HOUR - 1, ended=True)
    await fill(store, clock, 3, ended=True, card=1)
    assert (await agents.request(await proposal(store, clock))).agent
    await fill(store, clock, 1, ended=True)
    with pytest.raises(Refused) as refused:
        await agents.request(await proposal(store, clock))
    assert refused.value.problem == AgentProposalsLately(MAX_AN_HOUR)
    clock.now += HOUR + 1
    assert (await agents.request(await proposal(store, clock))).agent


async def test_dry_runs_of_agents_are_recorded_and_bounded(store: Store, clock: Clock) -> None:
    agents, tries = agents_of(store, clock), {**VALUES, "dry_run": "yes"}
    for _ in range(MAX_AN_HOUR):
        await agents.request(await proposal(store, clock, values=tries))
    async with store.read() as uow:
        rows = await uow.audit.newest(ALL, limit=99)
    assert {(row.action, row.actor, row.cluster) for row in rows} == {("checked.agent", OWNER, "prod")}
    assert len(rows) == MAX_AN_HOUR
    assert rows[0].details["agent"] is True
    assert str(rows[0].details["text"]).endswith("dry-run=yes")
    with pytest.raises(Refused) as refused:
        await agents.request(await proposal(store, clock, values=tries))
    assert refused.value.problem == AgentChecksLately(MAX_AN_HOUR)
    assert (await agents.request(await proposal(store, clock))).agent
    clock.now += HOUR + 1
    assert (await agents.request(await proposal(store, clock, values=tries))).agent


async def test_proposals_at_one_moment_count_each_other(store: Store, database_url: str, clock: Clock) -> None:
    """Also those of two replicas."""
    await fill(store, clock, MAX_OPEN - 1)
    async with Store.open(database_url, clock=clock) as other:
        both = (fill(each, clock, 1, first=disk) for each, disk in ((store, 90), (other, 91)))
        ended = await asyncio.gather(*both, return_exceptions=True)
    [refused] = [each for each in ended if each is not None]
    assert isinstance(refused, UserError), refused
    assert f"{MAX_OPEN} operations of agents are open" in error_text(refused)
    async with store.read() as uow:
        assert len(await uow.operations.open()) == MAX_OPEN
    await fill(store, clock, 1, first=92, agent=False)


async def test_refusal_is_recorded_with_the_agent(store: Store, clock: Clock) -> None:
    await agents_of(store, clock).refused(await proposal(store, clock), "No.")
    async with store.read() as uow:
        [row] = await uow.audit.newest(ALL, limit=9)
    assert (row.action, row.actor, row.cluster) == ("refused.agent", OWNER, "prod")
    assert row.details["agent"] is True
    assert str(row.details["text"]).startswith("/cm task disable balance prod")


@pytest.mark.parametrize(
    "wrong",
    [
        {"values": ["force"]},
        {"values": {"task": ["balance"]}},
        {"cluster": ["prod"]},
        {"command": None},
        {"user": 7},
        {"at": "now"},
        {"key": "agent-2"},
    ],
)
async def test_malformed_proposal_is_dropped_and_holds_up_no_other(
    store: Store, clock: Clock, wrong: dict[str, Any]
) -> None:
    """A row of another release stays: a replica of that release may read it."""
    inbox = Inbox(store, "p1", clock)
    good = await proposal(store, clock, key="agent-2")
    kind, payload = encode_work(await proposal(store, clock))
    async with store.begin() as uow:
        await uow.inbox.insert_if_new("agent-1", kind, {**payload, **wrong}, clock() - 3)
        await uow.inbox.insert_if_new("agent-0", kind, {**payload, "of_a_later_release": 1}, clock() - 2)
    await inbox.accept(good)
    # An earlier process claimed it and ended.
    async with store.begin() as uow:
        assert await uow.inbox.claim("agent-1", "p0", now=clock(), until=clock())
    clock.now += 1
    assert await inbox.pending() == [good]
    async with store.read() as uow:
        assert [key for key, _, _ in await uow.inbox.pending(clock())] == ["agent-0", "agent-2"]
        assert await uow.inbox.payload("agent-1") == {}


async def test_payload_that_is_no_object_is_dropped(store: Store, clock: Clock) -> None:
    inbox = Inbox(store, "p1", clock)
    good = await proposal(store, clock, key="agent-2")
    for work in (await proposal(store, clock), good):
        await inbox.accept(work)
    async with store.begin() as uow:
        of_one = inbox_rows.c.key == "agent-1"
        await uow.inbox._session.change(update(inbox_rows).where(of_one).values(payload=["force"]))
    assert await inbox.pending() == [good]
    async with store.read() as uow:
        assert [key for key, _, _ in await uow.inbox.pending(clock())] == ["agent-2"]


async def test_proposal_that_no_process_began_can_be_withdrawn(store: Store, clock: Clock) -> None:
    """A withdrawn one is never begun, and one that is begun is not withdrawn."""
    for key, begun in (("agent-1", False), ("agent-2", True)):
        kind, payload = encode_work(await proposal(store, clock, key=key))
        async with store.begin() as uow:
            await uow.inbox.insert_if_new(key, kind, payload, clock())
        async with store.begin() as uow:
            if begun:
                assert await uow.inbox.claim(key, "p1", now=clock(), until=clock() + 30)
        async with store.begin() as uow:
            assert await uow.inbox.withdraw(key) is not begun
        async with store.begin() as uow:
            assert not await uow.inbox.claim(key, "p2", now=clock(), until=clock() + 30)
    async with store.read() as uow:
        assert await uow.inbox.count("AgentProposal", clock() - 1) == 2
        assert await uow.inbox.payload("agent-1") == {}
        assert await uow.inbox.payload("agent-3") is None
