"""`python -m tests.e2e.program_at SECONDS …`: the program with a clock that starts at SECONDS (Unix time)."""

import sys

import time_machine

from bot.cli.main import main


def run(start: float, arguments: list[str]) -> int:
    """Run the program as if it had been started at that time."""
    with time_machine.travel(start, tick=True):
        return main(arguments)


if __name__ == "__main__":
    sys.exit(run(float(sys.argv[1]), sys.argv[2:]))
