"""What really happens with each task: the switch, the schedulers, and the disks that wait."""

from dataclasses import replace
from typing import Any

import pytest

from bot.alerting.cluster_state.background import BackgroundNote, SchedulerNote, TaskNote
from bot.alerting.cluster_state.observations import Progress, SwitchNote
from bot.alerting.cluster_state.state import ClusterState, DiskNote
from bot.alerting.cluster_state.switches import shards_not_rebuilt
from bot.alerting.progress import LeftCount
from bot.alerting.risk_facts import NotRebuilt
from bot.alerting.task_activity import activities, disk_progress, work_on_disks
from bot.clustermgr.tasks import TASKS, Dialect
from bot.views.alert_text.caveats import margin_note
from bot.views.task_activity import activity_text, schedulers_text

NOW = 10_000.0
ON = {task.keys[Dialect.V3]: "true" for task in TASKS if Dialect.V3 in task.keys}
ANSWERS = (SchedulerNote("s:1"),)
SILENT = (SchedulerNote("s:1", "timeout", silent=True),)
WORKS = BackgroundNote(1, NOW, ANSWERS, NOW)
REPAIRING = Progress(7, 3, 100.0, 200.0, 30, 60, (LeftCount(9_000.0, 60), LeftCount(9_600.0, 30)))
WAITING = Progress(8, 2, 100.0, 100.0, 60, 60, (LeftCount(9_600.0, 60),))
DROP = Progress(9, 1, 100.0, 200.0, 10, 42, (LeftCount(9_600.0, 10),))


def state(background: BackgroundNote = WORKS, **more: Any) -> ClusterState:
    return ClusterState(at=NOW, dialect="v3", disks_at=NOW, dropping_at=NOW, background=background, **more)


def said(task: str, known: ClusterState, **switches: str | None) -> str:
    values = {key: value for key, value in {**ON, **switches}.items() if value != "unread"}
    return activity_text(task, activities(values, Dialect(known.dialect), known, NOW)[task])


def note(task: str, **stats: Any) -> BackgroundNote:
    return replace(WORKS, tasks=(TaskNote(task, **stats),))


@pytest.mark.parametrize(
    ("task", "known", "switches", "words"),
    [
        ("disk_repair", state(), {}, "on; no disk needs it"),
        ("disk_repair", state(), {"disk_repair": "false"}, "off"),
        ("disk_repair", state(), {"disk_repair": None}, "off"),
        ("disk_repair", state(), {"disk_repair": "unread"}, "not known: the switch was not read"),
        (
            "disk_repair",
            state(repairs=(WAITING,)),
            {"disk_repair": "false"},
            "off; 1 disk waits to be repaired",
        ),
        (
            "disk_repair",
            state(repairs=(REPAIRING, WAITING)),
            {},
            "on: repairing 1 disk, 30 of 60 units left, 1 disk waits to be repaired",
        ),
        ("disk_repair", state(repairs=(replace(REPAIRING, counts=()),)), {}, "on: repairing 1 disk"),
        ("disk_drop", state(drops=(DROP,)), {}, "on: emptying 1 disk, 10 of 42 units left"),
        (
            "disk_drop",
            state(BackgroundNote(0, NOW), drops=(DROP,)),
            {},
            "on, but no scheduler is registered; 1 disk waits to be emptied",
        ),
        ("balance", state(BackgroundNote(0, NOW)), {}, "on, but no scheduler is registered"),
        ("balance", state(BackgroundNote(1, NOW, SILENT, NOW)), {}, "on, but no scheduler answers"),
        ("balance", state(BackgroundNote(0, NOW, ANSWERS, NOW)), {}, "on; not known (its scheduler does not say)"),
        ("balance", state(BackgroundNote(1, NOW)), {}, "on; not known (no scheduler is configured)"),
        ("balance", state(BackgroundNote()), {}, "on; not known (no scheduler is configured)"),
        ("balance", state(note("balance", working=3, finishing=2)), {}, "on: 3 under way, 2 done in the last minute"),
        ("balance", state(note("balance", working=0, finishing=0)), {}, "on; nothing to do lately"),
        (
            "shard_repair",
            state(note("shard_repair", failing=12, errors=("disk broken", "EOF", "x"))),
            {},
            "on, failing: 12 a minute: disk broken; EOF",
        ),
        (
            "shard_repair",
            state(note("shard_repair", failing=2, finishing=40)),
            {},
            "on: 40 done in the last minute, 2 failed",
        ),
        ("shard_repair", state(replace(note("shard_repair", failing=12), asked_at=1.0)), {}, "on; not known"),
    ],
)
def test_task_says_what_really_happens(
    task: str, known: ClusterState, switches: dict[str, str | None], words: str
) -> None:
    assert said(task, known, **switches).startswith(words)


def test_number_of_disks_that_is_old_is_not_known() -> None:
    old = replace(state(repairs=(WAITING,)), disks_at=1.0)
    assert said("disk_repair", old, disk_repair="false") == "off"


def test_first_release_judges_only_what_its_schedulers_do() -> None:
    """There another service repairs shards and deletes blobs."""
    known = replace(state(BackgroundNote(0, NOW)), dialect="v1")
    found = activities(dict.fromkeys(("disk_repair", "shard_repair", "balance"), "Enable"), Dialect.V1, known, NOW)
    assert activity_text("disk_repair", found["disk_repair"]) == "on, but no scheduler is registered"
    assert activity_text("shard_repair", found["shard_repair"]) == (
        "on; not known (on BlobStore v1 another service does it, which cmbot does not ask)"
    )
    kept = activities({"balance": "true"}, Dialect.V1, known, NOW)["balance"]
    assert activity_text("balance", kept) == "not known: services keep their last value"


def test_work_under_way_comes_before_what_waits() -> None:
    notes = (DiskNote(7, 3, "z0", "h7"), DiskNote(8, 2, "z1", "h8"))
    known = state(repairs=(WAITING, REPAIRING), drops=(DROP,), disks=notes)
    assert [(work.progress.id, work.drop, work.waits, work.host) for work in work_on_disks(known)] == [
        (7, False, False, "h7"),
        (9, True, False, ""),
        (8, False, True, "h8"),
    ]
    found = disk_progress(known, 7, NOW)
    assert found is not None
    assert (found.left, found.rate) == (30, 3.0)
    counted_now = disk_progress(known, 7, NOW, 10)
    assert counted_now is not None
    assert counted_now.left == 10
    assert disk_progress(known, 1, NOW, 10) is None


@pytest.mark.parametrize(
    ("background", "words"),
    [
        (BackgroundNote(), "It is not known how many schedulers are registered. None is asked"),
        (BackgroundNote(0, NOW), "No scheduler is registered."),
        (WORKS, "1 scheduler is registered. 1 of 1 scheduler answered, as of"),
        (
            BackgroundNote(2, NOW, (*SILENT, SchedulerNote("b", "unreadable"), *ANSWERS), NOW),
            "2 schedulers are registered. 2 of 3 schedulers answered, 1 without statistics, as of",
        ),
    ],
)
def test_schedulers_are_counted_or_not_known(background: BackgroundNote, words: str) -> None:
    assert schedulers_text(background, NOW).startswith(words)


@pytest.mark.parametrize(
    ("background", "why"),
    [
        (WORKS, NotRebuilt.UNSEEN),
        (BackgroundNote(), NotRebuilt.UNSEEN),
        (BackgroundNote(0, NOW), NotRebuilt.NOT_REGISTERED),
        (BackgroundNote(1, NOW, SILENT, NOW), NotRebuilt.SILENT),
        (note("shard_repair", failing=3), NotRebuilt.FAILING),
        (note("shard_repair", failing=2), None),
        (note("blob_delete", failing=30), NotRebuilt.UNSEEN),
    ],
)
def test_shards_are_not_rebuilt_while_their_task_is_not_done(
    background: BackgroundNote, why: NotRebuilt | None
) -> None:
    on = state(background, switches_at=NOW, switches={"shard_repair": SwitchNote("true", NOW)})
    assert shards_not_rebuilt(on, NOW) is why
    off = replace(on, switches={"shard_repair": SwitchNote("false", NOW)})
    assert shards_not_rebuilt(off, NOW) is NotRebuilt.OFF
    assert shards_not_rebuilt(replace(on, switches={}), NOW) is NotRebuilt.UNKNOWN


@pytest.mark.parametrize("why", NotRebuilt)
def test_every_reason_has_words_for_the_margin(why: NotRebuilt) -> None:
    assert "shard_repair" in margin_note(2, why)
    assert margin_note(2, why).endswith("each margin may be smaller by that")
