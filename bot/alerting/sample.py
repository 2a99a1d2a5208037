"""The measurement that is kept of a look, for summaries, trends and forecasts. Pure."""

from typing import Any

from bot.alerting.rules.disks import bad_now
from bot.clustermgr.models import Snapshot

MOST_IDS = 100
"""Of so many bad disks the numbers are kept; with more of them a summary tells how many."""


def sample_of(snapshot: Snapshot) -> dict[str, Any] | None:
    """The measurement that is kept of a look (sizes in bytes), None without a leader: followers' views may be stale."""
    if snapshot.leader is None:
        return None
    stat = snapshot.leader[1]
    return {
        "term": stat.raft_status.term,
        "leader": stat.raft_status.leader,
        "total": stat.space_stat.total_space,
        "used": stat.space_stat.used_space,
        "writable": stat.space_stat.writable_space,
        "bad_disks": bad_now(snapshot),
        **_bad(snapshot),
        "disks": stat.space_stat.total_disk,
        "members": len(stat.raft_status.peers),
    }


def _bad(snapshot: Snapshot) -> dict[str, Any]:
    """Which disks are broken or being repaired, where that was read."""
    ids = sorted(disk.disk_id for disk in snapshot.bad_disks or ())
    return {} if snapshot.bad_disks is None or len(ids) > MOST_IDS else {"bad": ids}
