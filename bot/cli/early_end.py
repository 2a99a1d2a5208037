"""Signals before the program has begun: SIGTERM and SIGINT end it, and SIGHUP does not.

The kernel ignores a signal without a handler for the first process of a container, so a container that is stopped
while it starts would go on until it is killed. An interrupt while modules are loaded would show a traceback.
"""

import os
import signal
from functools import partial
from typing import NoReturn

_TERMINATED = 143
"""Exit status of a program that SIGTERM ended."""
_INTERRUPTED = 130
"""That of one that SIGINT ended."""


def end_by_signal(command: str) -> None:
    """Let SIGTERM and SIGINT end the process at once: `run` in order, as nothing has begun.

    Other processes keep the handler of the system for SIGTERM, which ends them too, except the first of a container.
    """
    if command == "run" or os.getpid() == 1:
        signal.signal(signal.SIGTERM, partial(_end, 0 if command == "run" else _TERMINATED))
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, partial(_end, 0 if command == "run" else _INTERRUPTED))


def raise_on_interrupt(command: str) -> None:
    """Let SIGINT raise KeyboardInterrupt again, now that it is caught; `run` soon sets others."""
    handler = signal.getsignal(signal.SIGINT)
    if command != "run" and isinstance(handler, partial) and handler.func is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def outlive_sighup(command: str) -> None:
    """Let `run` go on after a SIGHUP that comes before it can reload: it reads the settings after this anyway.

    A function, not SIG_IGN, which a child process would inherit.
    """
    if command == "run":
        signal.signal(signal.SIGHUP, lambda *_: None)


def _end(status: int, *_: object) -> NoReturn:
    os._exit(status)
