"""Run cmbot with a system clock that can be set: `python -m tests.shifted FILE run --config …`.

SIGUSR1 shifts the wall clock of the process by the seconds in FILE. Monotonic clocks go on, as on a real machine.
"""

import runpy
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import time_machine


def main() -> None:
    """Run the program under a clock that SIGUSR1 sets."""
    file = Path(sys.argv.pop(1))
    with time_machine.travel(datetime.now(UTC), tick=True) as clock:
        signal.signal(signal.SIGUSR1, lambda *_: clock.shift(float(file.read_text())))
        file.with_suffix(".ready").touch()
        runpy.run_module("bot", run_name="__main__", alter_sys=False)


if __name__ == "__main__":
    main()
