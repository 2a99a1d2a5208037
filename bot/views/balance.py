"""/cm balance: where free chunks are, what stands out, and the switch of the balance. No I/O."""

from collections.abc import Iterator, Sequence

from bot.alerting.chunk_spread import MAX_FREE, MIN_FREE, ChunkSpread, Level, Outlier, Use
from bot.clustermgr.disk_states import DiskListing, DiskState
from bot.clustermgr.tasks import Meaning
from bot.common.frozen import frozen
from bot.common.text import listed
from bot.interactions.message import BlockJson, Message
from bot.views.blocks import NumberCell, code, context, count, data_table, date, escape, message, percent, section, size
from bot.views.disk_list import notes, state_words

MAX_ROWS = 20
_MAX_NAMED = 5
_MAX_OUTLIERS = 10
"""Outliers that the table of all kinds shows; the rest of its rows has the places in their order."""
_HEADER = ("Chunks used", "Place", "Free chunks", "Zone", "Usable disks", "Bytes used", "Stands out")
_NO_ROOM = (
    DiskState.BROKEN,
    DiskState.REPAIRING,
    DiskState.DROPPING,
    DiskState.READONLY,
    DiskState.UNKNOWN,
)


@frozen
class Switch:
    """The stored switch of the balance (None: unset); `meaning` is None while the dialect is not known."""

    value: str | None
    meaning: Meaning | None


@frozen
class BalanceReport:
    """The spread of the chunks as of `at` (Unix seconds); `switch` is None if it was not read.

    `level` limits the table to places of one kind.
    """

    cluster: str
    listing: DiskListing
    spread: ChunkSpread
    at: float
    switch: Switch | None = None
    level: Level | None = None


def balance(report: BalanceReport) -> Message:
    """Render the use of every place."""
    sentence = _sentence(report)
    lines = (f"{_mark(report)} *{sentence}*", *_named(report.spread), _switch_line(report))
    head, foot = section("\n".join(lines)), context(" ".join(_small_print(report)))
    rows = _rows(report)
    if not rows:
        return message(sentence, head, foot)
    header = _HEADER if report.spread.outliers else _HEADER[:-1]
    return message(sentence, head, _table(report, rows, header), foot)


def _table(report: BalanceReport, rows: Sequence[Sequence[str]], header: Sequence[str]) -> BlockJson:
    caption = f"Use of the places of {report.cluster}"
    return data_table(rows, header=header, caption=caption, names=1, most=MAX_ROWS)


def _mark(report: BalanceReport) -> str:
    if report.spread.all.share is None:
        return "⚪"
    return "🟡" if report.spread.outliers else "🟢"


def _sentence(report: BalanceReport) -> str:
    cluster, spread = escape(report.cluster), report.spread
    if not report.listing.disks:
        return f"{cluster} has no disk."
    if spread.all.share is None:
        return f"{cluster} has no disk that takes new chunks."
    if full := spread.full_disks():
        are, their = ("disk is", "its") if len(full) == 1 else ("disks are", "their")
        return f"{cluster} is out of balance: {len(full):,} {are} much fuller than the others of {their} zone."
    if not spread.outliers:
        return f"{cluster} is balanced: {_chunks_used(spread.all)} of its chunks are used, about the same everywhere."
    one = len(spread.outliers) == 1
    return (
        f"{cluster} is out of balance: {count(len(spread.outliers), 'place')} "
        f"{'is' if one else 'are'} much fuller or emptier than those beside {'it' if one else 'them'}."
    )


def _named(spread: ChunkSpread) -> Iterator[str]:
    """Name the disks that are fuller, else the first outliers, with their numbers."""
    shown = spread.full_disks() or spread.outliers
    for each in shown[:_MAX_NAMED]:
        use = each.use
        yield (
            f"• {_label(use)}: {_chunks_used(use)} of its chunks used, {use.free:,} free; "
            f"the average of {_beside(use)} is {percent(each.usual, 1)}"
        )
    if len(shown) > _MAX_NAMED:
        yield f"• … and {len(shown) - _MAX_NAMED:,} more"


def _beside(use: Use) -> str:
    return "all zones" if use.level is Level.ZONE else f"zone {escape(use.zone)}"


def _label(use: Use) -> str:
    if use.level is Level.DISK:
        return f"disk #{use.disk_id} on {code(use.name)}"
    return f"{use.level} {code(use.name)}"


def _chunks_used(use: Use) -> str:
    return "unknown" if use.share is None else percent(use.chunks - use.free, use.chunks)


def _switch_line(report: BalanceReport) -> str:
    moves = _moves(report.spread.to_move)
    if report.switch is None:
        return f"The switch {code('balance')} could not be read. {moves}"
    stored = "unset" if report.switch.value is None else f"stored as {code(report.switch.value)}"
    if report.switch.meaning is None:
        return f"The switch {code('balance')} is {stored}; how services read it is not known. {moves}"
    word = report.switch.meaning.word
    if word == "on":
        return f"{code('balance')} is on. {moves}"
    if word == "off":
        return f"{code('balance')} is *off*: no chunk is moved off full disks. {moves}"
    return f"{code('balance')} is *not on* ({stored}): see {code('/cm tasks')}. {moves}"


def _moves(to_move: int) -> str:
    return (
        f"By its defaults the scheduler moves chunks only off disks with fewer than {MIN_FREE} free chunks, in zones "
        f"where another disk has {MAX_FREE:,} or more: now {count(to_move, 'disk') if to_move else 'none'}."
    )


def _rows(report: BalanceReport) -> list[tuple[str, ...]]:
    spread = report.spread
    levels = (report.level,) if report.level else tuple(Level)
    outliers = [each for each in spread.outliers if each.use.level in levels]
    first = outliers if report.level else outliers[:_MAX_OUTLIERS]
    shown = {_key(each.use) for each in first}
    others = [use for level in levels for use in spread.uses[level] if _key(use) not in shown]
    by_key = {_key(each.use): each for each in outliers}
    return [_row(use, by_key.get(_key(use))) for use in (*(each.use for each in first), *others)]


def _key(use: Use) -> tuple[Level, str, str, int]:
    return (use.level, use.zone, use.name, use.disk_id)


def _row(use: Use, outlier: Outlier | None) -> tuple[str, ...]:
    name = f"disk #{use.disk_id} on {use.name}" if use.level is Level.DISK else f"{use.level} {use.name}"
    stands_out = "" if outlier is None else _stands_out(outlier)
    free = NumberCell(f"{use.free:,} of {use.chunks:,}" if use.chunks else "none", use.free)
    used = f"{size(use.used_bytes)} ({percent(use.used_bytes, use.size)})" if use.size else "-"
    chunks_used = NumberCell(_chunks_used(use) if use.chunks else "-", use.share or 0.0)
    usable = NumberCell(f"{use.room:,} of {use.disks:,}", use.room)
    return (chunks_used, name, free, use.zone, usable, NumberCell(used, use.used_bytes), stands_out)


def _stands_out(outlier: Outlier) -> str:
    return f"{'fuller' if outlier.fuller else 'emptier'} than the average, {percent(outlier.usual, 1)}"


def _small_print(report: BalanceReport) -> Iterator[str]:
    counts = report.listing.counts()
    if no_room := [f"{counts[state]:,} {state_words(state)}" for state in _NO_ROOM if counts[state]]:
        yield f"No room: {listed(no_room)}."
    if ids := report.spread.uncounted:
        yield f"No number of chunks is known of {'disk' if len(ids) == 1 else 'disks'} {_ids(ids)}."
    yield from notes(report.listing)
    if report.level is None:
        yield f"One kind of place only: {code('/cm balance by=disk')} (zone, rack, host, disk)."
    yield f"From the disk list. As of {date(report.at, 'time')}."


def _ids(ids: Sequence[int]) -> str:
    return listed([f"#{number}" for number in ids])
