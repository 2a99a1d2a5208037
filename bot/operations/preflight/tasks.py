"""Checks of background tasks: the dialect, the stored value, and the consequence of on or off."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.clustermgr.health import VoterFaultKind, peer_fault, quorum
from bot.operations.preflight.context import PreflightContext
from bot.operations.preflight.facts import quorum as votes
from bot.operations.preflight.facts import tasks as f
from bot.operations.preflight.facts.tasks import TaskEffect
from bot.operations.preflight.verdict import Check, CheckLevel, block, passed, warn
from bot.operations.preflight.view import View, bad_disks
from bot.operations.requests import TaskSwitch

_NO_WORK_ON_BAD_DISKS = frozenset({"balance", "disk_drop"})
_ALIASES = {"vol_inspect": "volume_inspect"}

CONSEQUENCES: Mapping[tuple[str, bool], tuple[TaskEffect, CheckLevel]] = MappingProxyType(
    {
        ("disk_repair", False): (TaskEffect.DISKS_NOT_REPAIRED, CheckLevel.PASS),
        ("blob_delete", True): (TaskEffect.BLOBS_ERASED, CheckLevel.WARN),
        ("blob_delete", False): (TaskEffect.BLOBS_KEPT, CheckLevel.WARN),
        ("shard_node_blob_delete", True): (TaskEffect.SHARD_BLOBS_ERASED, CheckLevel.WARN),
        ("shard_node_blob_delete", False): (TaskEffect.SHARD_BLOBS_KEPT, CheckLevel.WARN),
        ("shard_repair", False): (TaskEffect.SHARDS_NOT_REPAIRED, CheckLevel.WARN),
        ("shard_disk_repair", False): (TaskEffect.SHARD_DISKS_NOT_REPAIRED, CheckLevel.WARN),
        ("volume_inspect", False): (TaskEffect.VOLUMES_NOT_INSPECTED, CheckLevel.WARN),
        ("volume_inspect", True): (TaskEffect.VOLUMES_INSPECTED, CheckLevel.PASS),
        ("data_inspect", False): (TaskEffect.DATA_NOT_INSPECTED, CheckLevel.WARN),
        ("data_inspect", True): (TaskEffect.DATA_INSPECTED, CheckLevel.PASS),
        ("balance", False): (TaskEffect.DISKS_NOT_BALANCED, CheckLevel.PASS),
        ("balance", True): (TaskEffect.DISKS_BALANCED, CheckLevel.PASS),
        ("disk_drop", False): (TaskEffect.DISKS_NOT_DROPPED, CheckLevel.PASS),
        ("disk_drop", True): (TaskEffect.DISKS_DROPPED, CheckLevel.PASS),
    }
)
"""Consequence of each task's new value for the data, and its level; a task not named here has none."""


def task_checks(request: TaskSwitch, view: View, facts: PreflightContext) -> tuple[Check, ...]:
    """Check a switch; one click undoes it, so it gets warnings, no blocks.

    Without a quorum nothing can be read; then the check on that replaces the unknown values.
    """
    unread = facts.dialect is None or facts.switch is None
    lost = unread_check(view) if unread else None
    if lost is not None and facts.dialect is None:
        return (lost,)
    read = (_reachable(view), _stored(request, facts)) if lost is None else (lost,)
    stored = (_spelling(request, facts), *read)
    if _is_so(request, facts):
        return stored
    return (*stored, *(check for check in (_disks(request, view), _consequence(request)) if check is not None))


def _spelling(request: TaskSwitch, facts: PreflightContext) -> Check:
    if facts.dialect is None:
        return block("dialect", f.DialectUnknown(request.task, facts.dialect_evidence))
    return passed("dialect", f.DialectKnown(facts.dialect, facts.dialect_evidence), bound=facts.dialect)


def _is_so(request: TaskSwitch, facts: PreflightContext) -> bool:
    return facts.switch is not None and facts.switch.meaning == ("on" if request.on else "off")


def _stored(request: TaskSwitch, facts: PreflightContext) -> Check:
    switch = facts.switch
    if switch is None:
        return warn("value", f.ValueUnread(request.task, facts.switch_why))
    bound = repr(switch.raw)
    if _is_so(request, facts):
        return passed("already_so", f.AlreadySo(request.task, switch.meaning), bound=bound)
    if switch.meaning == "meaningless":
        fact = f.ValueMeaningless(request.task, switch.raw, off=facts.dialect == "v3")
        return passed("value", fact, bound=bound)
    return passed("value", f.ValueIs(request.task, switch.meaning), bound=bound)


def _reachable(view: View) -> Check:
    """Check that a quorum is there; a switch does no harm to a quorum, but may get no answer."""
    here, away = len(view.voters), tuple(peer for peer in sorted(view.voters) if _away(peer, view))
    there = here - len(away)
    if there >= quorum(here):
        return passed("quorum", votes.VotersInReach(there, here))
    return warn("quorum", votes.VotersOutOfReach(there, here, away))


def unread_check(view: View) -> Check | None:
    """Block that explains why the cluster did not answer; None while a quorum of voters answers."""
    here, gone = len(view.voters), _silent(view) - {view.leader_id}
    away = tuple(peer for peer in sorted(view.voters) if peer in gone or _away(peer, view))
    there = here - len(away)
    return None if there >= quorum(here) else block("quorum", votes.QuorumLost(there, here, away))


def quorum_check(view: View) -> Check:
    """Refuse a write while the leader reaches no quorum: it may be applied long after it got no answer."""
    check = _reachable(view)
    if check.level is CheckLevel.PASS:
        return check
    away = tuple(peer for peer in sorted(view.voters) if _away(peer, view))
    return block("quorum", votes.QuorumLost(len(view.voters) - len(away), len(view.voters), away))


def _silent(view: View) -> frozenset[int]:
    """Voters whose own host is silent; a leader still counts them for some seconds."""
    unseen = frozenset(peer for peer in view.voters if not view.host_of(peer))
    return unseen if len(unseen) <= len(view.now.silent) else frozenset()


def _away(peer: int, view: View) -> bool:
    """True if that voter cannot be reached; the leader answered."""
    if peer == view.leader_id:
        return False
    fault = view.health[peer].fault
    other_leader = fault is not None and fault.kind is VoterFaultKind.OTHER_LEADER
    return other_leader or peer_fault(view.voters[peer], view.leader) is not None


def _disks(request: TaskSwitch, view: View) -> Check | None:
    stops_repair = request.task == "disk_repair" and not request.on
    starts_work = request.task in _NO_WORK_ON_BAD_DISKS and request.on
    if not (stops_repair or starts_work):
        return None
    bad, fresh = bad_disks(view.now)
    if bad is None or (not bad and not fresh):
        return warn("disks", f.DisksUnknown())
    if not bad:
        return passed("disks", f.DisksFine(), bound="0")
    return warn("disks", f.RepairStops(bad) if stops_repair else f.RepairSlows(bad), bound=str(bad))


def _consequence(request: TaskSwitch) -> Check | None:
    found = CONSEQUENCES.get((_ALIASES.get(request.task, request.task), request.on))
    return None if found is None else Check("consequence", found[1], f.Consequence(found[0]))
