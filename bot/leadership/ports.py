"""Ports: fences for writes under a hold, and the part of the store that membership uses."""

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from bot.leadership.model import Hold, Replica, Roster

Fence = Callable[[Any], Awaitable[None]]
"""Check, at the start of a unit of work under a hold, that the hold is still valid; raises Fenced if it is not."""


async def unfenced(_uow: Any) -> None:
    """Fence of work that needs no hold."""


Duty = Callable[[str], Fence | None]
"""Return the fence for periodic work on a cluster; None if this process does not hold the cluster."""


def all_of_it(_cluster: str) -> Fence | None:
    """Duty of a process that holds every cluster."""
    return unfenced


class ReplicaRows(Protocol):
    """Replicas and holds in the store; all raise StoreError."""

    async def roster(self) -> Roster:
        """Everything as of now; other replicas that decide wait until this unit of work ends."""

    async def beat(self, replica: Replica) -> None:
        """Save a heartbeat."""

    async def assign(self, task: str, holder: str, now: float) -> Hold:
        """Give a task to another replica, under a new token."""

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
