"""`cmbot replicas`: the replicas, their heartbeats and their tasks as a table for a terminal."""

import time
from collections.abc import Callable, Sequence

from rich.table import Table
from rich.text import Text

from bot.leadership.model import HOUSEKEEPING, Replica, Roster, cluster_of
from bot.operations.model import Operation, OpState
from bot.store.database import Store
from bot.views.text import clean


async def read_replicas(url: str, clock: Callable[[], float] = time.time) -> tuple[Roster, Sequence[Operation]]:
    """Return all replicas with their tasks, and the running operations; raise ConfigError, StoreError."""
    async with Store.existing(url, clock=clock) as store, store.read() as uow:
        return await uow.replicas.roster(), await uow.operations.in_state(OpState.RUNNING)


def table(roster: Roster, running: Sequence[Operation]) -> Table:
    """Render one line for each replica, the active ones first."""
    shown = Table("replica", "since", "last heartbeat", "clusters", "operations", box=None, pad_edge=False)
    for replica in sorted(roster.replicas, key=lambda each: (not _is_active(each, roster), each.since, each.name)):
        held = [hold.task for hold in roster.held_by(replica.name)] if _is_active(replica, roster) else []
        clusters = [name for task in held if (name := cluster_of(task))]
        shown.add_row(
            *map(
                _plain,
                (
                    f"{replica.name}{' (housekeeping)' if HOUSEKEEPING in held else ''}",
                    time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(replica.since)),
                    _heartbeat(replica, roster),
                    ", ".join(clusters) or "-",
                    ", ".join(f"#{op.id} on {op.cluster}" for op in running if op.runner == replica.name) or "-",
                ),
            )
        )
    return shown


def unheld(roster: Roster) -> tuple[str, ...]:
    """Return the clusters that no active replica watches."""
    living = {replica.name for replica in roster.active}
    tasks = {task for replica in roster.replicas for task in replica.tasks}
    held = {task for task, hold in roster.holds.items() if hold.holder in living}
    return tuple(name for task in sorted(tasks - held) if (name := cluster_of(task)))


def _is_active(replica: Replica, roster: Roster) -> bool:
    return replica.until > roster.now


def _heartbeat(replica: Replica, roster: Roster) -> str:
    ago = f"{max(0.0, roster.now - replica.beat_at):.0f} s ago"
    return ago if _is_active(replica, roster) else f"{ago}: expired"


def _plain(text: str) -> Text:
    return Text(clean(text))
