"""Ports: the check of a hold before a write, and the part of the store that membership uses.

Vocabulary: work under a hold begins each writing unit of work with the hold's *check*. The check compares the fencing
token, and raises Fenced when the task has changed hands. `model.py` defines lease and hold.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bot.common.frozen import frozen
from bot.leadership.model import Assignments, Hold, Replica


class ReplicaRows(Protocol):
    """Replicas and holds in the store; all raise StoreError."""

    async def assignments(self, known: Assignments | None = None) -> Assignments:
        """Everything as of now; other replicas that decide wait until this unit of work ends.

        The holds of `known`, read earlier, are returned if no task has changed hands since.
        """

    async def beat(self, replica: Replica) -> None:
        """Save a heartbeat."""

    async def assign_all(self, holders: Mapping[str, str], now: float) -> Mapping[str, Hold]:
        """Give tasks to other replicas, each under a new token."""

    async def require_hold(self, hold: Hold) -> None:
        """Raise Fenced when the hold has passed on."""

    async def expire(self, names: Collection[str]) -> None:
        """Expire the leases of replicas and release their claims."""

    async def reset(self) -> None:
        """Release every claim and delete every replica."""

    async def delete(self, names: Collection[str]) -> None:
        """Delete replicas."""


class ReplicaUnit(Protocol):
    """One transaction."""

    @property
    def replicas(self) -> ReplicaRows:
        """Replicas."""


class ReplicaStore(Protocol):
    """The store."""

    def begin(self) -> AbstractAsyncContextManager[ReplicaUnit]:
        """Open a transaction that commits at its end, or not at all."""

    def read(self) -> AbstractAsyncContextManager[ReplicaUnit]:
        """Open a view that cannot write."""


HoldCheck = Callable[[ReplicaUnit], Awaitable[None]]
"""Check, at the start of a writing unit of work, that the hold it began under is still valid; raises Fenced if not."""


@frozen
class HeldCheck:
    """The HoldCheck of one hold; its `hold` lets many be compared in one query."""

    hold: Hold
    check: Callable[[Hold, ReplicaUnit], Awaitable[None]]

    async def __call__(self, uow: ReplicaUnit) -> None:
        """Raise Fenced if the hold has passed on."""
        await self.check(self.hold, uow)


async def no_hold_needed(_uow: ReplicaUnit) -> None:
    """The check of work that needs no hold."""


CheckOfCluster = Callable[[str], HoldCheck | None]
"""Return the check of a cluster's hold; None if this process does not hold the cluster."""


def holds_every_cluster(_cluster: str) -> HoldCheck | None:
    """A CheckOfCluster of a process that runs alone."""
    return no_hold_needed
