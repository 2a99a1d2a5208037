"""/cm safe-to-stop: may a host be stopped now, with the arithmetic in words. No I/O."""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType

from bot.common.text import listed
from bot.interactions.message import BlockJson, Message
from bot.operations.maintenance import (
    DataStop,
    MemberStop,
    StopLevel,
    StopMargin,
    StopUnknown,
    StopVerdict,
    UnknownPart,
)
from bot.operations.preflight.facts.quorum import QuorumAdvice, QuorumAfter
from bot.operations.preflight.verdict import CheckLevel
from bot.views import blocks
from bot.views.alert_text.caveats import margin_note
from bot.views.blocks import code, context, count, date, escape, message, section
from bot.views.preflight_text.phrases import peers
from bot.views.preflight_text.table import check_text

MAINTENANCE_START = "maintenance_start"
"""Action of the button that starts a maintenance; its value is {"host", "cluster", "for"}."""
_MARKS = {StopLevel.SAFE: "🟢", StopLevel.CAUTION: "🟡", StopLevel.UNKNOWN: "⚪", StopLevel.UNSAFE: "🔴"}
_SAFE_WORD = re.compile(r"[A-Za-z0-9.:\[\]_/-]{1,200}")
_SPAN = re.compile(r"[0-9a-z.]{1,30}")
_MAX_NAMED = 8
_NO_ADVICE = frozenset({QuorumAdvice.NONE, QuorumAdvice.BY_HAND})
"""Advice about a change of members, which does not help here."""


def safe_to_stop(verdict: StopVerdict, span: str) -> Message:
    """Render the verdict; `span` is the length of the maintenance that its button starts, as in `2h`."""
    sentence = stop_sentence(verdict)
    parts: list[BlockJson] = [section(f"{_MARKS[verdict.level]} *{escape(sentence)}*")]
    parts += [section(line) for line in _lines(verdict)]
    parts.append(context(*_notes(verdict)))
    if verdict.allowed and (value := _value(verdict, span)):
        sure = blocks.confirm(
            f"Start maintenance of {verdict.host}?",
            f"For {span}, alerts that stopping {verdict.host} explains are muted. Anything else that fails ends it.",
            "Start maintenance",
            "Not now",
        )
        parts.append(blocks.actions(blocks.button("Start maintenance", MAINTENANCE_START, value, confirm=sure)))
    return message(escape(sentence), *parts)


def stop_sentence(verdict: StopVerdict) -> str:
    """Return the verdict in one sentence; plain text, not escaped."""
    name = f"{verdict.host} of {verdict.cluster}"
    if verdict.level is StopLevel.SAFE:
        return f"{name} is safe to stop now."
    if verdict.level is StopLevel.CAUTION:
        return f"{name} may be stopped now, with care: {_cautions(verdict)}."
    if verdict.level is StopLevel.UNKNOWN:
        return f"Do not stop {name}: it is not known to be safe. Not judged: {_unknowns(verdict)}."
    return f"Do not stop {name}: {_dangers(verdict)}."


def stop_text(verdict: StopVerdict) -> str:
    """Return the verdict with its main facts; plain text, not escaped."""
    worst = verdict.data.worst if verdict.data is not None else None
    fact = (
        f" Worst: {_margin(worst)}"
        if worst is not None and verdict.data is not None and verdict.data.unreadable
        else ""
    )
    return f"{stop_sentence(verdict)}{fact}"


def start_command(host: str, cluster: str, span: str) -> str:
    """Return the command of the button without its /cm; "" unless each part is a plain word (a value may be forged)."""
    fits = _SAFE_WORD.fullmatch(host) and _SAFE_WORD.fullmatch(cluster) and _SPAN.fullmatch(span)
    return f"maintenance start {host} {cluster} for={span}" if fits else ""


def _value(verdict: StopVerdict, span: str) -> str:
    if not start_command(verdict.host, verdict.cluster, span):
        return ""
    return json.dumps({"host": verdict.host, "cluster": verdict.cluster, "for": span})


def _quorum_blocks(member: MemberStop | None) -> bool:
    """True if writes would stop as far as known; what one poll alone does not prove is not judged."""
    if member is None or member.quorum is None:
        return False
    return member.quorum.level is CheckLevel.BLOCK and not member.unproven


def _dangers(verdict: StopVerdict) -> str:
    found = ["writes would stop"] if _quorum_blocks(verdict.member) else []
    if verdict.data is not None and verdict.data.unreadable:
        found.append(f"{count(verdict.data.unreadable, 'volume')} could not be read while it is away")
    return " and ".join(found)


def _cautions(verdict: StopVerdict) -> str:
    found, member, data = [], verdict.member, verdict.data
    if member is not None and member.leads:
        found.append("it leads, so the leader changes")
    if member is not None and member.quorum is not None and member.quorum.level is CheckLevel.WARN:
        fact = member.quorum.fact
        spare = isinstance(fact, QuorumAfter) and fact.after.spare > 0
        found.append("not every voter is confirmed" if spare else "one more voter down stops writes")
    if data is not None and data.tight:
        found.append(f"{count(data.tight, 'volume')} can miss no more units meanwhile")
    if data is not None and data.whole_zones:
        found.append(f"{count(len(data.whole_zones), 'zone')} {_has(len(data.whole_zones))} no writable disk meanwhile")
    if data is not None and data.unwritten and not data.tight:
        found.append("new blobs may lack shards")
    return ", and ".join(found)


def _has(number: int) -> str:
    return "has" if number == 1 else "have"


_UNKNOWN: Mapping[UnknownPart, str] = MappingProxyType(
    {
        UnknownPart.LEADER: "the quorum and the volumes, because no leader is known",
        UnknownPart.VOTERS: "the health of the voters, which one poll alone does not prove",
        UnknownPart.DISK_LIST: "the disks and volumes on it, because the disk list could not be read",
        UnknownPart.DISKS: "the units on {disks}",
        UnknownPart.UNITS: "{units} of volumes that are not read",
        UnknownPart.MODES: "{volumes} of an unknown code mode",
        UnknownPart.HEARTBEATS: "the heartbeats of disks, because the leader was elected a few minutes ago",
        UnknownPart.UNPLACED: "{volumes} with units that are not listed, or on disks that are not listed",
        UnknownPart.UNEXPLAINED: "{volumes} that may miss more units than known (or are being compacted)",
    }
)


def _unknown(each: StopUnknown) -> str:
    number = each.number
    return _UNKNOWN[each.part].format(
        disks=count(number, "disk"), units=count(number, "unit"), volumes=count(number, "volume")
    )


def _unknowns(verdict: StopVerdict) -> str:
    return "; ".join(_unknown(each) for each in verdict.unknown)


def _lines(verdict: StopVerdict) -> list[str]:
    lines = []
    if verdict.member is not None:
        lines.append("\n".join(_member_lines(verdict.member, verdict.cluster)))
    if verdict.data is not None:
        lines.append("\n".join(_data_lines(verdict.data)))
    elif verdict.member is not None and not verdict.unknown:
        lines.append("*Volumes:* no disk is on it.")
    if verdict.unknown and verdict.level is StopLevel.UNSAFE:
        lines.append(f"*Not judged:* {escape(_unknowns(verdict))}. What is not judged is not safe.")
    return lines


def _member_lines(member: MemberStop, cluster: str) -> list[str]:
    lines = []
    if member.quorum is not None:
        text, fact = check_text(member.quorum), member.quorum.fact
        advice = isinstance(fact, QuorumAfter) and fact.advice not in _NO_ADVICE
        lines.append(f"*Quorum without {peers(member.peers)}:* {escape(text.ended)}")
        if advice and text.next_step:
            lines.append(f"_{escape(text.next_step)}_")
    elif member.peers:
        lines.append(f"*Quorum:* {peers(member.peers)} does not vote, so the quorum stays as it is.")
    else:
        lines.append("*Quorum:* no member of the raft group is on it.")
    if member.leads:
        to = member.successors[0] if member.successors else "<peer>"
        lines.append(
            f"*Leader:* stopping it stops writes until another voter leads. Move the leadership first: "
            f"{code(f'/cm leader transfer {to} {cluster}')}"
        )
    return lines


def _data_lines(data: DataStop) -> list[str]:
    holds = f"units of {count(data.volumes, 'volume')}" if data.volumes else "no unit that is known"
    lines = [f"*Volumes:* {count(len(data.disks), 'disk')} with {holds}."]
    if data.worst is not None:
        lines.append(f"Worst: {escape(_margin(data.worst))}")
    if data.whole_zones:
        names = listed(map(code, data.whole_zones), "or", most=_MAX_NAMED)
        lines.append(f"While it is away, no disk of {names} takes writes.")
    if data.unwritten and data.not_rebuilt is not None:
        lines.append(f"{margin_note(data.unwritten, data.not_rebuilt)}.")
    return lines


def _margin(worst: StopMargin) -> str:
    """Return the arithmetic of the worst volume."""
    sums = f"tolerates {worst.tolerated}, {worst.lost} lost, {worst.unreachable} unreachable, {worst.here} on this host"
    if worst.left < 0:
        result = "it could not be read"
    elif worst.left == 0:
        result = "it could miss no more units"
    else:
        result = f"{count(worst.left, 'more unit')} could be away"
    return f"volume #{worst.vid} ({worst.mode}): {sums}; {result}."


_KNOWN_LATER = frozenset(
    {
        UnknownPart.DISK_LIST,
        UnknownPart.DISKS,
        UnknownPart.UNITS,
        UnknownPart.HEARTBEATS,
        UnknownPart.UNPLACED,
    }
)
"""What the next polls may tell; the check of the quorum says when to ask again."""


def _again(verdict: StopVerdict) -> str:
    """When to ask again, if what is not judged is known later; "" if not."""
    parts = {each.part for each in verdict.unknown}
    if verdict.level is not StopLevel.UNKNOWN or not parts & _KNOWN_LATER:
        return ""
    when = "in some minutes" if UnknownPart.HEARTBEATS in parts else "in a minute"
    return f"Ask again {when}: {code(f'/cm safe-to-stop {verdict.host} {verdict.cluster}')}"


def _notes(verdict: StopVerdict) -> list[str]:
    notes = [again] if (again := _again(verdict)) else []
    if not verdict.allowed:
        notes.append(
            "To mute its alerts all the same: "
            + code(f"/cm maintenance start {verdict.host} {verdict.cluster} for=2h anyway=yes reason=…")
        )
    if verdict.under_way:
        names = listed(map(code, verdict.under_way), most=_MAX_NAMED)
        notes.append(f"In maintenance already, and counted as stopped: {names}.")
    if verdict.neighbours:
        notes.append(
            f"Only this port is judged: {count(verdict.neighbours, 'more address', 'more addresses')} of the same "
            "machine are known. Leave the port out to judge them all."
        )
    notes.append(f"As of {date(verdict.at, 'time')}.")
    return notes
