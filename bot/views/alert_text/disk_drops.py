"""Words for alerts about disks that are being dropped. No I/O."""

from bot.alerting.details import DisksDropping, DropEnd, DroppingDisk, DropResult
from bot.alerting.model import Alert, AlertText
from bot.alerting.outcomes import DropsDone
from bot.common.text import count
from bot.views.alert_text.caveats import affected_lines
from bot.views.alert_text.disks import where_text
from bot.views.progress import progress_line
from bot.views.text import utc


def disks_dropping(detail: DisksDropping, cluster: str) -> AlertText:
    """`disk_dropping`."""
    return AlertText(
        f"The drop of {count(detail.others, 'disk')} of {cluster} was begun past cmbot: no operation did it.",
        (*affected_lines(detail.affected), *map(_line, detail.disks)),
        detail.total - len(detail.disks),
    )


def _line(each: DroppingDisk) -> str:
    if each.end is not None:
        return f"disk #{each.disk.id}: {end_text(each.end)}"
    began = f", begun by operation #{each.disk.op}" if each.disk.op else ""
    progress = f", {progress_line(each.progress)}" if each.progress is not None else ""
    return f"disk #{each.disk.id}{where_text(each.disk)}: being dropped{began}{progress}"


def end_text(end: DropEnd) -> str:
    """The end of a drop, and if the disk may be pulled."""
    match end.result:
        case DropResult.EMPTY:
            return f"dropped; safe to pull: no unit left, as of {_utc(end.at)}"
        case DropResult.HELD:
            verb = "is" if end.units == 1 else "are"
            return f"dropped, but do not pull it: {count(end.units, 'unit')} {verb} still on it, as of {_utc(end.at)}"
        case DropResult.NOT_DROPPED:
            return "no longer being dropped, and not listed as dropped: do not pull it"
        case DropResult.UNLISTED:
            return "missing from the last list of drops, the next one decides: do not pull it"
        case DropResult.UNCOUNTED:
            return "no longer being dropped; its units are not counted: do not pull it"


def drops_done(outcome: DropsDone, alert: Alert) -> str:
    """`disk_dropping`."""
    if not outcome.disks:
        return f"No disk of {alert.cluster} is being dropped."
    ends = "; ".join(f"disk #{each.disk}: {end_text(each.end)}" for each in outcome.disks)
    return f"Drops of {alert.cluster} have ended: {ends}."


def _utc(at: float) -> str:
    return f"{utc(at)[:16]} UTC"
