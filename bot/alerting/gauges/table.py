"""The table of the gauges of a cluster: name, meaning, labels, number of series and reader of each."""

from collections.abc import Callable, Iterable

from bot.alerting.cluster_status import StatusLevel
from bot.alerting.gauges import raft, storage, work
from bot.alerting.gauges.facts import MAX_PEERS, GaugeFacts, WatchFacts, one
from bot.clustermgr.tasks import TASKS
from bot.telemetry.families import Family, MetricInfo, Sample

CLUSTER = "cluster"
"""The first label of each of these gauges."""
_TASKS = len(TASKS)


def _gauge(name: str, about: str, *labels: str, series: str = "1") -> MetricInfo:
    return MetricInfo(f"cmbot_cluster_{name}", "gauge", about, (CLUSTER, *labels), series)


WATCHED: tuple[Family[WatchFacts], ...] = (
    Family(_gauge("configured", "1 for each cluster of the settings, on every replica."), lambda _: one(1)),
    Family(
        _gauge("poll_interval_seconds", "Time between polls in the settings, on every replica."),
        lambda facts: one(facts.interval),
    ),
    Family(
        _gauge("up", "1 while the last poll is current and a host answered it, else 0; on the replica that polls it."),
        lambda facts: one((facts.current and facts.answered) if facts.here else None),
    ),
    Family(
        _gauge("data_age_seconds", "Time since the last poll; on the replica that polls it."),
        lambda facts: one(facts.age if facts.here else None),
    ),
)
"""Read of every configured cluster."""

_Read = Callable[[GaugeFacts], Iterable[Sample]]


def _space(name: str, about: str, read: _Read) -> Family[GaugeFacts]:
    return Family(_gauge(f"space_{name}_bytes", about), read)


FAMILIES: tuple[Family[GaugeFacts], ...] = (
    Family(
        _gauge(
            "status", "1 for the status that the cluster has, 0 for each other.", "status", series=f"{len(StatusLevel)}"
        ),
        raft.status,
    ),
    Family(_gauge("host_up", "1 for a host that gave a usable answer.", "host", series="hosts"), raft.hosts),
    Family(_gauge("leader_known", "1 while a host leads, or all hosts name one leader."), raft.leader_known),
    Family(_gauge("leader_peer", "Id of the leader, while one is known."), raft.leader_peer),
    Family(_gauge("term", "The highest term of all answers."), raft.term),
    Family(_gauge("read_only", "1 while the leader reports read_only (where the release sends it)."), raft.read_only),
    Family(
        _gauge("peers", "Members of the raft group in the view of their leader.", "role", "state", series="8"),
        raft.peers,
    ),
    Family(
        _gauge(
            "peer_lag_entries",
            "Committed log entries that a member has not confirmed.",
            "peer",
            series=f"peers (at most {MAX_PEERS})",
        ),
        raft.lags,
    ),
    Family(_gauge("voters", "Voters by the proof of their health.", "health", series="3"), raft.voters),
    Family(
        _gauge("quorum_margin", "Voters that can fail before writes stop; below 0 they may have stopped."), raft.margin
    ),
    Family(_gauge("disks", "Disks of a zone by the leader's counters.", "zone", series="zones"), storage.disks),
    Family(
        _gauge(
            "disks_counted",
            "Disks by the leader's counters, which overlap and lag by minutes.",
            "zone",
            "state",
            series=f"zones x {len(storage.COUNTED_STATES)}",
        ),
        storage.disks_counted,
    ),
    Family(
        _gauge(
            "disks_listed",
            "Disks in the cluster's lists: broken and repairing as of the last poll, dropping at most 10 minutes old.",
            "zone",
            "state",
            series=f"zones x {len(storage.LISTED_STATES)}",
        ),
        storage.disks_listed,
    ),
    Family(_gauge("chunks", "Chunks by the leader's counters.", "zone", "state", series="zones x 2"), storage.chunks),
    _space("total", "All space of the disks.", storage.space(lambda space: space.total_space)),
    _space("free", "Free space of the disks.", storage.space(lambda space: space.free_space)),
    _space("used", "Used space of the disks.", storage.space(lambda space: space.used_space)),
    _space("writable", "Space that can be written as user data.", storage.space(lambda space: space.writable_space)),
    Family(
        _gauge(
            "full_timestamp_seconds", "When the cluster will be full by its trend, while that is known well enough."
        ),
        storage.full_at,
    ),
    Family(_gauge("volumes", "Volumes."), storage.volumes),
    Family(
        _gauge("volumes_in_state", "Volumes by state.", "state", series=f"{len(storage.VOLUME_STATES)}"),
        storage.volumes_in_state,
    ),
    Family(
        _gauge(
            "volumes_at_risk",
            "Volumes with units that are lost or unreachable, by the number of units that they can lose yet.",
            "margin",
            series=f"{len(storage.MARGINS)}",
        ),
        storage.volumes_at_risk,
    ),
    Family(
        _gauge("volumes_judged", "1 while every volume that may be at risk was judged by current reads, else 0."),
        storage.judged,
    ),
    Family(
        _gauge(
            "switch_enabled",
            "1 for a background task that is switched on, 0 for one that is off.",
            "task",
            series=f"tasks of the release (at most {_TASKS})",
        ),
        work.switches_enabled,
    ),
    Family(
        _gauge(
            "tasks",
            "Tasks of the schedulers, if the settings allow to ask them.",
            "kind",
            "state",
            series=f"0, or kinds (at most {_TASKS}) x 3",
        ),
        work.tasks,
    ),
    Family(
        _gauge("task_disks", "Disks under way in a kind of task.", "kind", series=f"0, or kinds (at most {_TASKS})"),
        work.task_disks,
    ),
    Family(
        _gauge(
            "task_recent_failures",
            "Failures of a kind of task in the last whole minute.",
            "kind",
            series=f"0, or kinds (at most {_TASKS})",
        ),
        work.task_failures,
    ),
    Family(
        _gauge(
            "schedulers",
            "Schedulers that are registered, and of those that may be asked the ones that answer or are silent.",
            "state",
            series="at most 3",
        ),
        work.schedulers,
    ),
    Family(_gauge("alerts", "Announced alerts that are not resolved.", "state", "severity", series="9"), work.alerts),
)
"""Read of every cluster whose last poll is current, by the replica that polls it."""

INFOS: tuple[MetricInfo, ...] = (*(family.info for family in WATCHED), *(family.info for family in FAMILIES))
"""What the manual says of each; the number of series is that of one cluster."""
