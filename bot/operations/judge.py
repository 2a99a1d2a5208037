"""Gathers what the preflight needs (two looks at all hosts, the switch, the new node) and judges a request by it."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.cluster.tasks import Dialect, DialectVerdict, key_of, meaning_of, word_for
from bot.commands.spec import ClusterPort
from bot.errors import ClusterError, ClusterTimeout, UserError
from bot.operations.checks.facts import Facts, OpenOperation, Switch
from bot.operations.model import LOCKING, Operation
from bot.operations.preflight import Verdict, preflight
from bot.operations.requests import MemberAdd, Request, TaskSwitch
from bot.operations.switch import read_switch

NODE_SECONDS = 2.0
"""How long a node that is to be added may take to answer."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on a request, and what an operation keeps as `seen` of the state it was passed on."""

    verdict: Verdict
    seen: Mapping[str, Any]


async def judge(
    cluster: ClusterPort,
    request: Request,
    operations: Iterable[Operation],
    *,
    dialect: str = "",
    forced: bool = False,
) -> Judged:
    """Look at the cluster anew and judge; `operations` are the open ones there but the one that is judged.

    Raises UserError when that cluster has no such background task. Never raises ClusterError: what cannot be told is
    a check that says so.
    """
    others = tuple(open_operation(op) for op in operations if op.state in LOCKING)
    if isinstance(request, TaskSwitch):
        return await _judge_switch(cluster, request, others, dialect, forced=forced)
    (before, now), facts = await asyncio.gather(cluster.two_looks(), _facts(cluster, request, others))
    verdict = preflight(request, before, now, facts=facts)
    seen = {"first": now.leader[0] if now.leader else "", "dialect": facts.dialect or ""}
    return _judged(verdict, seen, forced=forced)


def _judged(verdict: Verdict, seen: Mapping[str, Any], *, forced: bool) -> Judged:
    told = verdict.forced() if forced else verdict
    return Judged(told, {**seen, "verdict": told.to_json()})


def open_operation(op: Operation) -> OpenOperation:
    """An operation as the preflight of another one sees it."""
    return OpenOperation(op.id, op.kind, op.state, str(op.request.get("task", "")))


async def _judge_switch(
    cluster: ClusterPort, request: TaskSwitch, others: tuple[OpenOperation, ...], dialect: str, *, forced: bool
) -> Judged:
    (before, now), told = await asyncio.gather(
        cluster.two_looks(patient=False, bad_disks=True), _dialect(cluster, dialect)
    )
    first = now.leader[0] if now.leader else ""
    if told.dialect is None:
        facts = Facts(operations=others, dialect_why=told.why)
        return _judged(preflight(request, before, now, facts=facts), {"first": first}, forced=forced)
    key = key_of(request.task, told.dialect)
    if key is None:
        raise UserError(f"{cluster.name} ({told.dialect}) has no background task {request.task}. See /cm tasks.")
    value, trouble = await _stored(cluster, key)
    word = meaning_of(value, told.dialect).word if not trouble else ""
    facts = Facts(
        operations=others,
        dialect=told.dialect.value,
        dialect_why=told.why,
        switch=None if trouble else Switch(value, word),  # type: ignore[arg-type]  # the four words are Meaning's
        switch_why=trouble,
    )
    seen = {
        "first": first,
        "dialect": told.dialect.value,
        "why": told.why,
        "key": key,
        "value": value,
        "meaning": word or "not read",
        "will_send": word_for(told.dialect, on=request.on),
    }
    return _judged(preflight(request, before, now, facts=facts), seen, forced=forced)


async def _dialect(cluster: ClusterPort, chosen: str) -> DialectVerdict:
    """The dialect as told; `chosen` by a person counts only where the cluster does not tell."""
    told = await cluster.dialect(fresh=True)
    if not chosen or told.dialect == chosen:
        return told
    if told.dialect is not None:
        raise UserError(
            f"{cluster.name} speaks {told.dialect} ({told.why.rstrip('.')}), not {chosen}: leave dialect= out."
        )
    return DialectVerdict(Dialect(chosen), f"chosen with dialect={chosen}, because {told.why}")


async def _stored(cluster: ClusterPort, key: str) -> tuple[str | None, str]:
    """The raw value, and why it could not be read ("" when it could)."""
    try:
        return await read_switch(cluster, key), ""
    except ClusterError as error:
        return None, str(error)


async def _facts(cluster: ClusterPort, request: Request, others: tuple[OpenOperation, ...]) -> Facts:
    if not isinstance(request, MemberAdd):
        return Facts(operations=others)
    told, answers = await asyncio.gather(cluster.dialect(fresh=True), _answers(cluster, request.node_host))
    dialect = told.dialect.value if told.dialect else None
    return Facts(operations=others, node_answers=answers, dialect=dialect, dialect_why=told.why)


async def _answers(cluster: ClusterPort, node_host: str) -> bool | None:
    """Whether a node answers like a Clustermgr there; None when that could not be tried from here."""
    if not node_host:
        return None
    scheme = "https://" if cluster.hosts[0].startswith("https://") else ""
    try:
        async with asyncio.timeout(NODE_SECONDS):
            await cluster.api.stat(f"{scheme}{node_host}")
    except (ClusterTimeout, TimeoutError):
        return None
    except ClusterError:
        return False
    return True
