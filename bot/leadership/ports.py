"""What membership and the fence need of the store: the slice of the unit of work that they use."""

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from bot.leadership.model import Hold, Replica, Roster

Fence = Callable[[Any], Awaitable[None]]
"""Called first in a writing unit of work that is done in a holder's name; raises Fenced when it holds that no more."""


async def unfenced(_uow: Any) -> None:
    """The Fence of what is done in nobody's name."""


Duty = Callable[[str], Fence | None]
"""Whether what the clock asks for on a cluster is this process's to do: what to check when writing, or None."""


def all_of_it(_cluster: str) -> Fence | None:
    """The Duty of a process that does everything."""
    return unfenced


class ReplicaRows(Protocol):
    """Replicas and holds in the store; all raise StoreError."""

    async def roster(self) -> Roster:
        """All of it as of now; whoever decides after us waits until we are done."""

    async def beat(self, replica: Replica) -> None:
        """Note that it lives."""

    async def assign(self, task: str, holder: str, now: float) -> Hold:
        """Give a piece of work to somebody else, under a new token."""

    async def fence(self, hold: Hold) -> None:
        """Raise Fenced when the hold has passed on."""

    async def expire(self, names: Collection[str]) -> None:
        """Free what the dead had claimed."""

    async def bury_all(self) -> None:
        """Free whatever was claimed, and forget every replica."""

    async def forget(self, names: Collection[str]) -> None:
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
