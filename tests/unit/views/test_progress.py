"""Progress in words: the bar, what is left, the estimate with its basis, and why there is none."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerting.cluster_state.background import BackgroundNote, SchedulerNote, TaskNote
from bot.alerting.cluster_state.observations import Progress
from bot.alerting.details import DisksBroken
from bot.alerting.progress import LeftCount, WorkProgress
from bot.alerting.task_activity import ActivityKind, TaskActivity, WorkOnDisk
from bot.views.alert_text.disks import repair_step
from bot.views.progress import progress_line
from bot.views.repairs import MAX_ROWS, RepairReport, repairs
from bot.views.task_activity import schedulers_text
from bot.views.text import date
from tests.support.view_samples import AT, HOSTILE, assert_harmless, assert_postable, seen


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (None, "the units left are not counted yet"),
        (WorkProgress(120, 120), "░░░░░░░░░░ 0 %: 120 of 120 units left; no rate yet: one count is known"),
        (
            WorkProgress(48, 120, 3.2, 600.0),
            "██████░░░░ 60 %: 48 of 120 units left; about 15 min at 3.2 units a minute over the last 10 min",
        ),
        (
            WorkProgress(9_000, 10_000, 1, 600.0),
            "█░░░░░░░░░ 10 %: 9,000 of 10,000 units left; about 6 d 6 h at 1 unit a minute over the last 10 min",
        ),
        (
            WorkProgress(48, 120, stalled_since=AT - 720),
            f"██████░░░░ 60 %: 48 of 120 units left; no unit moved since {date(1699999280, 'minute')}",
        ),
        (WorkProgress(0, 120, 3.2, 600.0), "██████████ 100 %: no unit left; it ends soon"),
        (
            WorkProgress(1, 1_000, 2.0, 60.0),
            "█████████░ 99 %: 1 of 1,000 units left; about 1 min at 2 units a minute over the last 1 min",
        ),
    ],
)
def test_line_has_an_estimate_with_its_basis_or_none(progress: WorkProgress | None, line: str) -> None:
    assert progress_line(progress) == line


def test_answer_says_for_how_long_no_unit_moved() -> None:
    stalled = WorkProgress(48, 120, stalled_since=AT - 720)
    assert progress_line(stalled, now=AT).endswith("no unit moved for 12 min")


@given(st.integers(0, 20_000), st.integers(0, 20_000), st.floats(0.001, 1e6) | st.none())
def test_only_an_empty_disk_shows_the_end(left: int, more: int, rate: float | None) -> None:
    line = progress_line(WorkProgress(left, left + more, rate, 60.0 if rate else None))
    assert ("100 %" in line) == (left == 0)


def work(number: int, *, drop: bool = False, status: int = 3, host: str = "http://10.0.0.7:8899") -> WorkOnDisk:
    counts = (LeftCount(AT - 600, 60), LeftCount(AT, 30))
    return WorkOnDisk(Progress(number, status, AT - 900, AT, 30, 60, counts), drop, host, "z0")


def test_many_repairs_are_bounded_and_counted() -> None:
    shown = repairs(RepairReport("prod", [work(number) for number in range(1, 200)], AT, AT))
    assert_postable(shown)
    assert shown.text == "prod: 199 disks being repaired."
    assert f"{199 - MAX_ROWS} more disks not shown." in seen(shown)


def test_scheduler_counts_stand_beside_the_units() -> None:
    stats = TaskNote("disk_drop", disks=1, total=18, done=12, finishing=3)
    background = BackgroundNote(1, AT, (SchedulerNote("s:1"),), AT, (stats,))
    tasks = {"disk_drop": TaskActivity(ActivityKind.OFF, 1)}
    text = seen(repairs(RepairReport("prod", [work(9, drop=True, status=1)], AT, AT, tasks, background)))
    assert "prod: 1 disk being emptied." in text
    assert "`disk_drop` is off; 1 disk waits to be emptied. To turn it on: `/cm task enable disk_drop prod`" in text
    assert "The scheduler counts 12 of 18 tasks done for `disk_drop` of 1 disk, 3 in the last minute." in text
    assert "30 of 60" in text


def test_cluster_that_was_never_listed_says_so() -> None:
    assert repairs(RepairReport("prod", (), 0.0, AT)).text == "The disks of prod were not listed yet."
    assert repairs(RepairReport("prod", (), AT, AT)).text == "No disk of prod is being repaired or emptied."


def test_each_count_has_its_time() -> None:
    shown = seen(repairs(RepairReport("prod", [work(7)], AT, AT)))
    assert date(AT, "time") in shown


def test_answer_without_the_operations_says_so() -> None:
    text = seen(repairs(RepairReport("prod", (), AT, AT, own_known=False)))
    assert "a drop that cmbot began in the last minute may be missing" in text


def test_unknown_state_of_a_disk_stays_a_number() -> None:
    assert "state 9" in seen(repairs(RepairReport("prod", [work(7, status=9)], AT, AT)))


def test_hostile_host_is_harmless() -> None:
    assert_harmless(repairs(RepairReport("prod", [work(7, host=HOSTILE)], AT, AT)))


def test_old_lists_are_called_old_and_each_has_its_time() -> None:
    shown = repairs(RepairReport("prod", [work(7)], AT - 1, AT, dropping_at=AT - 57))
    assert shown.text == "prod: 1 disk being repaired, listed 57 s ago."
    assert "Broken disks as of" in seen(shown)
    assert "disks being dropped as of" in seen(shown)


def test_settings_are_not_blamed_where_no_scheduler_is_registered() -> None:
    none = BackgroundNote(registered=0, registered_at=AT)
    assert schedulers_text(none, AT) == "No scheduler is registered."
    assert "`schedulers` in the settings" in schedulers_text(replace(none, registered=1), AT)


@pytest.mark.parametrize(
    ("repair_on", "step"),
    [
        (True, "`disk_repair` is on, but no scheduler is registered, so no repair runs: start a scheduler."),
        (False, "`disk_repair` is *off*: enable it. No scheduler is registered either: start one."),
        (None, "No scheduler is registered, so no repair runs: start a scheduler."),
    ],
)
def test_next_step_without_a_scheduler_is_to_start_one(repair_on: bool | None, step: str) -> None:
    assert repair_step(DisksBroken(1, 0, repair_on=repair_on, waiting_since=AT, no_scheduler=True)) == step
