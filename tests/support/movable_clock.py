"""`cmbot` with a wall clock that a test can set: `python -m tests.support.movable_clock FILE run --config ...`.

What the interpreter says of the time of day moves with it; monotonic clocks go on, as when a system clock is set.
"""

import signal
import sys
import time
from pathlib import Path
from typing import Any

import time_machine

from bot.cli.main import main


def run(file: Path, arguments: list[str]) -> int:
    """Run the program; each signal sets the clock by what the file says then."""
    with time_machine.travel(time.time(), tick=True) as clock:

        def move(_signal: int, _frame: Any) -> None:
            clock.shift(float(file.read_text()))

        signal.signal(signal.SIGUSR1, move)
        return main(arguments)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2:]))
