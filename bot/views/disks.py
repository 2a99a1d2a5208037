"""/cm disk: all facts of one disk. No I/O."""

from collections.abc import Mapping

from bot.alerting.disk_risk import DiskRisk
from bot.alerting.progress import WorkProgress
from bot.alerting.pull_safety import PullSafety, PullVerdict
from bot.clustermgr.models import Disk, DiskStatus
from bot.common.timestamps import unix_of
from bot.interactions.message import Message
from bot.operations.model import Operation, OpState
from bot.operations.requests import DiskBroken
from bot.views.alert_text.caveats import affected_text, margin_note
from bot.views.blocks import bar, code, context, count, date, escape, fields, message, percent, section, size
from bot.views.parts import disk_state, disk_state_phrase, others_line
from bot.views.progress import progress_line

_NEXT: Mapping[int, str] = {
    DiskStatus.BROKEN: ", its data waits for repair",
    DiskStatus.REPAIRING: ", its data is being repaired",
}
_GONE = (DiskStatus.REPAIRED, DiskStatus.DROPPED)
"""States that claim that no unit is left on a disk; only a count proves it (CubeFS, issue 3736)."""
_MAX_VOLUMES = 10
NOT_AT_RISK = DiskRisk()


def pull_text(safety: PullSafety) -> str:
    """Say if a disk may be pulled, as one phrase in mrkdwn."""
    when = f"as of {date(safety.at, 'time')}"
    if safety.verdict is PullVerdict.UNCOUNTED:
        return "*do not pull*: its units could not be counted"
    if safety.verdict is PullVerdict.NO_LEADER:
        return "*do not pull*: its units could not be counted, because no leader answers"
    if safety.verdict is PullVerdict.UNKNOWN_STATE:
        return f"*do not pull*: no unit is on it, {when}, but cmbot does not know its state: it may take new ones"
    if safety.verdict is PullVerdict.IN_USE:
        return f"*do not pull yet: no unit is on it*, {when}, but it takes new ones: take it out of service first"
    if safety.verdict is PullVerdict.SAFE:
        return f"*safe to pull: no unit left*, {when}"
    volumes = safety.volumes
    shown = ", ".join(f"#{volume}" for volume in volumes[:_MAX_VOLUMES])
    more = f" and {len(volumes) - _MAX_VOLUMES:,} more" if len(volumes) > _MAX_VOLUMES else ""
    left = f"{count(safety.units, 'unit')} of {count(len(volumes), 'volume')}"
    verb = "is" if safety.units == 1 else "are"
    return f"*do not pull: {left} {verb} still on it* ({shown}{more}), {when}"


def disk(
    cluster: str,
    found: Disk,
    safety: PullSafety,
    *,
    at: float,
    progress: WorkProgress | None = None,
    dropping: bool | None = False,
    behind: Operation | None = None,
    risk: DiskRisk = NOT_AT_RISK,
) -> Message:
    """Render all facts of one disk; `safety` says if it may be pulled.

    `progress` is that of its repair or drop, None if there is none. `dropping` is None if that is not known.
    `behind` is the operation that drops it or declared it broken. `risk` is what the watch knows of it.
    """
    state, phrase = disk_state(found), disk_state_phrase(found)
    if dropping:
        state, phrase = f"{state}, *being dropped*", "being dropped"
    filled = bar(found.used / found.size if found.size > 0 else 0.0, 12)
    pull = pull_text(safety)
    pull = f"*{pull[1].upper()}{pull[2:]}"
    sentence = (
        f"Disk #{found.disk_id} of {escape(cluster)} is {phrase}: "
        f"{escape(found.path)} on {escape(found.host)} "
        f"in zone {escape(found.idc)}, {percent(found.used, found.size)} of {size(found.size)} used. "
        f"{pull.replace('*', '')}."
    )
    facts = fields(
        f"*State*\n{state}{_NEXT.get(found.status, '')}{_heartbeat(risk, found.idc)}{_by(behind)}",
        f"*Read-only*\n{'*yes*' if found.readonly else 'no'}",
        f"*Host*\n{code(found.host)}",
        f"*Path*\n{code(found.path)}",
        f"*Zone and rack*\n{', '.join(code(part) for part in (found.idc, found.rack) if part) or '-'}",
        f"*Used* {percent(found.used, found.size)}\n`{filled}` {size(found.used)} of {size(found.size)}",
        f"*Free*\n{size(found.free)}",
        f"*Chunks*\n{found.used_chunk_cnt:,} used, {found.free_chunk_cnt:,} free of {found.max_chunk_cnt:,}",
        *(f"*{name}*\n{_time(written)}" for name, written in _times(found) if written.strip()),
    )
    margin = margin_note(safety.unwritten, safety.not_rebuilt) if safety.not_rebuilt else ""
    notes = [f"{margin[0].upper()}{margin[1:]}."] if margin else []
    if others := others_line("", found.others):
        notes.append(f"{others[0].upper()}{others[1:]}")
    if dropping is None:
        notes.append("The list of disks being dropped could not be read: this disk may be one of them.")
    work = () if progress is None else (section(f"*Units moved off it*\n{progress_line(progress, now=at)}"),)
    return message(
        sentence,
        section(f"*Disk #{found.disk_id} of {escape(cluster)}*\n{pull}.{_affected(risk)}"),
        facts,
        *work,
        context(" ".join((*notes, f"As of {date(at, 'time')}."))),
    )


def _times(found: Disk) -> tuple[tuple[str, str], ...]:
    """The times of a disk as the server writes them; not every release does."""
    return (("Created", found.create_time), ("Last update of its record", found.last_update_time))


def _affected(risk: DiskRisk) -> str:
    """Say how many volumes the disk affects, and what they can lose, as a separate line."""
    if risk.affected is None:
        return ""
    text = affected_text(risk.affected)
    return f"\n{text[0].upper()}{text[1:]}."


def _heartbeat(risk: DiskRisk, zone: str) -> str:
    """Say that the disk has no heartbeat, or may have none, as it follows its state."""
    if risk.silent:
        return f", *no heartbeat* ({'named by the cluster' if risk.named else 'inferred from the health of volumes'})"
    if not risk.expired:
        return ""
    have = "has" if risk.expired == 1 else "have"
    return f"; {count(risk.expired, 'disk')} of zone {escape(zone)} {have} no heartbeat, and this may be one"


def _by(behind: Operation | None) -> str:
    """Name the operation behind the state of a disk, as it follows that: " by operation #24"."""
    if behind is None:
        return ""
    whole = f", a part of operation #{behind.options.part_of.of}" if behind.options.part_of else ""
    broken = isinstance(behind.request, DiskBroken)
    if behind.state is OpState.VERIFIED:
        return f"{'; declared broken' if broken else ''} by operation #{behind.id}{whole}"
    does = "declares it broken" if broken else "takes it offline"
    return f"; operation #{behind.id}{whole}, which {does}, is {behind.state}"


def _time(written: str) -> str:
    """A time as the server writes it, as a date; anything else is shown as it is."""
    at = unix_of(written)
    return date(at) if at is not None else escape(written) or "-"
