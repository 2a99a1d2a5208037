"""Words for the facts of background tasks and their switches. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.operations.preflight.facts import tasks as f
from bot.operations.preflight.facts.tasks import TaskEffect
from bot.views.dialect_text import evidence_text
from bot.views.preflight_text.phrases import CheckText
from bot.views.text import count

_UNDONE = "Turn it on again as soon as possible."
_NOT_BY_MISTAKE = "Make sure that no data was deleted by mistake."
_WAIT = "Better wait until they are repaired (`/cm disks status=repairing`)."

EFFECTS: Mapping[TaskEffect, CheckText] = MappingProxyType(
    {
        TaskEffect.DISKS_NOT_REPAIRED: CheckText("While it is off, broken disks are not rebuilt."),
        TaskEffect.BLOBS_ERASED: CheckText(
            "When it is on, blobs that are marked deleted are erased for good.", _NOT_BY_MISTAKE
        ),
        TaskEffect.BLOBS_KEPT: CheckText(
            "While it is off, deleted blobs keep their space and the cluster fills up.", _UNDONE
        ),
        TaskEffect.SHARD_BLOBS_ERASED: CheckText(
            "When it is on, blobs that shard nodes marked deleted are erased for good.", _NOT_BY_MISTAKE
        ),
        TaskEffect.SHARD_BLOBS_KEPT: CheckText(
            "While it is off, blobs deleted through shard nodes keep their space.", _UNDONE
        ),
        TaskEffect.SHARDS_NOT_REPAIRED: CheckText(
            "While it is off, missing shards are not rebuilt: one more loss may make blobs unreadable.", _UNDONE
        ),
        TaskEffect.SHARD_DISKS_NOT_REPAIRED: CheckText(
            "While it is off, the shards on broken disks of shard nodes are not rebuilt.", _UNDONE
        ),
        TaskEffect.VOLUMES_NOT_INSPECTED: CheckText(
            "While it is off, missing or damaged shards of volumes are found only by a read.", _UNDONE
        ),
        TaskEffect.VOLUMES_INSPECTED: CheckText(
            "When it is on, it reads all volumes in the background: more disk load."
        ),
        TaskEffect.DATA_NOT_INSPECTED: CheckText(
            "While it is off, silently damaged data is found only by a read.", _UNDONE
        ),
        TaskEffect.DATA_INSPECTED: CheckText("When it is on, it reads all data in the background: more disk load."),
        TaskEffect.DISKS_NOT_BALANCED: CheckText("While it is off, full and empty disks are not balanced."),
        TaskEffect.DISKS_BALANCED: CheckText("When it is on, chunks move between disks: more disk and network load."),
        TaskEffect.DISKS_NOT_DROPPED: CheckText("While it is off, disks marked for dropping are not emptied."),
        TaskEffect.DISKS_DROPPED: CheckText(
            "When it is on, disks marked for dropping are emptied: more disk and network load."
        ),
    }
)
"""Words for each consequence of a switch."""


def dialect_known(fact: f.DialectKnown) -> CheckText:
    """The dialect is known."""
    evidence = evidence_text(fact.evidence).rstrip(".")
    why = f" ({evidence})" if evidence else ""
    return CheckText(f"The cluster uses the dialect {fact.dialect}{why}.")


def dialect_unknown(fact: f.DialectUnknown) -> CheckText:
    """The dialect is not known."""
    return CheckText(
        f"The dialect of the cluster's switches is not known, and a wrong value can turn {fact.task} off "
        f"instead of on. {evidence_text(fact.evidence)}".strip(),
        "Add `dialect=v1` (Enable/Disable) or `dialect=v3` (true/false) to the command, or set it for the cluster in "
        "the settings.",
    )


def value_unread(fact: f.ValueUnread) -> CheckText:
    """The value could not be read."""
    return CheckText(
        f"The stored value of {fact.task} could not be read. {fact.why}".strip(),
        "Check with `/cm tasks` before you decide.",
    )


def already_so(fact: f.AlreadySo) -> CheckText:
    """Nothing needs to be sent."""
    return CheckText(f"{fact.task} is already {fact.meaning}.")


def value_is(fact: f.ValueIs) -> CheckText:
    """The stored value."""
    return CheckText(f"{fact.task} is {fact.meaning} now.")


def value_meaningless(fact: f.ValueMeaningless) -> CheckText:
    """The stored value has no meaning."""
    effect = "services treat it as off" if fact.off else "services keep their value"
    return CheckText(f"{fact.task} is stored as {fact.raw!r:.40}, which has no meaning here ({effect}) now.")


def disks_unknown(_: f.DisksUnknown) -> CheckText:
    """The disks are not known."""
    return CheckText("It is not known if disks are broken.", "Check with `/cm disks status=broken` before you decide.")


def disks_fine(_: f.DisksFine) -> CheckText:
    """No disk is broken."""
    return CheckText("No disk is broken or repairing.")


def repair_stops(fact: f.RepairStops) -> CheckText:
    """Broken disks are not repaired."""
    return CheckText(
        f"{_bad(fact.disks)}: without repair their data lacks copies, and one more failure may lose it.", _WAIT
    )


def repair_slows(fact: f.RepairSlows) -> CheckText:
    """Broken disks are repaired more slowly."""
    return CheckText(
        f"{_bad(fact.disks)}: moving data slows down the repair, and with it the return to full protection.", _WAIT
    )


def _bad(disks: int) -> str:
    return f"{count(disks, 'disk')} {'is' if disks == 1 else 'are'} broken or repairing"


def consequence(fact: f.Consequence) -> CheckText:
    """The consequence for the data."""
    return EFFECTS[fact.effect]
