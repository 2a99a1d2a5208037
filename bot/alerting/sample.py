"""The measurement to keep of a snapshot, for summaries, trends and forecasts. No I/O."""

from bot.alerting.reports.trend import Measurement
from bot.alerting.rules.disks import bad_now
from bot.clustermgr.models import Snapshot

MAX_IDS = 100
"""With more bad disks than this only their number is kept."""


def sample_of(snapshot: Snapshot) -> Measurement | None:
    """The measurement of a snapshot (sizes in bytes); None without a leader, as the views of followers may be stale."""
    if snapshot.leader is None:
        return None
    stat = snapshot.leader[1]
    return Measurement(
        term=stat.raft_status.term,
        leader=stat.raft_status.leader,
        total=stat.space_stat.total_space,
        used=stat.space_stat.used_space,
        writable=stat.space_stat.writable_space,
        bad_disks=bad_now(snapshot),
        bad=_bad(snapshot),
        disks=stat.space_stat.total_disk,
        members=len(stat.raft_status.peers),
    )


def _bad(snapshot: Snapshot) -> tuple[int, ...] | None:
    """The ids of broken or repairing disks, None if they were not read or are too many."""
    ids = tuple(sorted(disk.disk_id for disk in snapshot.bad_disks or ()))
    return None if snapshot.bad_disks is None or len(ids) > MAX_IDS else ids
