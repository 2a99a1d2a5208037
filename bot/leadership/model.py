"""Replica, Hold and Assignments: active processes, and the tasks that each holds under a fencing token. No I/O.

A replica has one *lease*: the time until which the others consider it active; each heartbeat renews it. A replica has
a *hold* on each of its tasks. A hold does not expire: another replica may take the task when the lease has expired.
"""

from collections.abc import Mapping, Sequence

from bot.common.frozen import frozen

HOUSEKEEPING = "chores"
"""Task that belongs to no cluster: retention, closing what is left of removed clusters, status lines."""


def watch_of(cluster: str) -> str:
    """Task of a cluster: its polls, its alerts, the settling of its operations."""
    return f"watch:{cluster}"


def cluster_of(task: str) -> str:
    """Cluster of a task, "" for another task; the inverse of `watch_of`."""
    return task.removeprefix("watch:") if task.startswith("watch:") else ""


@frozen
class Replica:
    """One process; times are Unix seconds of the database's clock.

    The replica is active until `until`, which each heartbeat moves on. `tasks` are those that its settings allow.
    `revision` is the schema revision of its release; "" for a release before 0014.
    """

    name: str
    since: float
    beat_at: float
    until: float
    tasks: tuple[str, ...] = ()
    revision: str = ""


@frozen
class Hold:
    """Holder of a task ("" for none) since a time; `token` grows by one each time that the task changes hands."""

    task: str
    holder: str
    token: int
    since: float


@frozen
class Assignments:
    """Replicas, active or not, and holds by task, as the database has them at `now`."""

    now: float
    replicas: Sequence[Replica]
    holds: Mapping[str, Hold]

    @property
    def active(self) -> tuple[Replica, ...]:
        """Replicas whose lease has not expired."""
        return tuple(replica for replica in self.replicas if replica.until > self.now)

    def held_by(self, name: str) -> tuple[Hold, ...]:
        """Holds of a replica, sorted by task."""
        return tuple(sorted((hold for hold in self.holds.values() if hold.holder == name), key=lambda hold: hold.task))

    @property
    def version(self) -> tuple[int, int]:
        """The number of holds and the sum of their tokens: one of them grows whenever a task changes hands."""
        return len(self.holds), sum(hold.token for hold in self.holds.values())
