"""Evaluation: two snapshots of all hosts, the switch and the new node, and the preflight on them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import field, replace
from functools import partial

from bot.clustermgr.cluster import Cluster
from bot.clustermgr.disk_facts import DiskFacts
from bot.clustermgr.models import Snapshot
from bot.clustermgr.tasks import DetectedDialect, Dialect, key_of, meaning_of, word_for
from bot.common.addresses import same_place
from bot.common.errors import AuthRejected, ClusterError, ClusterTimeout, Refused, UserError
from bot.common.frozen import frozen
from bot.operations.change_request import NO_OPTIONS, RequestOptions
from bot.operations.disk_series import as_approved
from bot.operations.model import LOCKING, MAX_SEEN_DISKS, ObservedDisk, ObservedState, ObservedSwitch, Operation
from bot.operations.operation_problems import NoSuchTask, OtherDialect
from bot.operations.preflight.check import PreflightResult, preflight
from bot.operations.preflight.context import OpenOperation, PreflightContext, SwitchReading, open_operation
from bot.operations.preflight.disk_targets import targets_of
from bot.operations.preflight.facts.members import NodeDoubt
from bot.operations.requests import (
    DiskRequest,
    DisksOffline,
    MemberAdd,
    MemberRequest,
    NodeOffline,
    Request,
    TaskSwitch,
)
from bot.views.errors import error_text
from bot.workflow.actions import no_leader, read_switch

FRESH_SECONDS = 3.0
"""Maximum age of an evaluation when its request is sent; a write may have waited for a database lock meanwhile."""
SWITCH_SECONDS = 4.4
"""Time limit for reading a switch, including the leader and its dialect; less than the deadline of an answer."""
VALUE_SECONDS = 1.0
"""Time that the leader has for the value at least: a silent host can delay the poll that finds the leader."""
DISK_SECONDS = 5.0
"""Time limit for reading the disks and the volumes of a change of disks."""
NOT_READ = "not read"
"""Meaning of a switch that could not be read."""
NODE_SECONDS = 2.0
"""Time limit for the answer of a node that is to be added."""


@frozen
class Evaluation:
    """Result of the preflight, and the state that it was made on.

    `at` is its time on the monotonic clock. `forces` is True if break-glass overrides a check.
    """

    verdict: PreflightResult
    seen: ObservedState
    at: float = field(default_factory=time.monotonic)
    forces: bool = False


async def evaluate(
    cluster: Cluster,
    request: Request,
    operations: Iterable[Operation],
    options: RequestOptions = NO_OPTIONS,
    *,
    patient: bool = False,
    decided: bool = False,
) -> Evaluation:
    """Read the cluster and run the preflight; `operations` are the other open ones on that cluster.

    With `patient`, a change of disks waits for a second poll where the watch has none yet; no person waits then.
    `decided` is True if a person decides on the request: before that, no address that an agent names is contacted.
    Raises Refused when today's rules refuse the request, or when the cluster has no such background task. Never
    raises ClusterError: what is not known is a check that says so.
    """
    request = replace(request)  # validates again: an earlier release may have accepted and stored it
    others = tuple(open_operation(op) for op in operations if op.state in LOCKING)
    if isinstance(request, TaskSwitch):
        return await _evaluate_switch(cluster, request, others, options)
    if not isinstance(request, MemberRequest):
        return await _evaluate_disks(cluster, request, others, options, patient=patient)
    ask = decided or not options.agent
    (before, now), facts = await asyncio.gather(cluster.snapshot_pair(), _facts(cluster, request, others, ask=ask))
    facts = replace(facts, replaces=options.replaces)
    verdict = preflight(request, before, now, facts=facts)
    return _evaluation(verdict, ObservedState(_leader(now), facts.dialect or ""), forced=options.forced)


def _evaluation(verdict: PreflightResult, seen: ObservedState, *, forced: bool) -> Evaluation:
    lifted = verdict.forced() if forced else verdict
    return Evaluation(lifted, replace(seen, verdict=lifted), forces=lifted != verdict)


def lifted_as_shown(op: Operation, found: Evaluation) -> Evaluation:
    """Let break-glass override what the card of `op` shows as overridden, and nothing else.

    `found` must be made without break-glass: people approved the checks that they saw.
    """
    verdict = as_approved(op, found.verdict)
    return replace(found, verdict=verdict, seen=replace(found.seen, verdict=verdict), forces=verdict != found.verdict)


def _leader(now: Snapshot) -> str:
    return now.leader[0] if now.leader else ""


async def _evaluate_disks(
    cluster: Cluster,
    request: DiskRequest,
    others: tuple[OpenOperation, ...],
    options: RequestOptions,
    *,
    patient: bool,
) -> Evaluation:
    """Read the snapshots first: without a leader, reads of disks would hang."""
    before, now = await cluster.snapshot_pair(patient=patient)
    in_turns = isinstance(request, DisksOffline | NodeOffline)
    disks = await cluster.disk_facts(now, partial(targets_of, request), DISK_SECONDS, in_turns=in_turns)
    facts = PreflightContext(operations=others, disks=disks)
    verdict = preflight(request, before, now, facts=facts)
    dialect = disks.dialect.value if disks.dialect else ""
    return _evaluation(verdict, ObservedState(_leader(now), dialect, disks=_observed(disks)), forced=options.forced)


def _observed(known: DiskFacts) -> tuple[ObservedDisk, ...]:
    """Place and content of the disks that are changed."""
    return tuple(
        ObservedDisk(
            disk.disk_id,
            disk.host,
            disk.path,
            disk.idc,
            None if units is None else len(units),
            None if units is None else len({vuid >> 32 for vuid in units}),
        )
        for target in known.targets[:MAX_SEEN_DISKS]
        if (disk := next((each for each in known.disks or () if each.disk_id == target), None)) is not None
        for units in (known.units.get(target),)
    )


@frozen
class _Read:
    """Switch as read: without `key` while the dialect is unknown, with `error` when the value cannot be read."""

    key: str = ""
    value: str | None = None
    error: str = ""


async def _evaluate_switch(
    cluster: Cluster, request: TaskSwitch, others: tuple[OpenOperation, ...], options: RequestOptions
) -> Evaluation:
    until = time.monotonic() + SWITCH_SECONDS
    (before, now), detected = await asyncio.gather(
        cluster.snapshot_pair(patient=False, bad_disks=True), _dialect(cluster, options.dialect)
    )
    read = await _read(cluster, request.task, detected, _leader(now), until)
    if now.leader is not None and (detected.dialect is None or read.error):
        # The cause may be newer than the snapshot; a card with both would contradict itself.
        before, now = await cluster.snapshot_pair(patient=False, bad_disks=True)
    if detected.dialect is None:
        facts = PreflightContext(operations=others, dialect_evidence=detected.evidence)
        verdict = preflight(request, before, now, facts=facts)
        return _evaluation(verdict, ObservedState(_leader(now)), forced=options.forced)
    word = meaning_of(read.value, detected.dialect).word if not read.error else ""
    facts = PreflightContext(
        operations=others,
        dialect=detected.dialect.value,
        dialect_evidence=detected.evidence,
        switch=None if read.error else SwitchReading(read.value, word),  # type: ignore[arg-type]  # the four words are Meaning's
        switch_why=read.error,
    )
    dialect = detected.dialect.value
    will_send = word_for(detected.dialect, on=request.on)
    switch = ObservedSwitch(read.key, read.value, word or NOT_READ, will_send, dialect, detected.evidence)
    verdict = preflight(request, before, now, facts=facts)
    return _evaluation(verdict, ObservedState(_leader(now), dialect, switch), forced=options.forced)


async def _read(cluster: Cluster, task: str, detected: DetectedDialect, leader: str, until: float) -> _Read:
    """Read the value from the leader by `until`, because a person waits for the answer.

    Another host may be of another group by now, or show an older value; without a leader such a read would hang.
    """
    if detected.dialect is None:
        return _Read()
    key = key_of(task, detected.dialect)
    if key is None:
        raise Refused(NoSuchTask(cluster.name, detected.dialect, task))
    if not leader:
        return _Read(key, error=no_leader(cluster).sentence)
    try:
        seconds = max(VALUE_SECONDS, until - time.monotonic())
        return _Read(key, await read_switch(cluster, key, seconds=seconds, at=leader))
    except ClusterError as error:
        return _Read(key, error=str(error))


async def _dialect(cluster: Cluster, chosen: str) -> DetectedDialect:
    """Detect the dialect; the one `chosen` by a person counts only when detection fails."""
    detected = await cluster.dialect(fresh=True)
    if not chosen or detected.dialect == chosen:
        return detected
    if detected.dialect is not None:
        raise Refused(OtherDialect(cluster.name, detected.dialect, detected.evidence, chosen))
    wanted = Dialect(chosen)
    return DetectedDialect(wanted, replace(detected.evidence, chosen=wanted))


async def _facts(
    cluster: Cluster, request: Request, others: tuple[OpenOperation, ...], *, ask: bool
) -> PreflightContext:
    if not isinstance(request, MemberAdd):
        return PreflightContext(operations=others)
    answer = _answers(cluster, request.node_host, ask=ask)
    detected, (answers, doubt) = await asyncio.gather(cluster.dialect(fresh=True), answer)
    dialect = detected.dialect.value if detected.dialect else None
    return PreflightContext(
        operations=others, node_answers=answers, node_doubt=doubt, dialect=dialect, dialect_evidence=detected.evidence
    )


async def _answers(cluster: Cluster, node_host: str, *, ask: bool) -> tuple[bool | None, NodeDoubt | None]:
    """True if a Clustermgr answers at that address; None, with the reason if it is known, when that is open.

    Unless it is in the settings, it is what someone typed: it is asked without the request token, and without `ask`
    its name is not even resolved.
    """
    if not node_host:
        return None, None
    scheme = "https://" if cluster.hosts[0].startswith("https://") else ""
    known = next((host for host in cluster.hosts if same_place(host, node_host)), f"{scheme}{node_host}")
    if known not in cluster.hosts and not ask:
        return None, NodeDoubt.NOT_ASKED
    try:
        async with asyncio.timeout(NODE_SECONDS):
            await cluster.api.stat(known)
    except (ClusterTimeout, TimeoutError):
        return None, NodeDoubt.SLOW
    except AuthRejected:
        return None, NodeDoubt.TOKEN_REFUSED if known in cluster.hosts else NodeDoubt.TOKEN_WITHHELD
    except ClusterError:
        return False, None
    return True, None


@frozen
class Reevaluation:
    """An evaluation, and how to repeat it right before a request is sent.

    `again` may raise UserError. `end` gets the running operation and the new evaluation, or that error's sentence; it
    returns the ended operation, or None when the request may be sent. `monotonic` is the clock of `Evaluation.at`.
    """

    evaluation: Evaluation
    again: Callable[[], Awaitable[Evaluation]]
    end: Callable[[Operation, Evaluation | str], Awaitable[Operation | None]]
    monotonic: Callable[[], float] = time.monotonic

    @property
    def stale(self) -> bool:
        """True if the evaluation is too old to send a request on it."""
        return self.monotonic() - self.evaluation.at > FRESH_SECONDS

    async def confirm(self, running: Operation) -> tuple[Operation, bool]:
        """Return the operation and True if its request may be sent; the ended operation and False if it may not.

        A change of disks is always evaluated again, since operations on other disks do not exclude it: of two that
        start together, the later one sees the earlier one running.
        The state of a new evaluation is stored with the next step: a write in between could wait for a lock and make
        this evaluation stale too. Raises StoreError, Conflict, Fenced from `end`.
        """
        if not self.stale and not isinstance(running.request, DiskRequest):
            return running, True
        found = await self._repeat()
        ended = await self.end(running, found)
        if ended is not None or isinstance(found, str):
            return ended or running, False
        return replace(running, seen=found.seen), True

    async def _repeat(self) -> Evaluation | str:
        try:
            return await self.again()
        except UserError as error:
            return error_text(error)
