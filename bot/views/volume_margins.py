"""The margin of each volume on disks that are changed: on a card as far as there is room, and in pages. No I/O."""

import json
from collections.abc import Iterator, Sequence

from slackblocks import Button

from bot.interactions.message import BlockJson, Message
from bot.operations.model import Operation
from bot.operations.preflight.facts.disks import DiskChange, MarginGroup, VolumeMargins
from bot.operations.preflight.verdict import CheckLevel, PreflightResult
from bot.views.blocks import actions, button, code, context, count, escape, message, section
from bot.views.preflight_text.table import check_text

VOLUMES, NEXT_VOLUMES = "op_volumes", "op_volumes_next"
"""Actions of the buttons that list all volumes; their value is {"op", "page"}."""
ON_CARD = 120
"""Limit of volumes that a card names."""
ON_PAGE = 1000
"""Limit of volumes that one answer names."""
_IN_SECTION = 200
_UNKNOWN = ("volumes_unread", "code_modes")
"""Checks of the volumes whose margin is not known."""
_MOST_PARTS = 20
"""Sections of one message that name volumes."""


def margins(verdict: PreflightResult, op_id: int) -> list[BlockJson]:
    """Name the volumes of a check that counts for the approval, as many as fit; without an operation a page of them."""
    fact = _concerned(verdict)
    if fact is None:
        return []
    shown = list(_slices(fact.groups, 0, ON_CARD if op_id else ON_PAGE))
    parts = list(_sections(fact, shown))
    left = fact.volumes - sum(len(vids) for _, vids in shown)
    if left > 0:
        where = f": {code(f'/cm op volumes {op_id}')} lists all" if op_id else ""
        parts.append(f"… and {count(left, 'more volume')}{where}")
    head = f"*{_head(fact.change)}*"
    if op_id:
        return [section("\n".join([head, *parts]))]
    rest = [section("\n".join(parts[_MOST_PARTS:]))] if parts[_MOST_PARTS:] else []
    return [section(head), *map(section, parts[:_MOST_PARTS]), *rest]


def all_button(op: Operation) -> tuple[Button, ...]:
    """The button that lists all volumes, where the card cannot name them."""
    fact = _concerned(op.seen.verdict) if op.seen.verdict is not None else None
    if fact is None or not op.id or fact.volumes <= ON_CARD:
        return ()
    return (button("All volumes", VOLUMES, _value(op.id, 1)),)


def volumes_command(op_id: int, page: int) -> str:
    """Command of these buttons without its /cm."""
    return f"op volumes {op_id} page={page}"


def all_volumes(op: Operation, name: str, page: int) -> Message:
    """Render one page of all volumes of an operation; `name` is its title."""
    verdict = op.seen.verdict
    fact = _fact(verdict) if verdict is not None else None
    if verdict is None or fact is None:
        text = f"Operation #{op.id} ({escape(name)}) has no check of volumes."
        return message(text, section(text))
    stored = sum(len(group.vids) for group in fact.groups)
    pages = max(1, -(-stored // ON_PAGE))
    page = min(page, pages)
    shown = list(_slices(fact.groups, (page - 1) * ON_PAGE, ON_PAGE))
    text = f"Operation #{op.id} ({escape(name)}): {count(fact.volumes, 'volume')} at the last check."
    of = f" Page {page} of {pages}." if pages > 1 else ""
    blocks = [section(f"*{text}*\n{_head(fact.change)}.{of}"), *map(section, _sections(fact, shown))]
    notes = list(_notes(verdict, fact.volumes - stored))
    if page < pages:
        notes.append(f"More: {code(f'/cm {volumes_command(op.id, page + 1)}')}")
        blocks.append(actions(button("Next page", NEXT_VOLUMES, _value(op.id, page + 1))))
    return message(f"{text}{of}", *blocks, *([context(*notes)] if notes else []))


def _value(op_id: int, page: int) -> str:
    return json.dumps({"op": op_id, "page": page})


def _fact(verdict: PreflightResult) -> VolumeMargins | None:
    check = verdict.check("volumes")
    return check.fact if check is not None and isinstance(check.fact, VolumeMargins) else None


def _concerned(verdict: PreflightResult) -> VolumeMargins | None:
    """The margins that an approver must weigh: those of a declared loss, or of a warning or a block."""
    check, fact = verdict.check("volumes"), _fact(verdict)
    if check is None or fact is None or not fact.groups:
        return None
    return fact if fact.change is DiskChange.BROKEN or check.level is not CheckLevel.PASS else None


def _head(change: DiskChange) -> str:
    if change is DiskChange.BROKEN:
        return "Units that each volume can lose, before → after"
    return "Units that each volume can lose"


def _slices(groups: Sequence[MarginGroup], start: int, room: int) -> Iterator[tuple[MarginGroup, tuple[int, ...]]]:
    """Yield the groups with their volumes from place `start` on, at most `room` volumes."""
    for group in groups:
        vids = group.vids[start : start + room]
        start = max(0, start - len(group.vids))
        room -= len(vids)
        if vids:
            yield group, vids


def _sections(fact: VolumeMargins, shown: Sequence[tuple[MarginGroup, tuple[int, ...]]]) -> Iterator[str]:
    for group, vids in shown:
        for part in (vids[at : at + _IN_SECTION] for at in range(0, len(vids), _IN_SECTION)):
            noun = "volume" if len(part) == 1 else "volumes"
            yield f"• *{_margin(fact.change, group)}*: {noun} {', '.join(f'#{vid}' for vid in part)}"


def _margin(change: DiskChange, group: MarginGroup) -> str:
    return f"{group.before} → {group.after}" if change is DiskChange.BROKEN else f"{group.after}"


def _notes(verdict: PreflightResult, unnamed: int) -> Iterator[str]:
    for key in _UNKNOWN:
        if check := verdict.check(key):
            yield escape(check_text(check).ended)
    if unnamed > 0:
        yield (
            f"{count(unnamed, 'volume')} with the largest margins {'is' if unnamed == 1 else 'are'} counted, not "
            "named: their numbers are not stored."
        )
