"""Checks of background tasks: the dialect, the stored value, and the consequence of on or off."""

from collections.abc import Mapping
from typing import NamedTuple

from bot.clustermgr.health import VoterFaultKind, peer_fault, quorum
from bot.operations.preflight.context import PreflightContext, SwitchReading
from bot.operations.preflight.verdict import Check, CheckLevel, block, count, passed, peers, warn
from bot.operations.preflight.view import View, bad_disks
from bot.operations.requests import TaskSwitch

_NO_WORK_ON_BAD_DISKS = frozenset({"balance", "disk_drop"})
_ALIASES = {"vol_inspect": "volume_inspect"}


class Consequence(NamedTuple):
    """Consequence of a task's new value for the data."""

    level: CheckLevel
    sentence: str
    next_step: str = ""


_UNDONE = "Turn it on again as soon as possible."
CONSEQUENCES: Mapping[tuple[str, bool], Consequence] = {
    ("disk_repair", False): Consequence(CheckLevel.PASS, "While it is off, broken disks are not rebuilt."),
    ("blob_delete", True): Consequence(
        CheckLevel.WARN,
        "When it is on, blobs that are marked deleted are erased for good.",
        "Make sure that no data was deleted by mistake.",
    ),
    ("blob_delete", False): Consequence(
        CheckLevel.WARN, "While it is off, deleted blobs keep their space and the cluster fills up.", _UNDONE
    ),
    ("shard_node_blob_delete", True): Consequence(
        CheckLevel.WARN,
        "When it is on, blobs that shard nodes marked deleted are erased for good.",
        "Make sure that no data was deleted by mistake.",
    ),
    ("shard_node_blob_delete", False): Consequence(
        CheckLevel.WARN, "While it is off, blobs deleted through shard nodes keep their space.", _UNDONE
    ),
    ("shard_repair", False): Consequence(
        CheckLevel.WARN,
        "While it is off, missing shards are not rebuilt: one more loss may make blobs unreadable.",
        _UNDONE,
    ),
    ("shard_disk_repair", False): Consequence(
        CheckLevel.WARN, "While it is off, the shards on broken disks of shard nodes are not rebuilt.", _UNDONE
    ),
    ("volume_inspect", False): Consequence(
        CheckLevel.WARN, "While it is off, missing or damaged shards of volumes are found only by a read.", _UNDONE
    ),
    ("volume_inspect", True): Consequence(
        CheckLevel.PASS, "When it is on, it reads all volumes in the background: more disk load."
    ),
    ("data_inspect", False): Consequence(
        CheckLevel.WARN, "While it is off, silently damaged data is found only by a read.", _UNDONE
    ),
    ("data_inspect", True): Consequence(
        CheckLevel.PASS, "When it is on, it reads all data in the background: more disk load."
    ),
    ("balance", False): Consequence(CheckLevel.PASS, "While it is off, full and empty disks are not balanced."),
    ("balance", True): Consequence(
        CheckLevel.PASS, "When it is on, chunks move between disks: more disk and network load."
    ),
    ("disk_drop", False): Consequence(CheckLevel.PASS, "While it is off, disks marked for dropping are not emptied."),
    ("disk_drop", True): Consequence(
        CheckLevel.PASS, "When it is on, disks marked for dropping are emptied: more disk and network load."
    ),
}
"""Consequence of each switch; a task not named here has none."""


def task_checks(request: TaskSwitch, view: View, facts: PreflightContext) -> tuple[Check, ...]:
    """Check a switch; one click undoes it, so it gets warnings, no blocks.

    Without a quorum nothing can be read; then the check on that replaces the unknown values.
    """
    unread = facts.dialect is None or facts.switch is None
    lost = _no_quorum(view) if unread else None
    if lost is not None and facts.dialect is None:
        return (lost,)
    read = (_reachable(view), _stored(request, facts)) if lost is None else (lost,)
    stored = (_spelling(request, facts), *read)
    if _is_so(request, facts):
        return stored
    return (*stored, *(check for check in (_disks(request, view), _consequence(request)) if check is not None))


def _spelling(request: TaskSwitch, facts: PreflightContext) -> Check:
    if facts.dialect is not None:
        why = f" ({facts.dialect_why.rstrip('.')})" if facts.dialect_why else ""
        return passed("dialect", f"The cluster uses the dialect {facts.dialect}{why}.", bound=facts.dialect)
    return block(
        "dialect",
        f"The dialect of the cluster's switches is not known, and a wrong value can turn {request.task} off "
        f"instead of on. {facts.dialect_why}".strip(),
        "Add `dialect=v1` (Enable/Disable) or `dialect=v3` (true/false) to the command, or set it for the cluster in "
        "the settings.",
    )


def _is_so(request: TaskSwitch, facts: PreflightContext) -> bool:
    return facts.switch is not None and facts.switch.meaning == ("on" if request.on else "off")


def _stored(request: TaskSwitch, facts: PreflightContext) -> Check:
    switch = facts.switch
    if switch is None:
        return warn(
            "value",
            f"The stored value of {request.task} could not be read. {facts.switch_why}".strip(),
            "Check with `/cm tasks` before you decide.",
        )
    bound = repr(switch.raw)
    if _is_so(request, facts):
        return passed("already_so", f"{request.task} is already {switch.meaning}.", bound=bound)
    return passed("value", f"{request.task} is {_meaning(switch, facts)} now.", bound=bound)


def _meaning(switch: SwitchReading, facts: PreflightContext) -> str:
    if switch.meaning != "meaningless":
        return switch.meaning
    effect = "services treat it as off" if facts.dialect == "v3" else "services keep their value"
    return f"stored as {switch.raw!r:.40}, which has no meaning here ({effect})"


def _reachable(view: View) -> Check:
    """Check that a quorum is there; a switch does no harm to a quorum, but may get no answer."""
    there = [p.id for p in view.voters.values() if p.id == view.leader_id or not _away(p.id, view)]
    wanted = quorum(len(view.voters))
    reachable = f"{len(there)} of {count(len(view.voters), 'voter')} can be reached"
    if len(there) >= wanted:
        return passed("quorum", f"Quorum is {wanted} of {len(view.voters)}; {reachable}.")
    away = view.voters.keys() - set(there)
    return warn(
        "quorum",
        f"Only {reachable}, and quorum is {wanted}: the write may get no answer, and then its outcome is unknown.",
        f"Better first bring {peers(away)} back.",
    )


def _no_quorum(view: View) -> Check | None:
    """Block that explains why the cluster did not answer; None while a quorum of voters answers."""
    gone = _silent(view)
    there = [peer for peer in view.voters if peer == view.leader_id or not (_away(peer, view) or peer in gone)]
    wanted = quorum(len(view.voters))
    if len(there) >= wanted:
        return None
    away = view.voters.keys() - set(there)
    verb = "answers" if len(there) == 1 else "answer"
    return block(
        "quorum",
        f"No quorum: {len(there)} of {count(len(view.voters), 'voter')} {verb}, and quorum is {wanted}. "
        "Reads and writes fail.",
        f"Start {peers(away, 'or')}, then propose it again.",
    )


def _silent(view: View) -> frozenset[int]:
    """Voters whose own host is silent; a leader still counts them for some seconds."""
    unseen = frozenset(peer for peer in view.voters if not view.host_of(peer))
    return unseen if len(unseen) <= len(view.now.silent) else frozenset()


def _away(peer: int, view: View) -> bool:
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
        return warn(
            "disks",
            "It is not known if disks are broken.",
            "Check with `/cm disks status=broken` before you decide.",
        )
    if not bad:
        return passed("disks", "No disk is broken or repairing.", bound="0")
    disks = f"{count(bad, 'disk')} {'is' if bad == 1 else 'are'} broken or repairing"
    if stops_repair:
        return warn(
            "disks",
            f"{disks}: without repair their data lacks copies, and one more failure may lose it.",
            "Better wait until they are repaired (`/cm disks status=repairing`).",
            bound=str(bad),
        )
    return warn(
        "disks",
        f"{disks}: moving data slows down the repair, and with it the return to full protection.",
        "Better wait until they are repaired (`/cm disks status=repairing`).",
        bound=str(bad),
    )


def _consequence(request: TaskSwitch) -> Check | None:
    found = CONSEQUENCES.get((_ALIASES.get(request.task, request.task), request.on))
    return None if found is None else Check("consequence", *found)
