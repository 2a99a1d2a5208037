"""`cmbot replicas`: the replicas, their heartbeats and their tasks as a table for a terminal."""

import time
from collections.abc import Callable, Sequence

from rich.table import Table
from rich.text import Text

from bot.leadership.model import HOUSEKEEPING, Assignments, Replica, cluster_of
from bot.operations.model import Operation, OpState
from bot.store.database import Store
from bot.views.text import clean


async def read_replicas(url: str, clock: Callable[[], float] = time.time) -> tuple[Assignments, Sequence[Operation]]:
    """Return all replicas with their tasks, and the running operations; raise ConfigError, StoreError."""
    async with Store.existing(url, clock=clock) as store, store.read() as uow:
        return await uow.replicas.assignments(), await uow.operations.in_state(OpState.RUNNING)


def table(assignments: Assignments, running: Sequence[Operation]) -> Table:
    """Render one line for each replica, the active ones first."""
    shown = Table("replica", "since", "last heartbeat", "clusters", "operations", box=None, pad_edge=False)
    ranked = sorted(assignments.replicas, key=lambda each: (not _is_active(each, assignments), each.since, each.name))
    for replica in ranked:
        held = [hold.task for hold in assignments.held_by(replica.name)] if _is_active(replica, assignments) else []
        clusters = [name for task in held if (name := cluster_of(task))]
        shown.add_row(
            *map(
                _plain,
                (
                    f"{replica.name}{' (housekeeping)' if HOUSEKEEPING in held else ''}",
                    time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(replica.since)),
                    _heartbeat(replica, assignments),
                    ", ".join(clusters) or "-",
                    ", ".join(f"#{op.id} on {op.cluster}" for op in running if op.runner == replica.name) or "-",
                ),
            )
        )
    return shown


def unheld(assignments: Assignments) -> tuple[str, ...]:
    """Return the clusters that no active replica watches."""
    living = {replica.name for replica in assignments.active}
    tasks = {task for replica in assignments.replicas for task in replica.tasks}
    held = {task for task, hold in assignments.holds.items() if hold.holder in living}
    return tuple(name for task in sorted(tasks - held) if (name := cluster_of(task)))


def _is_active(replica: Replica, assignments: Assignments) -> bool:
    return replica.until > assignments.now


def _heartbeat(replica: Replica, assignments: Assignments) -> str:
    ago = f"{max(0.0, assignments.now - replica.beat_at):.0f} s ago"
    return ago if _is_active(replica, assignments) else f"{ago}: expired"


def _plain(text: str) -> Text:
    return Text(clean(text))
