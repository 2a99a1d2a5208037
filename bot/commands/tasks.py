"""/cm tasks, /cm task enable and /cm task disable: the switches of the background tasks."""

import asyncio
from collections.abc import AsyncIterator

from pydantic import Field

from bot.cluster.tasks import ALWAYS_ON, TASKS, DialectVerdict, Task, find_task, suggest_task
from bot.commands.spec import Args, Call, ClusterPort, Command, Reply, Role, SwitchRequest
from bot.commands.stat import NoArgs
from bot.commands.words import listed, shown
from bot.errors import UserError
from bot.views.tasks import keys_for, tasks

DIALECT_SECONDS = 4.8
"""How long an answer waits for the probes of the dialect: the deadline of five seconds, less the answer's own way."""
NOT_YET = DialectVerdict(None, "its hosts have not answered the probes yet.")


async def run_tasks(call: Call, _: NoArgs) -> AsyncIterator[Reply]:
    """Read all switches while the dialect is told; a host that answers late completes the answer."""
    cluster = call.the_cluster
    told = asyncio.create_task(_dialect(cluster))
    try:
        async for look in cluster.looks(bad_disks=False, switches=keys_for(None)):
            yield Reply(tasks(look, await told), private=False)
    finally:
        told.cancel()
        await asyncio.gather(told, return_exceptions=True)


async def _dialect(cluster: ClusterPort) -> DialectVerdict:
    try:
        async with asyncio.timeout(DIALECT_SECONDS):
            return await cluster.dialect()
    except TimeoutError:
        return NOT_YET


class SwitchArgs(Args):
    """Which task, and why."""

    words = ("task",)
    task: str = Field(min_length=1, max_length=64, description="a background task, as /cm tasks lists them")
    reason: str = Field("", max_length=300, description="why, for those who read the card")


async def run_enable(call: Call, args: SwitchArgs) -> AsyncIterator[Reply]:
    """Propose to turn a task on."""
    yield await _propose(call, args, on=True)


async def run_disable(call: Call, args: SwitchArgs) -> AsyncIterator[Reply]:
    """Propose to turn a task off."""
    yield await _propose(call, args, on=False)


async def _propose(call: Call, args: SwitchArgs, *, on: bool) -> Reply:
    request = SwitchRequest(_switchable(args.task).name, on, args.reason)
    return await call.proposer.propose_switch(call.caller, call.the_cluster, request)


def _switchable(name: str) -> Task:
    found = find_task(name)
    if found is not None:
        return found
    if name.strip().lower().replace("-", "_") == ALWAYS_ON:
        raise UserError(f"{ALWAYS_ON} cannot be switched: services keep it on, whatever is stored.")
    near = suggest_task(name)
    mean = f" Did you mean {near}?" if near else ""
    raise UserError(f"There is no background task {shown(name)}.{mean} There are {listed([t.name for t in TASKS])}.")


_NOTES = (
    "cmbot posts a card in the cluster's operations channel and sends nothing until you confirm there. It finds out "
    "which words the cluster understands (Enable and Disable, or true and false), sends those, and reads back what "
    "is true then."
)
TASKS_COMMAND = Command(
    path=("tasks",),
    summary="Each background task: on, off, unset or meaningless here, and what services make of it.",
    args=NoArgs,
    run=run_tasks,
    examples=("/cm tasks", "/cm tasks prod"),
)
ENABLE = Command(
    path=("task", "enable"),
    summary="Turn a background task on, after you confirmed it on a card.",
    args=SwitchArgs,
    run=run_enable,
    role=Role.OPERATOR,
    changes=True,
    examples=("/cm task enable balance", '/cm task enable disk_repair prod reason="disks are replaced"'),
    notes=_NOTES,
)
DISABLE = Command(
    path=("task", "disable"),
    summary="Turn a background task off, after you confirmed it on a card.",
    args=SwitchArgs,
    run=run_disable,
    role=Role.OPERATOR,
    changes=True,
    examples=("/cm task disable balance", '/cm task disable balance prod reason="rush hour"'),
    notes=_NOTES,
)
