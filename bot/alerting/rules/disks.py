"""Rules about disks."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.alerting.cluster_state.state import DiskNote, note_of
from bot.alerting.model import Alert, Finding, Severity
from bot.alerting.rules.base import (
    CANNOT_TELL,
    MAX_LINES,
    MAX_PARTS,
    Answer,
    Rule,
    RuleConfig,
    RuleContext,
    Threshold,
    Unit,
)
from bot.alerting.text import count, listed
from bot.clustermgr.models import DiskStatus, Snapshot

STATUS_WORDS = MappingProxyType(
    {
        DiskStatus.NORMAL: "normal",
        DiskStatus.BROKEN: "broken",
        DiskStatus.REPAIRING: "being repaired",
        DiskStatus.REPAIRED: "repaired",
        DiskStatus.DROPPED: "dropped",
    }
)


def status_word(status: int) -> str:
    """A disk's state in words; a number of a later release stays a number."""
    return next((word for known, word in STATUS_WORDS.items() if known == status), f"in state {status}")


def disk_line(disk: DiskNote) -> str:
    """One disk: id, host, path, zone and state."""
    zone = disk.idc or "not told"
    return (
        f"disk {disk.id} on {disk.host or 'no host'}, {disk.path or 'no path'}, zone {zone}: {status_word(disk.status)}"
    )


def _broken(context: RuleContext, limits: RuleConfig) -> Answer:
    if context.snapshot.bad_disks is None:
        return _by_counters(context, limits)
    notes = sorted((note_of(disk) for disk in context.snapshot.bad_disks), key=lambda note: note.id)
    return (_finding(context.cluster, notes, limits),) if notes else ()


def _finding(cluster: str, notes: Sequence[DiskNote], limits: RuleConfig) -> Finding:
    repairing = sum(note.status == DiskStatus.REPAIRING for note in notes)
    return Finding(
        rule="disk_broken",
        subject="",
        severity=limits.severity,
        sentence=_sentence(cluster, len(notes) - repairing, repairing),
        lines=tuple(disk_line(note) for note in notes[:MAX_LINES]),
        weight=len(notes),
        data={
            "parts": [str(note.id) for note in notes[:MAX_PARTS]],
            "repairing": [str(note.id) for note in notes[:MAX_PARTS] if note.status == DiskStatus.REPAIRING],
            "more": max(0, len(notes) - MAX_LINES),
        },
    )


def _sentence(cluster: str, broken: int, repairing: int) -> str:
    if not broken:
        return f"{count(repairing, 'disk')} of {cluster} {_is(repairing)} being repaired."
    also = f", {repairing:,} more {_is(repairing)} being repaired" if repairing else ""
    return f"{count(broken, 'disk')} of {cluster} {_is(broken)} broken{also}."


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _by_counters(context: RuleContext, limits: RuleConfig) -> Answer:
    """The leader's counters, which lag by minutes and name no disk: they may raise an alert, never mend one."""
    listed_at = context.memory.disks_at
    if context.snapshot.leader is None or (listed_at and context.now - listed_at < limits["counters_after"]):
        return CANNOT_TELL
    zones = context.snapshot.leader[1].space_stat.disk_stat_infos
    broken, repairing = sum(zone.broken for zone in zones), sum(zone.repairing for zone in zones)
    if broken + repairing <= 0:
        return CANNOT_TELL
    sentence = _sentence(context.cluster, broken, repairing).removesuffix(".")
    return (
        Finding(
            rule="disk_broken",
            subject="",
            severity=limits.severity,
            sentence=f"{sentence}, by the leader's counters: the disks themselves cannot be listed just now.",
            lines=tuple(f"when last listed: {disk_line(note)}" for note in context.memory.disks[:MAX_LINES]),
            weight=broken + repairing,
            partial=True,
        ),
    )


def _what_became(context: RuleContext, alert: Alert) -> str:
    """A bad disk can only go forward: to repaired, and from there to dropped."""
    parts = [str(part) for part in alert.data.get("parts", ())]
    if not parts:
        return f"No disk of {context.cluster} is broken or being repaired any more."
    became = "repaired" if set(parts) <= set(alert.data.get("repairing", ())) else "repaired or dropped"
    verb = "was" if len(parts) == 1 else "were"
    said = f"Disk{'' if len(parts) == 1 else 's'} {listed(parts)} of {context.cluster} {verb} {became}"
    return f"{said}{_left(parts, context.snapshot.chunks or {}, context.cluster)}"


def _left(parts: Sequence[str], chunks: Mapping[int, int], cluster: str) -> str:
    """Whether units are left or were not counted: a state alone does not prove that a disk may be pulled."""
    held = {part: chunks[int(part)] for part in parts if chunks.get(int(part))}
    unknown = [part for part in parts if int(part) not in chunks]
    said = []
    if held:
        words = listed([f"{count(number, 'unit')} on disk {part}" for part, number in held.items()])
        pull = "it" if len(held) == 1 else "them"
        said.append(f"{words} {'is' if list(held.values()) == [1] else 'are'} left: do not pull {pull}")
    if unknown:
        disks, pull, number = ("disk", "it", unknown[0]) if len(unknown) == 1 else ("disks", "one", "N")
        said.append(
            f"the units left on {disks} {listed(unknown)} could not be counted: "
            f"do not pull {pull} before /cm disk {number} {cluster} shows that no unit is left"
        )
    return f", but {'; and '.join(said)}." if said else "."


def bad_now(snapshot: Snapshot) -> int | None:
    """How many disks are broken or being repaired, None when they could not be listed."""
    return None if snapshot.bad_disks is None else len(snapshot.bad_disks)


DISK_BROKEN = Rule(
    key="disk_broken",
    about="Disks are broken or being repaired. One alert names them all; a disk leaves it once repaired or dropped.",
    severity=Severity.WARNING,
    hold=0,
    clear=0,
    remind=86400,
    looks=_broken,
    resolved=_what_became,
    thresholds=MappingProxyType(
        {
            "counters_after": Threshold(
                600,
                Unit.SECONDS,
                "how long after the last list of disks the leader's counters, which lag by minutes, may raise it",
            )
        }
    ),
)
