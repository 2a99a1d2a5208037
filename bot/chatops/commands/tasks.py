"""/cm tasks, /cm task enable and /cm task disable: the switches of the background tasks."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from bot.alerting.task_activity import activities
from bot.chatops.commands.members import ChangeArgs, about, change_request_of
from bot.chatops.commands.stat import NoArgs
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.models import Snapshot
from bot.clustermgr.tasks import (
    ALWAYS_ON,
    TASKS,
    DetectedDialect,
    DialectEvidence,
    EvidenceKind,
    Task,
    find_task,
    suggest_task,
    unknown_switches,
)
from bot.common.durations import MAX_SPAN, seconds_of
from bot.common.errors import ClusterError, StoreError, UserError
from bot.common.text import listed, shown
from bot.interactions.command import Call, Command, Offer, Reply
from bot.interactions.facts import TaskStates
from bot.operations.model import Operation
from bot.operations.requests import TaskSwitch
from bot.permissions.roles import Role
from bot.views.tasks import keys_for, tasks

DIALECT_SECONDS = 4.8
"""How long an answer waits for the probes of the dialect: the deadline of five seconds, less the answer's own way."""
STORED_SECONDS = 1.0
"""How long an answer waits for the list of all stored keys."""
NOT_YET = DetectedDialect(None, DialectEvidence(EvidenceKind.NOT_YET))


async def run_tasks(call: Call, _: NoArgs) -> AsyncIterator[Reply]:
    """Read all switches while the dialect is detected; a late host completes the answer."""
    cluster = call.the_cluster
    detected, leased = asyncio.create_task(_dialect(cluster)), asyncio.create_task(_leased(call))
    try:
        async for answer in cluster.snapshots(bad_disks=False, switches=keys_for(None)):
            verdict = await detected
            yield _reply(call, answer, verdict, await _unknown(cluster, answer, verdict), await leased)
    finally:
        for reading in (detected, leased):
            reading.cancel()
        await asyncio.gather(detected, leased, return_exceptions=True)


async def _unknown(cluster: Cluster, answer: Snapshot, detected: DetectedDialect) -> tuple[tuple[str, str], ...] | None:
    """The stored switches that cmbot does not know; None if they cannot be read in time."""
    if answer.leader is None or detected.dialect is None:
        return None
    try:
        async with asyncio.timeout(STORED_SECONDS):
            return unknown_switches(await cluster.api.stored_values(answer.leader[0], detected.dialect))
    except (ClusterError, TimeoutError):
        return None


async def _leased(call: Call) -> Sequence[Operation]:
    """Return the open operations with a time limit; none while the database is down: reading goes on without it."""
    try:
        return [op for op in await call.operations.listed(call.the_cluster.name, open_only=True) if op.lease_until]
    except StoreError:
        return []


def _reply(
    call: Call,
    answer: Snapshot,
    detected: DetectedDialect,
    unknown: tuple[tuple[str, str], ...] | None,
    leased: Sequence[Operation],
) -> Reply:
    state = call.remembered(answer.cluster).state
    others = next((service.others for service in call.the_cluster.services if service.others), ())
    if detected.dialect is None:
        view = tasks(answer, detected, background=state.background, unknown=unknown, others=others, leased=leased)
        return Reply(view, private=False, facts=TaskStates(answer, detected, {}))
    # The dialect that was detected now counts also where the watch knows none yet.
    now = replace(state, dialect=detected.dialect.value)
    found = activities(answer.switches or {}, detected.dialect, now, call.now)
    view = tasks(answer, detected, found, state.background, unknown=unknown, others=others, leased=leased)
    return Reply(view, private=False, facts=TaskStates(answer, detected, found))


async def _dialect(cluster: Cluster) -> DetectedDialect:
    try:
        async with asyncio.timeout(DIALECT_SECONDS):
            return await cluster.dialect()
    except TimeoutError:
        return NOT_YET


class SwitchArgs(ChangeArgs):
    """The task, the reason and the time."""

    words = ("task",)
    task: Annotated[str, Offer.TASK] = Field(
        min_length=1, max_length=64, description="a background task, as /cm tasks lists them"
    )
    dialect: Literal["v1", "v3"] | None = Field(None, description="how the cluster spells it, if that is not detected")


# `for` is a word of the language, so that this field cannot be written as the others are.
_FOR: Any = {
    "for": (
        str,
        Field("", max_length=MAX_SPAN, description="for a time only, as in for=2h; then cmbot puts the old value back"),
    )
}
LeasedArgs = create_model("LeasedArgs", __base__=SwitchArgs, **_FOR)


async def run_enable(call: Call, args: SwitchArgs) -> AsyncIterator[Reply]:
    """Propose to turn a task on."""
    yield await _propose(call, args, on=True)


async def run_disable(call: Call, args: SwitchArgs) -> AsyncIterator[Reply]:
    """Propose to turn a task off."""
    yield await _propose(call, args, on=False)


async def _propose(call: Call, args: SwitchArgs, *, on: bool) -> Reply:
    with about("task"):
        request = TaskSwitch(_switchable(args.task).name, on)
    with about("for"):
        change_request = change_request_of(
            args, request, lease=_seconds(getattr(args, "for")), dialect=args.dialect or ""
        )
    return await call.proposer.propose(call.caller, call.the_cluster, change_request)


def _seconds(span: str) -> float:
    """Return a span such as 30m or 2h in seconds, 0 for none; raises UserError."""
    if not span:
        return 0.0
    try:
        seconds = seconds_of(span)
    except ValueError as error:
        raise UserError(f"for= takes {error}, and {shown(span)} is none.") from error
    if not seconds:
        raise UserError(
            f"for= takes a time between 1m and 30d, and {shown(span)} is none: leave it out to change it for good."
        )
    return seconds


def _switchable(name: str) -> Task:
    found = find_task(name)
    if found is not None:
        return found
    if name.strip().lower().replace("-", "_") == ALWAYS_ON:
        raise UserError(f"{ALWAYS_ON} cannot be switched: services keep it on in any case.")
    near = suggest_task(name)
    mean = f" Did you mean {near}?" if near else ""
    raise UserError(f"There is no background task {shown(name)}.{mean} There are {listed([t.name for t in TASKS])}.")


_NOTES = (
    "cmbot posts a card in the cluster's operations channel and sends nothing until that is approved. It finds out "
    "which words the cluster understands (Enable and Disable, or true and false), sends those, and reads back what "
    "is true then."
)
TASKS_COMMAND = Command(
    path=("tasks",),
    summary="Each background task: on, off, unset or meaningless here, and what services make of it.",
    args=NoArgs,
    run=run_tasks,
    examples=("/cm tasks", "/cm tasks prod"),
    notes="The switches are read now. What happens is known from the last polls: registered schedulers, their "
    "statistics (where the settings name or allow them), and the units left on disks.",
)
ENABLE = Command(
    path=("task", "enable"),
    summary="Turn a background task on, once that is approved on a card.",
    args=LeasedArgs,
    run=run_enable,
    role=Role.OPERATOR,
    changes=True,
    examples=("/cm task enable balance", '/cm task enable disk_repair prod reason="disks are replaced"'),
    notes=_NOTES,
)
DISABLE = Command(
    path=("task", "disable"),
    summary="Turn a background task off, once that is approved on a card.",
    args=LeasedArgs,
    run=run_disable,
    role=Role.OPERATOR,
    changes=True,
    examples=(
        "/cm task disable balance",
        "/cm task disable balance for=2h",
        '/cm task disable balance prod reason="rush hour"',
    ),
    notes=_NOTES,
)
