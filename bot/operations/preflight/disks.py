"""Checks of disks that are changed: their state, and then all that the change leads to. No I/O.

What the server accepts, and what it does, is recorded (docs/clustermgr.md): `/disk/drop` takes normal disks only,
`/disk/access` and `/disk/set` take some that make no sense.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from bot.clustermgr.disk_facts import DiskFacts
from bot.clustermgr.models import DiskStatus
from bot.clustermgr.tasks import Dialect
from bot.operations.preflight.context import PreflightContext
from bot.operations.preflight.disk_margins import inferred_silent, least_left, margin_checks
from bot.operations.preflight.disk_room import limit_check, room_checks
from bot.operations.preflight.disk_targets import targets_of
from bot.operations.preflight.disk_work import beside_check, work_checks
from bot.operations.preflight.facts import disks as f
from bot.operations.preflight.facts.disks import DiskChange, DiskSituation
from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.preflight.tasks import quorum_check, unread_check
from bot.operations.preflight.verdict import Check, CheckLevel, block, passed, warn
from bot.operations.preflight.view import View
from bot.operations.requests import DiskAccess, DiskBroken, DiskRequest, NodeDrop, NodeOffline

_N, _B, _R, _D, _X = (
    DiskStatus.NORMAL,
    DiskStatus.BROKEN,
    DiskStatus.REPAIRING,
    DiskStatus.REPAIRED,
    DiskStatus.DROPPED,
)
ALREADY: Mapping[DiskChange, frozenset[int]] = MappingProxyType(
    {DiskChange.BROKEN: frozenset({_B, _R}), DiskChange.OFFLINE: frozenset({_D, _X})}
)
"""States in which a disk is as requested; whether it is read-only or being dropped is looked at besides."""
MAX_HOSTS = 500
"""Limit of blobnodes that one check names."""
MOVES = frozenset({DiskChange.OFFLINE, DiskChange.BROKEN})
"""Changes after which units move or are rebuilt."""


def change_of(request: DiskRequest) -> DiskChange:
    """Kind of change of each disk of a request."""
    match request:
        case DiskAccess(readonly=readonly):
            return DiskChange.READONLY if readonly else DiskChange.WRITABLE
        case DiskBroken():
            return DiskChange.BROKEN
        case NodeDrop():
            return DiskChange.NODE_DROP
        case _:
            return DiskChange.OFFLINE


def disk_checks(request: DiskRequest, view: View, facts: PreflightContext) -> tuple[Check, ...]:
    """Check a change of disks: their state first; where that refuses, or nothing is to do, nothing else."""
    known = facts.disks
    if known is None or known.disks is None:
        # Without a quorum nothing can be read; the check on that is the reason.
        return (unread_check(view) or block("disks", f.DiskListUnread(known.errors if known is not None else ())),)
    change, states = change_of(request), _state_checks(request, known)
    quorum = quorum_check(view)
    if any(check.level is CheckLevel.BLOCK or check.key == "already_so" for check in states):
        return (*states, quorum)
    targets, silent = active_targets(request, known), inferred_silent(known)
    checks = [*states, quorum, *beside_check(change, facts)]
    if change is not DiskChange.NODE_DROP:
        checks += margin_checks(change, targets, known, silent)
    if change in MOVES:
        checks += [
            *room_checks(change, targets, known, silent),
            limit_check(change, targets, known),
            *work_checks(change, known),
        ]
    level = CheckLevel.WARN if change in MOVES else CheckLevel.PASS
    return (*checks, Check("consequence", level, f.DiskConsequence(change)))


def active_targets(request: DiskRequest, known: DiskFacts) -> tuple[int, ...]:
    """Disks of a request that it changes: of several, those that are normal and not being dropped yet."""
    targets = targets_of(request, known.disks)
    if change_of(request) is not DiskChange.OFFLINE:
        return targets
    return tuple(
        each.disk for each in situations(targets, known) if each.status == DiskStatus.NORMAL and not each.dropping
    )


def situations(targets: Sequence[int], known: DiskFacts) -> tuple[DiskSituation, ...]:
    """States of these disks, as far as the cluster knows them."""
    dropping = known.dropping
    wanted = set(targets)
    return tuple(
        DiskSituation(disk.disk_id, disk.status, disk.readonly, None if dropping is None else disk.disk_id in dropping)
        for disk in sorted(known.disks or (), key=lambda disk: disk.disk_id)
        if disk.disk_id in wanted
    )


def with_disks(state: Fingerprint, request: DiskRequest, known: DiskFacts) -> Fingerprint:
    """Add the disks of a change to a fingerprint."""
    found = situations(targets_of(request, known.disks), known)
    return replace(
        state,
        disk_ids=tuple(each.disk for each in found),
        disk_states=tuple(each.status for each in found),
        readonly=tuple(each.disk for each in found if each.readonly),
        dropping=tuple(each.disk for each in found if each.dropping),
        least_left=least_left([each.disk for each in found], known),
    )


def _state_checks(request: DiskRequest, known: DiskFacts) -> tuple[Check, ...]:
    if isinstance(request, NodeDrop):
        return _node_drop(request, known)
    targets, change = targets_of(request, known.disks), change_of(request)
    if isinstance(request, NodeOffline) and not targets:
        hosts = sorted({disk.host for disk in known.disks or () if disk.status not in {_D, _X}})
        return (block("disk", f.HostWithoutDisks(host=request.host, hosts=tuple(hosts[:MAX_HOSTS]))),)
    found = situations(targets, known)
    missing = tuple(sorted(set(targets) - {each.disk for each in found}))
    if missing:
        return (block("disk", f.DisksMissing(missing)),)
    unread = _dropping_unread(change, known)
    checks = (_states(request, change, found, known), *((unread,) if unread is not None else ()))
    left_out = tuple(each for each in found if not _offline_takes(each))
    if isinstance(request, NodeOffline) and left_out and checks[0].level is CheckLevel.PASS:
        checks += (warn("skipped", f.DisksSkipped(left_out), bound=_bound(change, left_out)),)
    return checks


def _offline_takes(each: DiskSituation) -> bool:
    return each.status == DiskStatus.NORMAL and not each.dropping


def _dropping_unread(change: DiskChange, known: DiskFacts) -> Check | None:
    if known.dropping is not None or change is DiskChange.READONLY:
        return None
    return block("dropping", f.DroppingUnread(), forceable=True)


def _states(request: DiskRequest, change: DiskChange, found: tuple[DiskSituation, ...], known: DiskFacts) -> Check:
    bound = _bound(change, found)
    open_ = [each for each in found if not _is_already(change, each)]
    if not open_:
        return passed("already_so", f.DisksAlready(change, found), bound=bound)
    v1 = known.dialect is Dialect.V1
    dropped = next((each for each in open_ if each.dropping), None)
    if dropped is not None and change is DiskChange.WRITABLE:
        return block("disk", f.DropNotCancelled(dropped.disk, v1), bound=bound)
    if dropped is not None and change is DiskChange.BROKEN:
        fact = f.BrokenWhileDropping(dropped.disk, v1)
        return warn("disk", fact, bound=bound) if v1 else block("disk", fact, bound=bound)
    wrong = tuple(each for each in open_ if each.status != DiskStatus.NORMAL)
    if wrong and not (isinstance(request, NodeOffline) and len(wrong) < len(open_)):
        return block("disk", f.StateRefuses(change, wrong), bound=bound)
    fits = tuple(each for each in open_ if each not in wrong)
    return passed("disk", f.StateFits(change, fits), bound=bound)


def _is_already(change: DiskChange, each: DiskSituation) -> bool:
    normal = each.status == DiskStatus.NORMAL
    match change:
        case DiskChange.READONLY:
            return normal and each.readonly
        case DiskChange.WRITABLE:
            return normal and not each.readonly and not each.dropping
        case DiskChange.OFFLINE:
            return bool(normal and each.dropping) or each.status in ALREADY[change]
        case _:
            return each.status in ALREADY.get(change, frozenset())


def _bound(change: DiskChange, found: Sequence[DiskSituation]) -> str:
    """States that an approval is bound to; taking a disk offline makes it read-only itself, so that is left out."""
    with_readonly = change is not DiskChange.OFFLINE
    return str([(each.disk, each.status, bool(each.dropping), with_readonly and each.readonly) for each in found])


def _node_drop(request: NodeDrop, known: DiskFacts) -> tuple[Check, ...]:
    """A node may be dropped once no disk of it is in use: then every release that knows the call accepts it."""
    if known.dialect is Dialect.V1:
        return (block("disk", f.NodeDropMissing()),)
    own = tuple(disk.disk_id for disk in known.disks or () if disk.node_id == request.node_id)
    if not own:
        return (block("disk", f.HostWithoutDisks(node=request.node_id)),)
    found = situations(own, known)
    used = tuple(each for each in found if each.status not in {_D, _X})
    bound = _bound(DiskChange.NODE_DROP, found)
    if used:
        return (block("disk", f.StateRefuses(DiskChange.NODE_DROP, used), bound=bound),)
    return (passed("disk", f.StateFits(DiskChange.NODE_DROP, found), bound=bound),)
