"""Gathers what the preflight needs (two looks at all hosts, the switch, the new node) and judges a request by it."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from bot.clustermgr.models import Snapshot
from bot.clustermgr.tasks import DetectedDialect, Dialect, key_of, meaning_of, word_for
from bot.common.addresses import same_place
from bot.common.errors import AuthRejected, ClusterError, ClusterTimeout, UserError
from bot.interactions.command import ClusterPort
from bot.operations.change_request import NO_OPTIONS, RequestOptions
from bot.operations.model import LOCKING, ObservedState, ObservedSwitch, Operation
from bot.operations.preflight.check import PreflightResult, preflight
from bot.operations.preflight.context import OpenOperation, PreflightContext, SwitchReading
from bot.operations.requests import MemberAdd, Request, TaskSwitch
from bot.workflow.actions import read_switch

SWITCH_SECONDS = 4.4
"""How long a switch may take, the probes of its dialect included: less than the deadline of an answer."""
NOT_READ = "not read"
"""Meaning of a switch that could not be read."""
NODE_SECONDS = 2.0
"""How long a node that is to be added may take to answer."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The verdict on a request, and what an operation keeps as `seen` of the state it was passed on.

    `at` is when it was reached, on the monotonic clock. `forces` tells whether break-glass lets anything through.
    """

    verdict: PreflightResult
    seen: ObservedState
    at: float = field(default_factory=time.monotonic)
    forces: bool = False


async def evaluate(
    cluster: ClusterPort,
    request: Request,
    operations: Iterable[Operation],
    options: RequestOptions = NO_OPTIONS,
) -> Evaluation:
    """Look at the cluster and run the preflight; `operations` are the other open ones on that cluster.

    Raises UserError when the cluster has no such background task. Never raises ClusterError: what is not known is a
    check that says so.
    """
    others = tuple(OpenOperation(op.id, op.kind, op.state, op.task) for op in operations if op.state in LOCKING)
    if isinstance(request, TaskSwitch):
        return await _evaluate_switch(cluster, request, others, options)
    (before, now), facts = await asyncio.gather(cluster.snapshot_pair(), _facts(cluster, request, others))
    facts = replace(facts, replaces=options.replaces)
    verdict = preflight(request, before, now, facts=facts)
    return _evaluation(verdict, ObservedState(_leader(now), facts.dialect or ""), forced=options.forced)


def _evaluation(verdict: PreflightResult, seen: ObservedState, *, forced: bool) -> Evaluation:
    lifted = verdict.forced() if forced else verdict
    return Evaluation(lifted, replace(seen, verdict=lifted), forces=lifted != verdict)


def _leader(now: Snapshot) -> str:
    return now.leader[0] if now.leader else ""


@dataclass(frozen=True, slots=True)
class _Read:
    """A switch as it stands: without a `key` where the dialect is not told, with `trouble` where it cannot be read."""

    told: DetectedDialect
    key: str = ""
    value: str | None = None
    trouble: str = ""


async def _evaluate_switch(
    cluster: ClusterPort, request: TaskSwitch, others: tuple[OpenOperation, ...], options: RequestOptions
) -> Evaluation:
    (before, now), read = await asyncio.gather(
        cluster.snapshot_pair(patient=False, bad_disks=True), _read(cluster, request.task, options.dialect)
    )
    if read.told.dialect is None or read.trouble:
        # What explains it may have come after the look: a card with that and an older look would contradict itself.
        before, now = await cluster.snapshot_pair(patient=False, bad_disks=True)
    told = read.told
    if told.dialect is None:
        facts = PreflightContext(operations=others, dialect_why=told.why)
        verdict = preflight(request, before, now, facts=facts)
        return _evaluation(verdict, ObservedState(_leader(now)), forced=options.forced)
    word = meaning_of(read.value, told.dialect).word if not read.trouble else ""
    facts = PreflightContext(
        operations=others,
        dialect=told.dialect.value,
        dialect_why=told.why,
        switch=None if read.trouble else SwitchReading(read.value, word),  # type: ignore[arg-type]  # the four words are Meaning's
        switch_why=read.trouble,
    )
    dialect = told.dialect.value
    will_send = word_for(told.dialect, on=request.on)
    switch = ObservedSwitch(read.key, read.value, word or NOT_READ, will_send, dialect, told.why)
    verdict = preflight(request, before, now, facts=facts)
    return _evaluation(verdict, ObservedState(_leader(now), dialect, switch), forced=options.forced)


async def _read(cluster: ClusterPort, task: str, chosen: str) -> _Read:
    """The dialect and then the value, in SWITCH_SECONDS together: somebody waits for the answer."""
    until = time.monotonic() + SWITCH_SECONDS
    told = await _dialect(cluster, chosen)
    if told.dialect is None:
        return _Read(told)
    key = key_of(task, told.dialect)
    if key is None:
        raise UserError(f"{cluster.name} ({told.dialect}) has no background task {task}. See /cm tasks.")
    try:
        return _Read(told, key, await read_switch(cluster, key, seconds=max(0.0, until - time.monotonic())))
    except ClusterError as error:
        return _Read(told, key, trouble=str(error))


async def _dialect(cluster: ClusterPort, chosen: str) -> DetectedDialect:
    """The dialect as told; `chosen` by a person counts only where the cluster does not tell."""
    told = await cluster.dialect(fresh=True)
    if not chosen or told.dialect == chosen:
        return told
    if told.dialect is not None:
        raise UserError(
            f"{cluster.name} speaks {told.dialect} ({told.why.rstrip('.')}), not {chosen}: leave dialect= out."
        )
    return DetectedDialect(Dialect(chosen), f"chosen with dialect={chosen}, because {told.why}")


async def _facts(cluster: ClusterPort, request: Request, others: tuple[OpenOperation, ...]) -> PreflightContext:
    if not isinstance(request, MemberAdd):
        return PreflightContext(operations=others)
    told, (answers, why) = await asyncio.gather(cluster.dialect(fresh=True), _answers(cluster, request.node_host))
    dialect = told.dialect.value if told.dialect else None
    return PreflightContext(
        operations=others, node_answers=answers, node_why=why, dialect=dialect, dialect_why=told.why
    )


_NO_TOKEN = "it asks for the request token, which goes to the hosts of the settings only"  # noqa: S105 - a sentence


async def _answers(cluster: ClusterPort, node_host: str) -> tuple[bool | None, str]:
    """Whether a node answers like a Clustermgr there; None, with the reason where it is known, when that is open.

    The address is whatever a person typed: unless it is one of the settings, it is asked without the request token.
    """
    if not node_host:
        return None, ""
    scheme = "https://" if cluster.hosts[0].startswith("https://") else ""
    known = next((host for host in cluster.hosts if same_place(host, node_host)), f"{scheme}{node_host}")
    try:
        async with asyncio.timeout(NODE_SECONDS):
            await cluster.api.stat(known)
    except (ClusterTimeout, TimeoutError):
        return None, "it gave no answer in time"
    except AuthRejected:
        return None, _NO_TOKEN if known not in cluster.hosts else "it refuses the request token"
    except ClusterError:
        return False, ""
    return True, ""
