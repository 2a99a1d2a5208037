"""Wire models of a scheduler's statistics, in both shapes, and what they mean.

Up to v3.5.3 the parts lie flat in the answer, later they lie under `blobnode`, beside `shard` (recorded exchanges:
data_sched_idle, data_sched_repair). Numbers per minute are strings of twenty numbers, the present minute last.
"""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from bot.clustermgr.scheduler_survey import TaskStats
from bot.clustermgr.status_codes import one_line
from bot.clustermgr.wire import Count, Flag, NullIsEmpty, Text, WireModel

MAX_ERRORS = 50
"""Limit of error texts in one part."""
MAX_TASK_DISKS = 1_000
"""Limit of disks that one task works on."""
_MAX_MINUTES = 60
_MAX_SHOWN_ERRORS = 3
_MAX_ERROR = 120
_SHARE = re.compile(r": [0-9.]{1,8}%\[[0-9]{1,20}\]$")
"""The share and the number behind an error text, as in `EOF: 100.00%[24]`: they change with every minute."""
_NUMBER = re.compile(r"[0-9]{1,15}")

DiskIds = Annotated[tuple[Count, ...] | None, Field(max_length=MAX_TASK_DISKS, fail_fast=True)]
Errors = Annotated[tuple[Text, ...], Field(max_length=MAX_ERRORS, fail_fast=True), NullIsEmpty(tuple)]


class FinishedPerMinute(WireModel):
    """Tasks that ended in each minute."""

    finished_cnt: Text = ""


class TaskPart(WireModel):
    """The part of one task; which of its fields are sent depends on the task."""

    enable: Flag | None = None
    repairing_disks: DiskIds = None
    dropping_disks: DiskIds = None
    total_tasks_cnt: Count | None = None
    repaired_tasks_cnt: Count | None = None
    dropped_tasks_cnt: Count | None = None
    preparing_cnt: Count | None = None
    worker_doing_cnt: Count | None = None
    finishing_cnt: Count | None = None
    stats_per_min: FinishedPerMinute | None = None
    success_per_min: Text | None = None
    failed_per_min: Text | None = None
    time_out_per_min: Text | None = None
    err_stats: Errors = ()

    def stats(self) -> TaskStats:
        """What the part means."""
        failed = self.failed_per_min if self.failed_per_min is not None else self.time_out_per_min
        ended = self.success_per_min if self.stats_per_min is None else self.stats_per_min.finished_cnt
        done = self.repaired_tasks_cnt if self.repaired_tasks_cnt is not None else self.dropped_tasks_cnt
        return TaskStats(
            on=self.enable,
            failed=None if failed is None else per_minute(failed),
            errors=tuple(dict.fromkeys(map(error_text, self.err_stats[:_MAX_SHOWN_ERRORS]))),
            disks=self.repairing_disks if self.repairing_disks is not None else self.dropping_disks,
            total=self.total_tasks_cnt,
            done=done,
            waiting=self.preparing_cnt,
            working=self.worker_doing_cnt,
            finished=None if ended is None else per_minute(ended),
        )


class TaskParts(WireModel):
    """The parts of all tasks; a part that is absent or null is not known."""

    disk_repair: TaskPart | None = None
    disk_drop: TaskPart | None = None
    balance: TaskPart | None = None
    manual_migrate: TaskPart | None = None
    volume_inspect: TaskPart | None = None
    shard_repair: TaskPart | None = None
    blob_delete: TaskPart | None = None
    shard_disk_repair: TaskPart | None = None

    def known(self) -> Mapping[str, TaskStats]:
        """The tasks that were sent, by name."""
        parts = ((name, getattr(self, name)) for name in TaskParts.model_fields)
        return {name: part.stats() for name, part in parts if part is not None}


class SchedulerStats(TaskParts):
    """GET /stats and /stats/leader, in either shape."""

    blobnode: TaskParts | None = None
    shard: TaskParts | None = None

    def tasks(self) -> Mapping[str, TaskStats]:
        """All tasks that were sent, by name."""
        found = dict(self.known())
        for part in (self.shard, self.blobnode):
            found |= part.known() if part is not None else {}
        return found


def per_minute(text: str) -> tuple[int, ...] | None:
    """Parse `[0 0 12]`; None if it is anything else."""
    words = text.strip().removeprefix("[").removesuffix("]").split()
    if not words or len(words) > _MAX_MINUTES or not all(_NUMBER.fullmatch(word) for word in words):
        return None
    return tuple(map(int, words))


def error_text(text: str) -> str:
    """An error text on one bounded line, without the share and the number behind it."""
    return one_line(_SHARE.sub("", text[: 4 * _MAX_ERROR]), _MAX_ERROR)
