"""Background tasks: whether the switch can be spelled, what is stored, and what turning it on or off means."""

from collections.abc import Mapping
from typing import NamedTuple

from bot.clustermgr.health import peer_fault, quorum
from bot.operations.preflight.context import PreflightContext, SwitchReading
from bot.operations.preflight.text import count, peers
from bot.operations.preflight.verdict import Check, CheckLevel, block, passed, warn
from bot.operations.preflight.view import View, bad_disks
from bot.operations.requests import TaskSwitch

_NO_WORK_ON_BAD_DISKS = frozenset({"balance", "disk_drop"})
_ALIASES = {"vol_inspect": "volume_inspect"}


class Consequence(NamedTuple):
    """What a task's new state means for the data."""

    level: CheckLevel
    sentence: str
    next_step: str = ""


_UNDONE = "Turn it on again as soon as the reason is gone."
CONSEQUENCES: Mapping[tuple[str, bool], Consequence] = {
    ("disk_repair", False): Consequence(
        CheckLevel.PASS, "Off, a disk that breaks is not rebuilt until it is on again."
    ),
    ("blob_delete", True): Consequence(
        CheckLevel.WARN,
        "On, blobs that are marked deleted are erased from the disks; they cannot be brought back.",
        "Make sure that nobody still needs data that was deleted by mistake.",
    ),
    ("blob_delete", False): Consequence(
        CheckLevel.WARN, "Off, deleted blobs keep their space: the cluster fills up as long as it is off.", _UNDONE
    ),
    ("shard_node_blob_delete", True): Consequence(
        CheckLevel.WARN,
        "On, blobs that shard nodes marked deleted are erased; they cannot be brought back.",
        "Make sure that nobody still needs data that was deleted by mistake.",
    ),
    ("shard_node_blob_delete", False): Consequence(
        CheckLevel.WARN, "Off, blobs deleted through shard nodes keep their space as long as it is off.", _UNDONE
    ),
    ("shard_repair", False): Consequence(
        CheckLevel.WARN, "Off, missing shards are not rebuilt: a further loss may make blobs unreadable.", _UNDONE
    ),
    ("shard_disk_repair", False): Consequence(
        CheckLevel.WARN, "Off, the shards of broken disks of shard nodes are not rebuilt.", _UNDONE
    ),
    ("volume_inspect", False): Consequence(
        CheckLevel.WARN, "Off, missing or damaged shards of volumes are found only when somebody reads them.", _UNDONE
    ),
    ("volume_inspect", True): Consequence(
        CheckLevel.PASS, "On, volumes are read through in the background: more disk load."
    ),
    ("data_inspect", False): Consequence(
        CheckLevel.WARN, "Off, silently damaged data is found only when somebody reads it.", _UNDONE
    ),
    ("data_inspect", True): Consequence(
        CheckLevel.PASS, "On, all data is read through in the background: more disk load."
    ),
    ("balance", False): Consequence(CheckLevel.PASS, "Off, full and empty disks are no longer evened out."),
    ("balance", True): Consequence(CheckLevel.PASS, "On, chunks move between disks: more disk and network load."),
    ("disk_drop", False): Consequence(CheckLevel.PASS, "Off, disks that are being dropped stay as they are."),
    ("disk_drop", True): Consequence(
        CheckLevel.PASS, "On, disks marked for dropping are emptied: more disk and network load."
    ),
}
"""In words what each switch does; a task not named here has no sentence."""


def task_checks(request: TaskSwitch, view: View, facts: PreflightContext) -> tuple[Check, ...]:
    """Whether the switch may be set; what one click undoes is warned of, not blocked.

    Without a quorum nothing can be read: that explains what is not known, so it is said instead.
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
        return passed("dialect", f"The cluster spells its switches as {facts.dialect}{why}.", bound=facts.dialect)
    return block(
        "dialect",
        f"How the cluster spells its switches is not known, and a wrong word can turn {request.task} off "
        f"instead of on. {facts.dialect_why}".strip(),
        "Add dialect=v1 (Enable/Disable) or dialect=v3 (true/false) to the command, or pin it for the cluster in the "
        "settings.",
    )


def _is_so(request: TaskSwitch, facts: PreflightContext) -> bool:
    return facts.switch is not None and facts.switch.meaning == ("on" if request.on else "off")


def _stored(request: TaskSwitch, facts: PreflightContext) -> Check:
    switch = facts.switch
    if switch is None:
        return warn(
            "value",
            f"What is stored for {request.task} could not be read. {facts.switch_why}".strip(),
            "Look again with /cm tasks before you decide.",
        )
    bound = repr(switch.raw)
    if _is_so(request, facts):
        return passed("already_so", f"Already so: {request.task} is {switch.meaning}.", bound=bound)
    return passed("value", f"Now {request.task} is {_meaning(switch, facts)}.", bound=bound)


def _meaning(switch: SwitchReading, facts: PreflightContext) -> str:
    if switch.meaning != "meaningless":
        return switch.meaning
    effect = "services take it for off" if facts.dialect == "v3" else "services keep what they had"
    return f"stored as {switch.raw!r:.40}, which means nothing here ({effect})"


def _reachable(view: View) -> Check:
    """A look at who seems to be there; a switch does no harm to a quorum, it only may get no answer."""
    there = [p.id for p in view.voters.values() if p.id == view.leader_id or not _away(p.id, view)]
    wanted = quorum(len(view.voters))
    verb = "is" if len(there) == 1 else "are"
    told = f"{len(there)} of {count(len(view.voters), 'voter')} {verb} there, quorum {wanted}"
    if len(there) >= wanted:
        return passed("quorum", f"{told}.")
    away = view.voters.keys() - set(there)
    return warn(
        "quorum",
        f"Only {told}: the write may get no answer, and then its outcome is not known.",
        f"Better first bring {peers(away)} back.",
    )


def _no_quorum(view: View) -> Check | None:
    """The block that explains why the cluster did not answer, None where voters enough are there."""
    gone = _silent(view)
    there = [peer for peer in view.voters if peer == view.leader_id or not (_away(peer, view) or peer in gone)]
    wanted = quorum(len(view.voters))
    if len(there) >= wanted:
        return None
    away = view.voters.keys() - set(there)
    verb = "answers" if len(there) == 1 else "answer"
    return block(
        "quorum",
        f"No quorum: {len(there)} of {count(len(view.voters), 'voter')} {verb}, quorum {wanted}, so nothing can be "
        "read or written.",
        f"Start {peers(away, 'or')}, then propose again.",
    )


def _silent(view: View) -> frozenset[int]:
    """The voters whose own host is silent: a leader goes on counting them for some seconds."""
    unseen = frozenset(peer for peer in view.voters if not view.host_of(peer))
    return unseen if len(unseen) <= len(view.now.silent) else frozenset()


def _away(peer: int, view: View) -> bool:
    return bool(peer_fault(view.voters[peer], view.leader)) or "names another leader" in view.health[peer].why


def _disks(request: TaskSwitch, view: View) -> Check | None:
    stops_repair = request.task == "disk_repair" and not request.on
    starts_work = request.task in _NO_WORK_ON_BAD_DISKS and request.on
    if not (stops_repair or starts_work):
        return None
    bad, fresh = bad_disks(view.now)
    if bad is None or (not bad and not fresh):
        return warn(
            "disks",
            "Whether disks are broken could not be asked.",
            "Look with /cm disks status=broken before you decide.",
        )
    if not bad:
        return passed("disks", "No disk is broken or repairing.", bound="0")
    told = f"{count(bad, 'disk')} {'is' if bad == 1 else 'are'} broken or repairing"
    if stops_repair:
        return warn(
            "disks",
            f"{told}: without repair their data stays short of copies, and a further failure may lose it.",
            "Better wait until they are repaired (/cm disks status=repairing).",
            bound=str(bad),
        )
    return warn(
        "disks",
        f"{told}: moving data competes with the repair and prolongs the time without full protection.",
        "Better wait until they are repaired (/cm disks status=repairing).",
        bound=str(bad),
    )


def _consequence(request: TaskSwitch) -> Check | None:
    found = CONSEQUENCES.get((_ALIASES.get(request.task, request.task), request.on))
    return None if found is None else Check("consequence", *found)
