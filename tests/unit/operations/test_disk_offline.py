"""Stages of an operation that takes a disk offline, what its card offers, and how long its drop is followed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerting.cluster_state.disk_drops import DiskDrop
from bot.alerting.cluster_state.observations import DiskBreak
from bot.alerting.cluster_state.state import ClusterState, DiskNote, disk_breaks
from bot.clustermgr.models import Disk
from bot.operations.attribution import caused_by
from bot.operations.change_request import RequestOptions
from bot.operations.codec import decode_options, decode_seen, encode_request, encode_seen
from bot.operations.disk_offline import (
    FOLLOWED_SECONDS,
    OfflineStage,
    counted,
    is_followed,
    is_over,
    offers_writable,
    readonly_before,
    stage_of,
)
from bot.operations.disk_series import as_approved, may_stop, must_wait, new_warnings, part, parts_of, stopped
from bot.operations.disk_step_facts import (
    DropNotBegun,
    OfflineStep,
    OfflineStepBegun,
    PartBegun,
    PartSkipped,
    ReadonlyBefore,
    SeriesEnded,
)
from bot.operations.model import DiskCount, DropProgress, ObservedDisk, ObservedState, Operation, OpState, advance, note
from bot.operations.preflight.facts.disks import (
    CodeModesUnknown,
    DisksMissing,
    DroppingUnread,
    HeartbeatsLost,
    JudgedInTurns,
    LimitReached,
    MarginsSmaller,
    TaskIsOff,
    TaskUnknown,
    VolumesUnread,
)
from bot.operations.preflight.facts.quorum import QuorumLost
from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.preflight.verdict import Check, CheckLevel, Fact, LegacyFact, PreflightResult, block, passed, warn
from bot.operations.requests import DiskBroken, DiskOffline, DisksOffline, NodeOffline
from bot.operations.step_facts import DatabaseLost, DiskNow, StepFact
from bot.store.state_codec import decode_state, encode_state
from bot.views.blocks import MAX_BLOCKS
from bot.views.operations import card
from bot.views.step_text import WORDING
from tests.support.view_samples import seen

OFFLINE = Operation("prod", DiskOffline(7), "U0ANNA", 0.0, 900.0, channel="C0OPS")
READONLY, DROP = OfflineStepBegun(7, OfflineStep.READONLY), OfflineStepBegun(7, OfflineStep.DROP)
SEEN = DiskNow(7, 1, readonly=True)
WHY, LIMIT = LegacyFact("why"), LimitReached((), ())


def running(*facts: StepFact) -> Operation:
    op = advance(advance(OFFLINE, OpState.WAITING, at=1.0), OpState.RUNNING, at=2.0)
    for fact in facts:
        op = note(op, at=3.0, fact=fact)
    return op


@pytest.mark.parametrize(
    ("facts", "stage"),
    [
        ((), OfflineStage.NOTHING_SENT),
        ((READONLY,), OfflineStage.READONLY_ASKED),
        ((READONLY, SEEN), OfflineStage.READONLY_SEEN),
        ((READONLY, DiskNow(7, 1, readonly=False)), OfflineStage.READONLY_ASKED),
        ((ReadonlyBefore(7),), OfflineStage.READONLY_SEEN),
        ((READONLY, SEEN, DROP), OfflineStage.DROP_ASKED),
        ((ReadonlyBefore(7), DROP, SEEN), OfflineStage.DROP_ASKED),
    ],
)
def test_stage_follows_from_the_recorded_steps(facts: tuple[StepFact, ...], stage: OfflineStage) -> None:
    assert stage_of(running(*facts)) is stage


@pytest.mark.parametrize("before", [True, False])
def test_way_back_is_offered_for_what_the_operation_changed(before: bool) -> None:
    first = (ReadonlyBefore(7),) if before else (READONLY, SEEN)
    op = running(*first)
    assert readonly_before(op) is before
    assert not offers_writable(op)
    failed = advance(op, OpState.FAILED, at=4.0, fact=DropNotBegun(7, before, DatabaseLost()))
    assert offers_writable(failed) is not before


def test_drop_is_followed_until_it_is_over() -> None:
    begun = advance(running(READONLY, SEEN, DROP), OpState.VERIFIED, at=4.0)
    assert is_followed(begun, 5.0)
    assert not is_followed(begun, FOLLOWED_SECONDS)
    assert not is_followed(running(READONLY), 5.0)
    assert not is_followed(replace(begun, seen=ObservedState(drop=DropProgress(over=True))), 5.0)


@pytest.mark.parametrize(
    ("status", "dropping", "over"), [(1, True, False), (1, False, True), (5, False, True), (2, True, True)]
)
def test_drop_is_over_once_the_disk_is_not_being_dropped(status: int, dropping: bool, over: bool) -> None:
    assert is_over(status, dropping=dropping) is over


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=30))
def test_counts_of_a_drop_stay_bounded_and_within_the_total(lefts: list[int]) -> None:
    known: DropProgress | None = None
    for at, left in enumerate(lefts, start=1):
        known = counted(known, float(at), left)
        assert known.counts[-1].left == left <= known.total
        assert len(known.counts) <= 12
    seen = ObservedState(drop=known, disks=(ObservedDisk(7, "http://h:1", "/d", "z0", None, None),))
    assert decode_seen(encode_seen(seen, WORDING)) == seen


# --- several disks


def series(*facts: StepFact) -> Operation:
    op = replace(OFFLINE, request=DisksOffline((7, 8, 9)), id=12, approvals=("U0BEN",))
    op = advance(advance(op, OpState.WAITING, at=1.0), OpState.RUNNING, at=2.0)
    for fact in facts:
        op = note(op, at=3.0, fact=fact)
    return op


def test_parts_left_are_those_neither_begun_nor_skipped() -> None:
    op = series(PartBegun(7, 13), PartSkipped(8))
    parts = parts_of(op)
    assert parts.begun == {7: 13}
    assert parts.left == (9,)
    assert stopped(op, None) == SeriesEnded((7,), (9,), None)
    assert may_stop(op)
    assert not may_stop(advance(op, OpState.CANCELLED, at=4.0))


@pytest.mark.parametrize(
    ("over", "left"), [(False, "*To begin*\ndisk #9"), (True, "*Not begun*\ndisk #9")], ids=["running", "cancelled"]
)
def test_card_of_a_begun_series_never_says_that_nothing_was_sent(over: bool, left: str) -> None:
    op = series(PartBegun(7, 13), PartBegun(8, 14))
    shown = seen(card(advance(op, OpState.CANCELLED, at=4.0, fact=stopped(op, None)) if over else op))
    assert "disk #7 by operation #13 and disk #8 by operation #14" in shown
    assert left in shown
    assert "Not sent" not in shown


def test_part_keeps_the_approval_and_survives_storing() -> None:
    child = part(series(), DiskOffline(7), ObservedState(), 5.0)
    assert child.approvals == ("U0BEN",)
    assert child.state is OpState.PROPOSED
    assert child.options.thread == 12
    assert decode_options(encode_request(child)) == child.options


@pytest.mark.parametrize(
    ("checks", "waits"),
    [
        ((), 0),
        ((warn("limits", LIMIT),), 0),
        ((block("limits", LIMIT, forceable=True),), 1),
        ((block("limits", LIMIT), block("code_modes", CodeModesUnknown(1, (9,)))), 0),
        ((block("quorum", QuorumLost(1, 3, ())),), 1),
        ((block("dropping", DroppingUnread(), forceable=True), block("volumes_unread", VolumesUnread((7,), 0, 0))), 2),
        ((block("task", TaskUnknown("disk_drop", "")),), 1),
        ((block("task", TaskIsOff("disk_drop", "off")),), 1),
        ((block("disk", DisksMissing((7,))),), 0),
        ((block("limits", WHY),), 0),
    ],
)
def test_part_waits_only_for_what_may_pass_by_itself(checks: tuple, waits: int) -> None:  # type: ignore[type-arg]
    verdict = PreflightResult(checks, Fingerprint())
    assert len(must_wait(verdict)) == waits


def test_forced_limit_still_lets_a_part_wait() -> None:
    verdict = PreflightResult((block("limits", LIMIT, forceable=True),), Fingerprint()).forced()
    assert len(must_wait(verdict)) == 1


def shown(op: Operation, *checks: Check, least: int | None = None) -> Operation:
    return replace(op, seen=ObservedState(verdict=PreflightResult(checks, Fingerprint(least_left=least))))


@pytest.mark.parametrize(("least", "new"), [(2, 0), (3, 0), (1, 1), (None, 0)])
def test_smaller_margin_than_on_the_card_is_a_new_warning(least: int | None, new: int) -> None:
    verdict = PreflightResult((warn("volumes", WHY),), Fingerprint(least_left=least))
    assert len(new_warnings(shown(series(), warn("volumes", WHY), least=2), verdict)) == new
    assert len(new_warnings(shown(series(), passed("volumes", WHY), least=2), verdict)) == 1


def test_break_glass_lifts_in_a_part_what_it_lifts_on_the_card() -> None:
    verdict = PreflightResult((block("room", WHY, forceable=True), block("task", WHY, forceable=True)), Fingerprint())
    op = shown(series(), replace(warn("room", WHY), forced=True))
    assert as_approved(op, verdict) == verdict
    op = replace(op, options=RequestOptions(forced=True))
    assert [check.key for check in as_approved(op, verdict).of_level(CheckLevel.BLOCK)] == ["task"]


TURNS = warn("turns", JudgedInTurns((7,), (8,)))


@pytest.mark.parametrize("key", ["volumes_unread", "code_modes", "volumes", "place"])
def test_break_glass_lifts_no_volumes_of_a_disk_that_the_card_left_to_its_turn(key: str) -> None:
    op = replace(series(), options=RequestOptions(forced=True))
    op = shown(op, TURNS, *(replace(warn(each, WHY), forced=True) for each in (key, "room")))
    for disk, refused in ((7, []), (8, [key])):
        checks = (block(key, WHY, forceable=True), block("room", WHY, forceable=True))
        verdict = as_approved(op, PreflightResult(checks, Fingerprint(disk_ids=(disk,))))
        assert [check.key for check in verdict.of_level(CheckLevel.BLOCK)] == refused


@pytest.mark.parametrize(
    ("then", "now", "new"),
    [
        (HeartbeatsLost(2, ()), HeartbeatsLost(3, ()), 1),
        (HeartbeatsLost(2, ()), HeartbeatsLost(None, ()), 1),
        (HeartbeatsLost(2, ()), HeartbeatsLost(2, ()), 0),
        (HeartbeatsLost(2, ()), HeartbeatsLost(1, ()), 0),
        (HeartbeatsLost(None, ()), HeartbeatsLost(1, ()), 0),
        (MarginsSmaller(1, "off"), MarginsSmaller(2, "off"), 1),
        (MarginsSmaller(2, "off"), MarginsSmaller(1, "off"), 0),
        (WHY, WHY, 0),
    ],
)
def test_worse_warning_of_a_disk_that_the_card_left_to_its_turn_is_new(then: Fact, now: Fact, new: int) -> None:
    op = shown(series(), TURNS, warn("of volumes", then))
    for disk, expected in ((7, 0), (8, new)):
        verdict = PreflightResult((warn("of volumes", now),), Fingerprint(disk_ids=(disk,)))
        assert len(new_warnings(op, verdict)) == expected


# --- the lines of its disks


@pytest.mark.parametrize(("disks", "hidden"), [(64, 0), (256, 0), (1_000, 580)])
def test_card_shows_every_disk_of_a_series_or_how_many_more_there_are(disks: int, hidden: int) -> None:
    numbers = tuple(range(10_001, 10_001 + disks))
    verdict = PreflightResult((), Fingerprint(disk_ids=numbers, disk_states=(1,) * disks))
    counts = tuple(DiskCount(disk, 1.8e9, 12_345, 1, dropping=True) for disk in numbers)
    op = replace(series(*(PartBegun(disk, disk) for disk in numbers)), request=NodeOffline("10.0.1.1:8889"))
    message = card(replace(op, seen=ObservedState(verdict=verdict, counts=counts)))
    lines = [line for line in seen(message).split("\n") if line.startswith("• disk #")]
    assert len(lines) == disks - hidden
    assert all(line.endswith("*do not pull: 12,345 units*") for line in lines)
    assert (f"… and {hidden} more disks: *do not pull* before `/cm disk " in seen(message)) == bool(hidden)
    assert len(message.blocks) <= MAX_BLOCKS
    assert "more lines" not in seen(message)


# --- attribution of a broken disk


@pytest.mark.parametrize(("disk", "caused"), [(7, True), (8, False)])
def test_break_is_explained_by_the_operation_on_that_disk(disk: int, caused: bool) -> None:
    op = replace(OFFLINE, request=DiskBroken(7), id=12)
    op = advance(advance(op, OpState.WAITING, at=90.0), OpState.RUNNING, at=100.0)
    found = caused_by(DiskBreak(110.0, disk, 95.0), [advance(op, OpState.VERIFIED, at=101.0)])
    assert (found is not None) is caused


@pytest.mark.parametrize(
    ("disk", "before", "caused"), [(7, 95.0, True), (8, 95.0, False), (7, 400.0, False)], ids=["own", "other", "later"]
)
def test_drop_is_explained_by_the_operation_that_took_its_disk_offline(disk: int, before: float, caused: bool) -> None:
    op = advance(advance(replace(OFFLINE, id=12), OpState.WAITING, at=90.0), OpState.RUNNING, at=100.0)
    found = caused_by(DiskDrop(before + 60.0, disk, before), [advance(op, OpState.VERIFIED, at=103.0)])
    assert (found is not None) is caused


def test_disks_that_were_broken_before_the_first_poll_have_no_break() -> None:
    def seven(status: int) -> tuple[Disk, ...]:
        return (Disk(disk_id=7, status=status),)

    assert disk_breaks(ClusterState(), seven(2), 10.0) == ()
    found = disk_breaks(ClusterState(disks_at=5.0), seven(2), 10.0)
    assert found == (DiskBreak(10.0, 7, 5.0),)
    later = ClusterState(disks_at=10.0, disk_breaks=found, disks=(DiskNote(7, 2),))
    assert disk_breaks(later, seven(3), 20.0) == found
    assert disk_breaks(later, (), 20.0) == ()
    assert decode_state(encode_state(later)) == later
