"""Facts of disks that are changed: their state, their volumes, the space for what moves, the work that moves it."""

from dataclasses import dataclass

from bot.operations.preflight.verdict import Fact


@dataclass(frozen=True, slots=True)
class DiskListUnread(Fact):
    """The disks of the cluster could not be read; `errors` are sentences, as recorded."""

    errors: tuple[str, ...]
