"""Rows that an earlier release accepted and today's rules refuse: they and all others are read."""

import json
import re

import pytest
from sqlalchemy import select, update

from bot.chatops.inbox import Inbox
from bot.common.errors import StoreError
from bot.common.message_key import MessageKey
from bot.interactions.events import Invocation
from bot.operations.change_request import RequestOptions, Reversion
from bot.operations.model import Operation, OpState, advance
from bot.operations.requests import MemberAdd, MemberRemove, TaskSwitch
from bot.store.database import Store
from bot.store.schema import inbox_rows, operations
from bot.views.operations import card
from bot.views.step_text import WORDING
from bot.workflow.evaluation import evaluate
from bot.workflow.repository import OperationRepository
from tests.support.in_memory_ports import FakeCluster
from tests.support.refusals import refused

LINK_LOCAL = {"peer_id": 4, "host": "169.254.7.9:10110", "node_host": "169.254.7.9:9998", "learner": True}


async def add(store: Store, request: MemberAdd | MemberRemove) -> Operation:
    async with store.begin() as uow:
        return await uow.operations.add(Operation("prod", request, "U0ANNA", 100.0, 1000.0), WORDING)


async def test_operation_with_a_request_refused_today_is_read(store: Store) -> None:
    old = await add(store, MemberAdd(4, "10.0.0.4:10110", "10.0.0.4:9998"))
    new = await add(store, MemberRemove(3))
    async with store.begin() as uow:
        row = operations.c.id == old.id
        changes = {"request": LINK_LOCAL, "seen": {"verdict": {"checks": [{"level": "of another release"}]}}}
        await uow.operations._session.change(update(operations).where(row).values(**changes))
    async with store.read() as uow:
        found = {op.id: op for op in await uow.operations.recent(10)}
    assert found[new.id].request == MemberRemove(3)
    request = found[old.id].request
    assert isinstance(request, MemberAdd)
    assert request.host == LINK_LOCAL["host"]
    assert found[old.id].seen.verdict is None
    with refused(r"169\.254\.7\.9"):
        await evaluate(FakeCluster(), request, ())


async def test_operation_without_a_value_of_its_request_is_named(store: Store) -> None:
    op = await add(store, MemberRemove(3))
    async with store.begin() as uow:
        await uow.operations._session.change(update(operations).where(operations.c.id == op.id).values(request={}))
    words = f"Operation #{op.id} cannot be read from the database: The stored request (member_remove) is not complete"
    with pytest.raises(StoreError, match=re.escape(words)):
        async with store.read() as uow:
            await uow.operations.get(op.id)


async def test_unreadable_delivery_does_not_stop_the_others(store: Store) -> None:
    inbox = Inbox(store, "one", lambda: 100.0)
    good = Invocation("k2", "U0ANNA", "C0OPS", "stat prod", "https://hooks.example/2")
    await inbox.accept(Invocation("k1", "U0ANNA", "C0OPS", "stat prod", "https://hooks.example/1"))
    await inbox.accept(good)
    async with store.begin() as uow:
        await uow.inbox._session.change(
            update(inbox_rows).where(inbox_rows.c.key == "k1").values(kind="OfAnotherRelease")
        )
    assert await inbox.pending() == [good]


async def test_reversion_without_a_thread_replies_to_its_own_card(store: Store) -> None:
    options = RequestOptions(reverts=Reversion(of=99, thread=0, left="false"))
    op = Operation("prod", TaskSwitch("balance", on=True), "U0ANNA", 100.0, 1000.0, options=options, channel="C0OPS")
    repository = OperationRepository(store, lambda: None, lambda: 100.0, "one")
    opened = await repository.open(advance(op, OpState.WAITING, at=100.0))
    moved = await repository.move(opened, OpState.RUNNING)
    card = MessageKey.card(moved.id)
    async with store.read() as uow:
        reply = await uow.outbox.get(card.step(moved.id, moved.version, passing=True))
    assert reply is not None
    assert str(reply.parent) == str(card)


async def test_checks_of_an_older_row_keep_their_words(store: Store) -> None:
    check = {
        "key": "host",
        "level": "warn",
        "sentence": "The raft address cm4:10110 is odd.",
        "next_step": "Look at it.",
        "forceable": False,
        "bound": "",
    }
    op = await add(store, MemberRemove(3))
    async with store.begin() as uow:
        seen = {"verdict": {"checks": [check], "fingerprint": {"leader": 1}}}
        await uow.operations._session.change(update(operations).where(operations.c.id == op.id).values(seen=seen))
    async with store.begin() as uow:
        found = await uow.operations.get(op.id)
        assert found is not None
        await uow.operations.save(advance(found, OpState.WAITING, at=101.0), WORDING)
        kept = await uow.operations.get(op.id)
    assert kept is not None
    assert kept.seen == found.seen
    assert "The raft address cm4:10110 is odd. _Look at it._" in json.dumps(card(kept).blocks)
    async with store.read() as uow:
        row = await uow.operations._session.row(select(operations.c.seen))
    assert row is not None
    assert row["seen"]["verdict"]["checks"] == [check]
