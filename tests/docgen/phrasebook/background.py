"""Samples of the answers about background work: repairs and drops, and what happens with each task."""

from collections.abc import Iterator
from dataclasses import replace

from bot.alerting.cluster_state.background import BackgroundNote, SchedulerNote, TaskNote
from bot.alerting.cluster_state.observations import Progress
from bot.alerting.progress import LeftCount, WorkProgress
from bot.alerting.pull_safety import pull_safety
from bot.alerting.task_activity import ActivityKind, TaskActivity, WorkOnDisk
from bot.clustermgr.models import Snapshot
from bot.clustermgr.tasks import DetectedDialect, Dialect, DialectEvidence, EvidenceKind, HostDialect
from bot.views.disks import disk
from bot.views.repairs import RepairReport, repairs
from bot.views.tasks import tasks
from tests.docgen.phrasebook.render import Sample, Section
from tests.support import view_samples
from tests.support.view_samples import AT, HOSTS

V3 = DetectedDialect(Dialect.V3, DialectEvidence(EvidenceKind.PROBED, (HostDialect(HOSTS[0], Dialect.V3),)))
BACKGROUND = BackgroundNote(
    2,
    AT,
    (SchedulerNote("10.0.0.5:9800"), SchedulerNote("10.0.0.6:9800", "timeout", silent=True)),
    AT,
    (TaskNote("disk_repair", disks=2, total=120, done=80, finishing=4),),
)
ACTIVITIES = {
    "disk_repair": TaskActivity(ActivityKind.WORKING, 3, 2, 40, 120),
    "balance": TaskActivity(ActivityKind.WORKING, working=3, ended=2),
    "disk_drop": TaskActivity(ActivityKind.NOT_REGISTERED, 1),
    "blob_delete": TaskActivity(ActivityKind.IDLE),
    "shard_repair": TaskActivity(ActivityKind.FAILING, per_minute=12, errors=("disk broken",)),
    "volume_inspect": TaskActivity(ActivityKind.SILENT),
    "data_inspect": TaskActivity(ActivityKind.NOT_KNOWN),
    "shard_node_blob_delete": TaskActivity(ActivityKind.NOT_KNOWN, configured=False),
    "shard_disk_repair": TaskActivity(ActivityKind.OFF),
}


def sections() -> Iterator[Section]:
    """Yield the sections."""
    yield _repairs()
    yield Section(
        "Background tasks, with the schedulers (`/cm tasks`)",
        (Sample("each kind of activity", tasks(_switches_on(), V3, ACTIVITIES, BACKGROUND)),),
    )


def _switches_on() -> Snapshot:
    return replace(view_samples.healthy(), switches={**dict.fromkeys(ACTIVITIES, "true"), "shard_disk_repair": "false"})


def _work(number: int, status: int, *counts: tuple[float, int], drop: bool = False) -> WorkOnDisk:
    taken = tuple(LeftCount(AT - ago, left) for ago, left in counts)
    return WorkOnDisk(Progress(number, status, AT - 3600, AT, None, 120, taken), drop, "http://10.0.0.7:8899", "z0")


def _repairs() -> Section:
    found = (
        _work(7, 3, (600, 80), (0, 48)),
        _work(8, 3, (900, 60), (0, 60)),
        _work(9, 1, (0, 30), drop=True),
        _work(10, 2, (0, 120)),
        _work(11, 2),
    )
    idle = {"disk_repair": TaskActivity(ActivityKind.IDLE, 0)}
    stopped = {"disk_repair": TaskActivity(ActivityKind.OFF, 4), "disk_drop": TaskActivity(ActivityKind.SILENT, 1)}
    one, units = view_samples.disk(7, status=3), (12 << 32 | 1 << 24 | 1,)
    safety, progress = pull_safety(one, units, AT, None), WorkProgress(48, 120, 3.2, 600.0)
    return Section(
        "Repairs and drops (`/cm repairs`, `/cm disk`)",
        (
            Sample("under way", repairs(RepairReport("prod", found, AT, AT, idle, BACKGROUND))),
            Sample("the tasks do not run", repairs(RepairReport("prod", found[:1], AT, AT, stopped))),
            Sample("none", repairs(RepairReport("prod", (), AT, AT))),
            Sample("the database is silent", repairs(RepairReport("prod", (), AT, AT, own_known=False))),
            Sample("not listed yet", repairs(RepairReport("prod", (), 0.0, AT))),
            Sample("one disk that is being repaired", disk("prod", one, safety, at=AT, progress=progress)),
        ),
    )
