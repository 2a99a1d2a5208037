"""Words for the facts of disks that are changed: their state, and the work and the limits. No I/O."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.clustermgr.models import DiskStatus
from bot.common.text import listed
from bot.operations.model import OpState
from bot.operations.preflight.facts import disks as f
from bot.operations.preflight.facts.disks import DiskChange, DiskSituation, OutOfService
from bot.views.alert_text.volumes import disk_names
from bot.views.preflight_text.phrases import CheckText
from bot.views.text import clip, count

_MAX_NAMED = 8
_MAX_TEXT = 60
_STATES: Mapping[int, str] = MappingProxyType(
    {
        DiskStatus.NORMAL: "normal",
        DiskStatus.BROKEN: "broken",
        DiskStatus.REPAIRING: "being repaired",
        DiskStatus.REPAIRED: "repaired",
        DiskStatus.DROPPED: "dropped",
    }
)


def state_text(each: DiskSituation) -> str:
    """State of a disk: "normal and read-only"."""
    state = _STATES.get(each.status, f"in state {each.status}, which is not known here")
    flags = [
        *(("being dropped",) if each.dropping else ()),
        *(("read-only",) if each.readonly and each.status == DiskStatus.NORMAL and not each.dropping else ()),
    ]
    return listed([state, *flags]) if state != "normal" or not each.dropping else "being dropped"


def _each(disks: Sequence[DiskSituation]) -> str:
    named = [f"disk #{each.disk} is {state_text(each)}" for each in disks]
    text = listed(named, most=_MAX_NAMED)
    return f"{text[:1].upper()}{text[1:]}"


def _pull(disks: Sequence[DiskSituation]) -> str:
    which = str(disks[0].disk) if len(disks) == 1 else "<id>"
    return f"`/cm disk {which}` says if it is safe to pull."


def disk_list_unread(fact: f.DiskListUnread) -> CheckText:
    """The disk list could not be read."""
    why = " ".join(fact.errors)
    return CheckText(
        f"The disks of the cluster could not be read, so nothing is known of this change. {why}".strip(),
        "Try again in some seconds; `/cm disks` shows if the cluster answers.",
    )


def disks_missing(fact: f.DisksMissing) -> CheckText:
    """The cluster does not know the disk."""
    names = disk_names(fact.disks)
    return CheckText(f"The cluster does not know {names}.", "`/cm disks` lists the disks that it knows.")


def host_without_disks(fact: f.HostWithoutDisks) -> CheckText:
    """No disk is on the host."""
    where = f"the blobnode {clip(fact.host, _MAX_TEXT)}" if fact.host else f"node {fact.node}"
    named = f" Disks are on {listed([clip(host, _MAX_TEXT) for host in fact.hosts])}." if fact.hosts else ""
    return CheckText(
        f"The cluster has no disk in use on {where}.{named}", "`/cm disks` shows the host of each disk, with its port."
    )


_FITS = {
    DiskChange.READONLY: "may become read-only",
    DiskChange.WRITABLE: "may become writable again",
    DiskChange.BROKEN: "may be declared broken",
    DiskChange.OFFLINE: "may be taken offline",
    DiskChange.NODE_DROP: "its node may be dropped",
}


def state_fits(fact: f.StateFits) -> CheckText:
    """The state fits."""
    if fact.change is DiskChange.NODE_DROP:
        return CheckText("No disk of the node is in use, so the node may be dropped.")
    return CheckText(f"{_each(fact.disks)}: {_FITS[fact.change]}.")


def state_refuses(fact: f.StateRefuses) -> CheckText:
    """The state refuses."""
    states = {each.status for each in fact.disks}
    found = _each(fact.disks)
    if fact.change is DiskChange.NODE_DROP:
        return CheckText(f"The node has disks in use. {found}.", "Take its disks offline first: `/cm node offline`.")
    if states <= {DiskStatus.BROKEN, DiskStatus.REPAIRING}:
        return CheckText(
            f"{found}. A broken disk is repaired, not dropped, and takes no writes.",
            f"Wait for its repair (`/cm disks status=repairing`); then {_pull(fact.disks)}",
        )
    if states <= {DiskStatus.REPAIRED, DiskStatus.DROPPED}:
        return CheckText(f"{found}: it is out of service already.", f"There is nothing to do. {_pull(fact.disks)}")
    return CheckText(
        f"{found}. Only a normal disk may be changed this way.", "`/cm disks` shows the state of each disk."
    )


def disks_skipped(fact: f.DisksSkipped) -> CheckText:
    """Disks are left out."""
    return CheckText(
        f"Left out: {_each(fact.disks)[:1].lower()}{_each(fact.disks)[1:]}.",
        "Broken disks are repaired, not dropped; the node can be dropped once they are repaired.",
    )


def disks_already(fact: f.DisksAlready) -> CheckText:
    """Nothing needs to be sent."""
    if fact.change is DiskChange.WRITABLE:
        names = disk_names([each.disk for each in fact.disks])
        return CheckText(f"{names[0].upper()}{names[1:]} is writable already.")
    then = f" {_pull(fact.disks)}" if fact.change is DiskChange.OFFLINE else ""
    return CheckText(f"{_each(fact.disks)} already.{then}")


def drop_not_cancelled(fact: f.DropNotCancelled) -> CheckText:
    """A drop cannot be cancelled."""
    server = (
        "This release (v1) would accept the call, but nothing shows that the drop then stops"
        if fact.accepted
        else "The servers refuse it (932)"
    )
    return CheckText(
        f"Disk #{fact.disk} is being dropped, and a drop cannot be cancelled. {server}.",
        "Let the drop end. To stop the moves for now: `/cm task disable disk_drop`.",
    )


def broken_while_dropping(fact: f.BrokenWhileDropping) -> CheckText:
    """A dropping disk is not declared broken."""
    if fact.accepted:
        return CheckText(
            f"Disk #{fact.disk} is being dropped. This release (v1) accepts it as broken: units that have not moved "
            "are then lost and must be rebuilt.",
            "If the disk can still be read, let the drop end.",
        )
    return CheckText(
        f"Disk #{fact.disk} is being dropped: the servers refuse to declare it broken (913).",
        "Let the drop end. If the disk cannot be read, its units are rebuilt from the others while they move.",
    )


def dropping_unread(_: f.DroppingUnread) -> CheckText:
    """The dropping list is not known."""
    return CheckText("It is not known which disks are being dropped.", "Try again in some seconds.")


def node_drop_missing(_: f.NodeDropMissing) -> CheckText:
    """The release knows no nodes."""
    return CheckText(
        "This release (v1) has no call that drops a node.", "A node whose disks are all dropped needs no further step."
    )


def task_is_on(fact: f.TaskIsOn) -> CheckText:
    """The task is on."""
    return CheckText(f"{fact.task} is on.")


def task_is_off(fact: f.TaskIsOff) -> CheckText:
    """The task is off."""
    was = "" if fact.meaning == "off" else f" (its stored value is {fact.meaning})"
    effect = "nothing would be rebuilt" if fact.task == "disk_repair" else "no unit would move"
    return CheckText(f"{fact.task} is off{was}, so {effect}.", f"Turn it on first: `/cm task enable {fact.task}`.")


def task_unknown(fact: f.TaskUnknown) -> CheckText:
    """The task's switch is not known."""
    why = f": its stored value is {fact.meaning}, and services keep their last one" if fact.meaning else ""
    return CheckText(f"It is not known if {fact.task} is on{why}.", "Check with `/cm tasks` before you decide.")


def schedulers_there(fact: f.SchedulersThere) -> CheckText:
    """A scheduler is there."""
    return CheckText(f"{count(len(fact.hosts), 'scheduler')} registered.")


def no_scheduler(_: f.NoScheduler) -> CheckText:
    """No scheduler is there."""
    return CheckText("No scheduler is registered, so no unit would move.", "Start a scheduler first.")


def schedulers_unknown(_: f.SchedulersUnknown) -> CheckText:
    """It is not known if a scheduler is there."""
    return CheckText("It is not known if a scheduler is registered.", "Make sure that one runs before you decide.")


def within_limits(fact: f.WithinLimits) -> CheckText:
    """The limits hold."""
    places = [_within(each, "host") for each in fact.hosts] + [_within(each, "zone") for each in fact.zones]
    return CheckText(f"Out of service at once: {listed(places, most=_MAX_NAMED)}.")


def _within(each: OutOfService, kind: str) -> str:
    return f"{len(each.disks)} of {each.limit} in {kind} {clip(each.place, _MAX_TEXT)}"


def limit_reached(fact: f.LimitReached) -> CheckText:
    """A limit is reached."""
    full = [_full(each, "host") for each in fact.hosts] + [_full(each, "zone") for each in fact.zones]
    return CheckText(
        f"Too many disks out of service at once: {'; '.join(full)}.",
        "Wait until they are repaired or dropped (`/cm disks`). The limits are `operations.disks` in the settings.",
    )


def open_operations(numbers: Sequence[int]) -> str:
    """Name operations that are not over: "operation #12, which is not over"."""
    if not numbers:
        return "an operation that is not over"
    named = listed([f"#{number}" for number in numbers])
    if len(numbers) == 1:
        return f"operation {named}, which is not over"
    return f"operations {named}, which are not over"


def _full(each: OutOfService, kind: str) -> str:
    parts = [
        f"{disk_names(disks)} {'is' if len(disks) == 1 else 'are'} {state}"
        for disks, state in (
            (each.dropping, "being dropped"),
            (each.broken, "broken"),
            (each.repairing, "repairing"),
            (each.under_way, f"in {open_operations(each.operations)}"),
        )
        if disks
    ]
    return f"{kind} {clip(each.place, _MAX_TEXT)} may have {each.limit}, and {listed(parts)}"


def operation_beside(fact: f.OperationBeside) -> CheckText:
    """Another operation may disturb it."""
    name = f"{fact.change.replace('_', ' ')} {fact.task}".strip()
    state = "has an unknown outcome" if fact.state is OpState.UNKNOWN else f"is {fact.state}"
    effect = "it switches the task that this needs" if fact.task else "it changes the raft group"
    return CheckText(
        f"Operation #{fact.op} ({name}) {state} too: {effect}.", "Better let it end first, then approve this."
    )


_CONSEQUENCES: Mapping[DiskChange, CheckText] = MappingProxyType(
    {
        DiskChange.READONLY: CheckText("No unit moves and none is lost: the disk takes no new data."),
        DiskChange.WRITABLE: CheckText("No unit moves and none is lost: the disk takes new data again."),
        DiskChange.BROKEN: CheckText(
            "All units on the disk count as lost at once, and no call makes a broken disk normal again.",
            "A host that restarts brings its disks back: declare a disk broken only if it does not come back.",
        ),
        DiskChange.OFFLINE: CheckText(
            "A drop cannot be cancelled: once it has begun, the disk cannot be made writable again.",
            "Pull the disk only when `/cm disk <id>` says that it is safe.",
        ),
        DiskChange.NODE_DROP: CheckText("No disk of the node is in use: no unit moves and none is lost."),
    }
)


def disk_consequence(fact: f.DiskConsequence) -> CheckText:
    """The consequence."""
    return _CONSEQUENCES[fact.change]
