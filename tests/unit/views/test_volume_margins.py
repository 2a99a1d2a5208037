"""The volumes of a change of disks: named on the card as far as there is room, and all of them in pages."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from bot.clustermgr.disk_facts import DiskLimits
from bot.clustermgr.models import DiskStatus
from bot.interactions.message import Message
from bot.operations.model import ObservedState, Operation, OpState, StepKind, advance
from bot.operations.preflight.check import PreflightContext, preflight
from bot.operations.preflight.disk_margins import MAX_VIDS
from bot.operations.requests import DiskAccess, DiskBroken, DiskRequest
from bot.views.operations import card, evaluation
from bot.views.ops_list import shown, volumes
from bot.views.volume_margins import ON_CARD, ON_PAGE
from bot.workflow.audit_entries import step_entry
from tests.docgen.cluster_fixture import Scene
from tests.docgen.disk_fixture import DiskScene

AT = 1_700_000_000.0
ONE_LOST, SAFE = (1, 2, 5, 7, 9, 10), (2, 3, 4, 6, 7, 8)


def operation(
    request: DiskRequest,
    volumes: Mapping[int, tuple[int, ...]],
    *,
    unread: tuple[int, ...] = (),
    broken: tuple[int, ...] = (1,),
) -> Operation:
    scene = DiskScene(
        states=dict.fromkeys(broken, DiskStatus.BROKEN),
        volumes=volumes,
        limits=DiskLimits(9, 9),
        unread=unread,
        free=90_000,
    )
    verdict = preflight(request, *Scene().snapshots(), facts=PreflightContext(disks=scene.facts()))
    op = Operation("prod", request, "U0ANNA", AT, AT + 900, seen=ObservedState(verdict=verdict), channel="C0OPS", id=12)
    return advance(op, OpState.WAITING, at=AT, by="U0ANNA", kind=StepKind.PROPOSED)


def text_of(found: Message) -> str:
    return "\n".join(block["text"]["text"] for block in found.blocks if block["type"] == "section" and "text" in block)


def labels(found: Message) -> list[str]:
    rows = [block for block in found.blocks if block["type"] == "actions"]
    return [element["text"]["text"] for row in rows for element in row["elements"]]


def named(text: str) -> list[int]:
    lines = [line for line in text.split("\n") if line.startswith("• ")]
    return [int(vid) for line in lines for vid in re.findall(r"#(\d+)", line)]


def test_card_of_a_broken_disk_names_every_volume_with_both_margins() -> None:
    op = operation(DiskBroken(7), {3: ONE_LOST, 9: ONE_LOST, 20: SAFE})
    text = text_of(card(op))
    assert "• *2 → 1*: volumes #3, #9\n• *3 → 2*: volume #20" in text
    assert "All volumes" not in labels(card(op))
    assert "• *2 → 1*: volumes #3, #9" in text_of(shown(op))


def test_card_without_room_counts_the_others_and_offers_all() -> None:
    wanted = dict.fromkeys(range(1, ON_CARD + 31), SAFE)
    op = operation(DiskBroken(7), wanted)
    text = text_of(card(op))
    assert named(text) == list(range(1, ON_CARD + 1))
    assert "… and 30 more volumes: `/cm op volumes 12` lists all" in text
    assert labels(card(op))[-1] == "All volumes"
    blocked = replace(op, state=OpState.BLOCKED)
    assert labels(card(blocked)) == ["All volumes"]


def test_pages_name_each_volume_once() -> None:
    wanted = dict.fromkeys(range(1, 1500), SAFE) | dict.fromkeys(range(5000, 5900), ONE_LOST)
    op = operation(DiskBroken(7), wanted)
    pages = [volumes(op, page) for page in (1, 2, 3)]
    found = Counter(vid for page in pages for vid in named(text_of(page)))
    assert found == Counter(wanted.keys())
    assert [len(named(text_of(page))) for page in pages] == [ON_PAGE, ON_PAGE, 399]
    assert [labels(page) for page in pages] == [["Next page"], ["Next page"], []]
    assert all("more" not in text_of(page) for page in pages)
    assert volumes(op, 99) == pages[-1]


def test_volumes_beyond_the_stored_ones_are_counted() -> None:
    op = operation(DiskBroken(7), dict.fromkeys(range(1, MAX_VIDS + 8), SAFE))
    last = volumes(op, 99)
    assert "7 volumes with the largest margins are counted, not named" in str(last.blocks[-1])


def test_unread_volumes_are_named_as_not_known() -> None:
    op = operation(DiskBroken(7), {3: ONE_LOST, 9: ONE_LOST}, unread=(9,))
    assert "1 of 2 volumes was not read in full: nothing is known" in str(volumes(op, 1).blocks)


def test_readonly_card_names_the_volumes_of_its_warning_only() -> None:
    held = {3: ONE_LOST, 9: SAFE}
    assert named(text_of(card(operation(DiskAccess(7, readonly=True), held)))) == []
    worse = card(operation(DiskAccess(7, readonly=True), held, broken=(1, 2, 5)))
    assert "*Units that each volume can lose*\n• *0*: volume #3\n• *2*: volume #9" in text_of(worse)


def test_operation_without_a_check_of_volumes_says_so() -> None:
    op = replace(operation(DiskBroken(7), {}), seen=ObservedState())
    assert "has no check of volumes" in volumes(op, 1).text


def test_audit_entry_has_no_numbers_of_volumes() -> None:
    op = operation(DiskBroken(7), dict.fromkeys(range(1, 2000), ONE_LOST), broken=(1, 2))
    assert "All volumes" in labels(card(op))
    assert len(json.dumps(step_entry(op).detail)) < 20_000


def test_dry_run_names_more_than_a_card_without_a_number() -> None:
    wanted = dict.fromkeys(range(1, 400), SAFE)
    op = replace(operation(DiskBroken(7), wanted), id=0)
    assert op.seen.verdict is not None
    text = text_of(evaluation(op, op.seen.verdict, dry_run=True))
    assert named(text) == sorted(wanted)
    assert "/cm op volumes" not in text
