"""Signals before the program has begun: SIGTERM ends it, and SIGHUP does not.

The kernel ignores a signal without a handler for the first process of a container, so a container that is stopped
while it starts would go on until it is killed.
"""

import os
import signal
from typing import NoReturn

_TERMINATED = 143
"""Exit status of a program that SIGTERM ended."""


def end_on_sigterm(command: str) -> None:
    """Let SIGTERM end the process at once: `run` in order, as nothing has begun; a first process with status 143.

    Every other process keeps the handler of the system, which ends it too.
    """
    if command != "run" and os.getpid() != 1:
        return

    def end(*_: object) -> NoReturn:
        os._exit(0 if command == "run" else _TERMINATED)

    signal.signal(signal.SIGTERM, end)


def outlive_sighup(command: str) -> None:
    """Let `run` go on after a SIGHUP that comes before it can reload: it reads the settings after this anyway.

    A function, not SIG_IGN, which a child process would inherit.
    """
    if command == "run":
        signal.signal(signal.SIGHUP, lambda *_: None)
