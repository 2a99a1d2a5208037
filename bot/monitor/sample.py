"""The measurement that is kept of a look, for summaries, trends and forecasts. Pure."""

from typing import Any

from bot.cluster.models import Snapshot
from bot.monitor.disks import bad_now


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
        "disks": stat.space_stat.total_disk,
        "members": len(stat.raft_status.peers),
    }
