"""/cm disks and /cm disk: lists of disks with what is not normal marked, and all facts of one disk. Pure."""

from collections.abc import Mapping, Sequence

from bot.cluster.models import Disk, DiskStatus
from bot.views.blocks import bar, code, context, count, date, escape, fields, message, percent, section, size, table
from bot.views.message import Message
from bot.views.parts import disk_state

_HEADER = ("Disk", "State", "Zone", "Host", "Path", "Used", "Of")
_NEXT: Mapping[int, str] = {
    DiskStatus.BROKEN: ", waits for its data to be rebuilt",
    DiskStatus.REPAIRING: ", its data is being rebuilt",
    DiskStatus.REPAIRED: ", its data is safe: it can be replaced",
}


def disks(cluster: str, found: Sequence[Disk], *, asked: Sequence[str], limit: int, at: float) -> Message:
    """The disks of one answer: `found` holds one beyond `limit` when there are more, `asked` the filters in words."""
    shown = found[:limit]
    sentence = _sentence(cluster, len(shown), asked, more=len(found) > limit)
    one = code("/cm disk <id>")
    foot = context(f"Asked of the disk list, which is never late. As of {date(at, 'time')}. One of them: {one}")
    if not shown:
        return message(sentence, section(sentence), context(f"As of {date(at, 'time')}."))
    rows = [_row(disk) for disk in shown]
    return message(sentence, section(f"*{sentence}*"), table(rows, header=_HEADER, right=(0, 5, 6)), foot)


def _sentence(cluster: str, number: int, asked: Sequence[str], *, more: bool) -> str:
    which = f" with {' and '.join(escape(words) for words in asked)}" if asked else ""
    if more:
        return (
            f"{escape(cluster)} has more than {count(number, 'disk')}{which}; these are the first. "
            "Narrow it with status=, idc= or host=, or raise limit=."
        )
    return f"{escape(cluster)} has {count(number, 'disk') if number else 'no disk'}{which}."


def _row(disk: Disk) -> tuple[str, ...]:
    state = f"{disk_state(disk)}, read-only" if disk.readonly else disk_state(disk)
    used = f"{size(disk.used)} ({percent(disk.used, disk.size)})"
    return (str(disk.disk_id), state, disk.idc, disk.host, disk.path, used, size(disk.size))


def disk(cluster: str, found: Disk, *, at: float) -> Message:
    """All that is known of one disk."""
    state = disk_state(found)
    filled = bar(found.used / found.size if found.size > 0 else 0.0, 12)
    sentence = (
        f"Disk {found.disk_id} of {escape(cluster)} is {state[2:]}: {escape(found.path)} on {escape(found.host)} "
        f"in zone {escape(found.idc)}, {percent(found.used, found.size)} of {size(found.size)} used."
    )
    facts = fields(
        f"*State*\n{state}{_NEXT.get(found.status, '')}",
        f"*Read-only*\n{'*yes*' if found.readonly else 'no'}",
        f"*Host*\n{code(found.host)}",
        f"*Path*\n{code(found.path)}",
        f"*Zone and rack*\n{code(found.idc)}, {code(found.rack)}",
        f"*Used* {percent(found.used, found.size)}\n`{filled}` {size(found.used)} of {size(found.size)}",
        f"*Free*\n{size(found.free)}",
        f"*Chunks*\n{found.used_chunk_cnt:,} used, {found.free_chunk_cnt:,} free of {found.max_chunk_cnt:,}",
        f"*Created*\n{escape(found.create_time) or '-'}",
        f"*Last changed*\n{escape(found.last_update_time) or '-'}",
    )
    return message(sentence, section(f"*Disk {found.disk_id} of {escape(cluster)}*"), facts, context(_as_of(at)))


def _as_of(at: float) -> str:
    return f"As of {date(at, 'time')}."
