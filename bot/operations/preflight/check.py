"""Preflight: checks of one request on two snapshots of the cluster and the caller's facts. No I/O.

Clustermgr itself checks almost nothing of this (docs/clustermgr.md): what passes here is done.
"""

from dataclasses import replace

from bot.clustermgr.models import Snapshot
from bot.operations.preflight.cluster import group_checks, read_only_check, stranger_check
from bot.operations.preflight.context import MEMBERSHIP, Meaning, OpenOperation, PreflightContext, SwitchReading
from bot.operations.preflight.disk_targets import with_under_way
from bot.operations.preflight.disks import disk_checks, with_disks
from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.preflight.leadership import (
    applied_check,
    catching_up_check,
    open_operations_check,
    pending_transfer_check,
    transfer_checks,
)
from bot.operations.preflight.members import add_checks, remove_checks
from bot.operations.preflight.tasks import task_checks
from bot.operations.preflight.verdict import Check, CheckLevel, PreflightResult, changed_checks, changes_a_check
from bot.operations.preflight.view import View, bad_disks, view_of
from bot.operations.requests import LeaderTransfer, MemberAdd, MemberRemove, MemberRequest, Request, TaskSwitch

__all__ = [
    "MEMBERSHIP",
    "Check",
    "CheckLevel",
    "Fingerprint",
    "Meaning",
    "OpenOperation",
    "PreflightContext",
    "PreflightResult",
    "SwitchReading",
    "changed_checks",
    "changes_a_check",
    "fingerprint",
    "preflight",
]

NOTHING_KNOWN = PreflightContext()


def preflight(
    request: Request, before: Snapshot | None, now: Snapshot, *, facts: PreflightContext = NOTHING_KNOWN
) -> PreflightResult:
    """Check one request: every check, worst first, and the fingerprint of the state.

    `before` is an earlier snapshot of the same cluster, at least 3 s before `now` (None: every voter but the leader
    counts as unproven). A cluster without one credible leader gets the checks on that only. Never raises.
    """
    facts = with_under_way(request, facts)
    view = view_of(before, now)
    checks = group_checks(now)
    if view is not None and not any(check.level is CheckLevel.BLOCK for check in checks):
        checks += _checks(request, view, facts)
    checks += (open_operations_check(request, facts),)
    worst_first = tuple(sorted(checks, key=lambda check: -check.level.rank))
    return PreflightResult(worst_first, fingerprint(request, before, now, facts=facts))


def _checks(request: Request, view: View, facts: PreflightContext) -> tuple[Check, ...]:
    own = _own_checks(request, view, facts)
    if not isinstance(request, MemberRequest):
        shared: tuple[Check | None, ...] = (pending_transfer_check(view), read_only_check(view))
    else:
        shared = (
            pending_transfer_check(view),
            catching_up_check(request, view),
            stranger_check(view, facts.replaces),
            applied_check(view),
            read_only_check(view),
        )
    return (*own, *(check for check in shared if check is not None))


def _own_checks(request: Request, view: View, facts: PreflightContext) -> tuple[Check, ...]:
    if isinstance(request, TaskSwitch):
        return task_checks(request, view, facts)
    if isinstance(request, MemberAdd):
        return add_checks(request, view, facts)
    if isinstance(request, MemberRemove):
        return remove_checks(request, view, facts)
    return transfer_checks(request, view) if isinstance(request, LeaderTransfer) else disk_checks(request, view, facts)


def fingerprint(
    request: Request, before: Snapshot | None, now: Snapshot, *, facts: PreflightContext = NOTHING_KNOWN
) -> Fingerprint:
    """State that an approval of this request is bound to."""
    view = view_of(before, now)
    state = Fingerprint(term=now.term)
    if view is not None:
        state = Fingerprint(
            leader=view.leader_id,
            term=now.term,
            voters=tuple(view.voters),
            learners=tuple(view.learners),
            healthy=tuple(sorted(view.healthy)),
            transferee=view.leader.raft_status.transferee,
        )
    if isinstance(request, TaskSwitch):
        return _with_switch(state, request, now, facts)
    if isinstance(request, MemberRequest) or facts.disks is None:
        return state
    return with_disks(state, request, facts.disks)


def _with_switch(state: Fingerprint, request: TaskSwitch, now: Snapshot, facts: PreflightContext) -> Fingerprint:
    return replace(
        state,
        task=request.task,
        value=facts.switch.raw if facts.switch else None,
        meaning=facts.switch.meaning if facts.switch else "",
        dialect=facts.dialect or "",
        bad_disks=bad_disks(now)[0],
    )
