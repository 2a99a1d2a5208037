"""/cm disks: a list of disks, the number of them in each state, and what is not known. No I/O."""

from collections.abc import Mapping, Sequence

from bot.clustermgr.disk_states import DiskListing, DiskState
from bot.clustermgr.models import Disk
from bot.common.frozen import frozen
from bot.interactions.message import BlockJson, Message
from bot.views.blocks import (
    NumberCell,
    code,
    context,
    count,
    data_table,
    date,
    escape,
    message,
    number,
    percent,
    section,
    size,
)
from bot.views.parts import disk_state

_HEADER = ("State", "Disk", "Used", "Of", "Host", "Path", "Zone", "Free chunks")
_WORDS: Mapping[DiskState, str] = {
    DiskState.UNKNOWN: "in a state unknown to cmbot",
    DiskState.EXPIRED: "without a heartbeat (inferred)",
    DiskState.READONLY: "read-only",
}
_NORMAL_FIRST = (
    DiskState.NORMAL,
    DiskState.READONLY,
    DiskState.BROKEN,
    DiskState.REPAIRING,
    DiskState.REPAIRED,
    DiskState.DROPPING,
    DiskState.DROPPED,
    DiskState.EXPIRED,
    DiskState.UNKNOWN,
)
"""Order of the counts in the header."""
_CLAIMED = (DiskState.REPAIRED, DiskState.DROPPED)


@frozen
class DiskList:
    """What is shown of a listing: the disks `found`, at most `limit` of them, as of `at` (Unix seconds).

    `matching` is the number of disks that fit if `found` may have only the first ones, else None.

    `asked` are the filters as text, `state` is the filter by state. `read` is the number of volumes from which disks
    were inferred, None for all.
    """

    cluster: str
    listing: DiskListing
    found: Sequence[Disk]
    at: float
    asked: Sequence[str] = ()
    limit: int = 20
    state: DiskState | None = None
    read: int | None = None
    matching: int | None = None

    @property
    def total(self) -> int:
        """Number of disks that fit."""
        return len(self.found) if self.matching is None else self.matching


def state_words(state: DiskState) -> str:
    """Return the words for a state."""
    return _WORDS.get(state, state.value)


def counts_text(listing: DiskListing) -> str:
    """Return the number of disks in each state, as far as there are any."""
    counts = listing.counts()
    return ", ".join(f"{counts[state]:,} {state_words(state)}" for state in _NORMAL_FIRST if counts[state])


def disk_list(given: DiskList) -> Message:
    """Render a list of disks."""
    shown = given.found[: given.limit]
    sentence = _sentence(given)
    head = section("\n".join((f"*{sentence}*", *_above(given))))
    foot = context(" ".join((*notes(given.listing), *_inference(given), *_below(given, shown))))
    if not shown:
        return message(sentence, head, foot)
    rows = [_row(given.listing, disk) for disk in shown]
    return message(sentence, head, _table(given, rows), foot)


def _table(given: DiskList, rows: Sequence[Sequence[str]]) -> BlockJson:
    return data_table(rows, header=_HEADER, caption=f"Disks of {given.cluster}", names=1)


def _sentence(given: DiskList) -> str:
    cluster, total, listed = escape(given.cluster), given.total, given.listing
    which = f" with {' and '.join(code(words) for words in given.asked)}" if given.asked else ""
    if not total and given.state is DiskState.EXPIRED and (unnamed := _none_named(given)):
        return unnamed
    number = count(total, "disk") if total else "no disk"
    least = "" if listed.complete else "at least "
    states = f": {counts_text(listed)}" if total and not which else ""
    if total > given.limit:
        more = f"{given.limit:,} are shown: narrow it with status=, idc= or host=, or raise limit="
        return f"{cluster} has {least}{number}{which}{states}. {more}"
    return f"{cluster} has {least}{number}{which}{states}."


def _none_named(given: DiskList) -> str:
    """Return that disks without a heartbeat cannot be named, "" if there are no others than those inferred."""
    cluster, listing = escape(given.cluster), given.listing
    if listing.expired is None:
        return f"It is not known if a disk of {cluster} has lost the heartbeat: no leader answered in time."
    unnamed = listing.expired - len(listing.inferred)
    if unnamed <= 0:
        return ""
    has, them = ("has", "it") if unnamed == 1 else ("have", "them")
    others = "more " if listing.inferred else ""
    which = " and ".join(code(words) for words in given.asked)
    return (
        f"No disk of {cluster} can be named for {which}: {count(unnamed, f'{others}disk')} {has} lost the heartbeat, "
        f"but no call names {them}, and the health of the volumes does not tell which. "
        f"The volumes that miss units: {code('/cm risk')}"
    )


def _above(given: DiskList) -> list[str]:
    """Return the counts of the whole list where the sentence has those of a part only."""
    if not given.asked or not given.listing.total:
        return []
    return [f"All {count(given.listing.total, 'disk')}: {counts_text(given.listing)}."]


def notes(listing: DiskListing) -> list[str]:
    """Return what is not known of the states."""
    found = []
    if not listing.complete:
        found.append(
            f"The list was read up to {count(listing.total, 'disk')}, which is the limit; the rest is not known."
        )
    if not listing.by_leader:
        found.append("The leader did not list the disks; the host that did may not know all of them.")
    if listing.dropping is None:
        found.append("The list of disks being dropped could not be read: some shown as normal or read-only may be.")
    if listing.expired is None:
        found.append("No leader answered in time: it is not known if disks have lost their heartbeat.")
    elif listing.expired:
        found.append(_unnamed(listing.expired, len(listing.inferred)))
    if listing.counts()[DiskState.UNKNOWN]:
        found.append("A disk in an unknown state counts neither as safe nor as room for chunks.")
    return found


def _unnamed(expired: int, inferred: int) -> str:
    has = "has" if expired == 1 else "have"
    counted = f"By the leader's counters {count(expired, 'disk')} {has} lost the heartbeat"
    if not inferred:
        return f"{counted}; no call names {'it' if expired == 1 else 'them'}."
    if unnamed := max(0, expired - inferred):
        return f"{counted}; {count(unnamed, 'of them', 'of them')} cannot be named."
    return f"{counted}."


def _inference(given: DiskList) -> list[str]:
    if given.state is not DiskState.EXPIRED:
        return []
    found = []
    if given.found:
        found.append("These are inferred from the health of their volumes; a compaction lowers it too.")
    if given.read is not None:
        found.append(f"Only {count(given.read, 'volume')} could be read in time.")
    return found


def _below(given: DiskList, shown: Sequence[Disk]) -> list[str]:
    one = code("/cm disk <id>")
    found = []
    if any(given.listing.state_of(disk) in _CLAIMED for disk in shown):
        found.append(f"No state proves that a disk is empty: before you pull one, count its units with {one}.")
    source = "From the disk list, which is always current." if given.listing.by_leader else "From the disk list."
    found.append(f"{source} As of {date(given.at, 'time')}.")
    return [*found, f"For one disk: {one}"] if shown else found


def _row(listing: DiskListing, disk: Disk) -> tuple[str, ...]:
    used = NumberCell(f"{size(disk.used)} ({percent(disk.used, disk.size)})", disk.used)
    name = NumberCell(str(disk.disk_id), disk.disk_id)
    of, chunks = NumberCell(size(disk.size), disk.size), number(disk.free_chunk_cnt)
    return (_flags(listing, disk), name, used, of, disk.host, disk.path, disk.idc, chunks)


def _flags(listing: DiskListing, disk: Disk) -> str:
    """Return the state of a disk with the flags beside it."""
    state = listing.state_of(disk)
    flags = [disk_state(disk)]
    if state is DiskState.DROPPING:
        flags.append("dropping")
    if state is DiskState.EXPIRED:
        flags.append("no heartbeat (inferred)")
    if disk.readonly:
        flags.append("read-only")
    return ", ".join(flags)
