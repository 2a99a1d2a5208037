"""Replica and Hold: who lives, and who holds which piece of the work under which fencing token. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HOUSEKEEPING = "chores"
"""The piece of work that belongs to no cluster: what is to be forgotten, closed, thinned."""


def watch_of(cluster: str) -> str:
    """The piece of work that a cluster is: its looks, its alerts, the settling of its operations."""
    return f"watch:{cluster}"


def cluster_of(task: str) -> str:
    """The inverse of `watch_of`, "" for what is no cluster."""
    return task.removeprefix("watch:") if task.startswith("watch:") else ""


@dataclass(frozen=True, slots=True)
class Replica:
    """One process: times in Unix seconds of the database's clock.

    It counts as alive before `until`, which every heartbeat moves on; `tasks` are the pieces of work that its settings
    let it do.
    """

    name: str
    since: float
    beat_at: float
    until: float
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """Who does a piece of work since when ("": nobody); `token` is one higher each time that it changes hands."""

    task: str
    holder: str
    token: int
    since: float


@dataclass(frozen=True, slots=True)
class Roster:
    """All that the database says at the time `now`: replicas alive or dead, and the holds by task."""

    now: float
    replicas: Sequence[Replica]
    holds: Mapping[str, Hold]

    @property
    def living(self) -> tuple[Replica, ...]:
        """Those whose time is not over."""
        return tuple(replica for replica in self.replicas if replica.until > self.now)

    def held_by(self, name: str) -> tuple[Hold, ...]:
        """What a replica holds, by name of the task."""
        return tuple(hold for _, hold in sorted(self.holds.items()) if hold.holder == name)
