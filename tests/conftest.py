"""Settings of every test: hypothesis checks values, not the speed of the machine, and tries the same ones each time.

`make test` must mean the same on every machine. `make quick` tries a fifth of it; to search further:
pytest --hypothesis-profile=search.
"""

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

SLOW_MACHINES = [HealthCheck.too_slow]

settings.register_profile("cmbot", deadline=None, suppress_health_check=SLOW_MACHINES, derandomize=True)
settings.register_profile("quick", settings.get_profile("cmbot"), max_examples=20)
settings.register_profile("search", deadline=None, max_examples=1000, suppress_health_check=SLOW_MACHINES)
settings.load_profile("cmbot")


DOCS = str(Path(__file__).parents[1] / "docs") + os.sep
WRITING = os.O_WRONLY | os.O_RDWR


def docs_are_read_only(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse to open a page of docs/ for writing: a test writes to its own folder and compares."""
    if event != "open":
        return
    path, _, flags = arguments
    writes = isinstance(flags, int) and flags & WRITING
    if writes and isinstance(path, str | Path) and str(Path(path).absolute()).startswith(DOCS):
        raise PermissionError(f"A test writes to {path}: write to tmp_path and compare.")


sys.addaudithook(docs_are_read_only)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Undo what a test set up for its logging: the tests run in any order."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.setLevel(level)
    root.handlers[:] = handlers
