"""The program on SQLite, with commands of the bench on standard input: how many clusters it polls, how it writes.

Run as `python -m tests.bench.steered run --config FILE`. It obeys one command a line and answers each with a line of
JSON: `polled N` polls only the first N clusters from now on, so that the load falls; `written` changes nothing. The
answer is the number of writing transactions since the start.
"""

import json
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Engine, event

from bot.cli.main import main
from bot.leadership.model import Hold
from bot.runtime import polling
from bot.runtime.parts import App


@dataclass(slots=True)
class Steering:
    """What the bench sets and reads; the clusters are `c0`, `c1`, …; `queue` and `under` poll one of them."""

    queue: Callable[[App, str], Awaitable[None]]
    under: Callable[[App, str, Hold], Awaitable[None]]
    polled: float = float("inf")
    transactions: int = 0

    def executed(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        """Count the transactions that may write (a listener of SQLAlchemy's engines)."""
        self.transactions += statement == "BEGIN IMMEDIATE"

    async def poll(self, app: App, cluster: str) -> None:
        """Poll a cluster in its turn if it is one of those that are polled."""
        if self._is_polled(cluster):
            await self.queue(app, cluster)

    async def poll_under(self, app: App, cluster: str, hold: Hold) -> None:
        """Poll a cluster in whose turn it is still polled: as the program does after another one has taken it over."""
        if self._is_polled(cluster):
            await self.under(app, cluster, hold)

    def _is_polled(self, cluster: str) -> bool:
        return int(cluster.removeprefix("c")) < self.polled

    def obey(self, lines: Iterable[str]) -> None:
        """Obey commands until the input ends."""
        for line in lines:
            word, *rest = line.split()
            if word == "polled":
                self.polled = int(rest[0])
            print(json.dumps(self.transactions), flush=True)  # noqa: T201 - for the parent


def run() -> int:
    """Run the command line with these changes."""
    steering = Steering(polling.poll, polling.poll_under)
    polling.poll, polling.poll_under = steering.poll, steering.poll_under  # the table of jobs takes it at the start
    event.listen(Engine, "before_cursor_execute", steering.executed)
    threading.Thread(target=steering.obey, args=[sys.stdin], daemon=True).start()
    return main()


if __name__ == "__main__":
    sys.exit(run())
