"""Port of the command that reads the settings again, and what came of it. No I/O."""

from typing import Protocol

from bot.common.frozen import frozen


@frozen
class Reloaded:
    """The outcome of a reload on one replica: its name, what changed (one line each), and how many others run."""

    replica: str
    changes: tuple[str, ...]
    others: int = 0


class SettingsPort(Protocol):
    """Reads the settings again."""

    async def reload(self, by: str, *, everywhere: bool = False) -> Reloaded:
        """Validate the settings as they are now and take them over; raises UserError if anything refuses them.

        With `everywhere` the other replicas read theirs too.
        """
