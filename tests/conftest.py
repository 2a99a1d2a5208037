"""Settings of every test: hypothesis checks values, not the speed of the machine, and tries the same ones each time.

`make test` must mean the same on every machine. `make quick` tries a fifth of it; to search further:
pytest --hypothesis-profile=search.
"""

import gc
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.support.memory_folder import memory_folder

SLOW_MACHINES = [HealthCheck.too_slow]

settings.register_profile("cmbot", deadline=None, suppress_health_check=SLOW_MACHINES, derandomize=True)
settings.register_profile("quick", settings.get_profile("cmbot"), max_examples=20)
settings.register_profile("search", deadline=None, max_examples=1000, suppress_health_check=SLOW_MACHINES)
settings.load_profile("cmbot")

# The folders of pytest too; the programs that tests start keep the folder of the environment.
tempfile.tempdir = os.environ.get("TMPDIR") or memory_folder()

LONGEST_FIRST = ("e2e", "property", "component")
"""Folders whose tests start first: a long test that starts last leaves all other workers without work."""


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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the folders that take longest, and give each worker a share of them; a file stays together."""
    tests = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(tests).parts[0]
        return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=place)
    # xdist gives each worker as many tests, in the order of the list; what one has left at the end, others take.
    shares: list[list[pytest.Item]] = [[] for _ in range(getattr(config, "workerinput", {}).get("workercount", 1))]
    for _, own in groupby(items, key=lambda item: item.path):
        min(shares, key=len).extend(own)
    items[:] = [item for share in shares for item in share]


def pytest_collection_finish() -> None:
    """Exempt all modules and collected tests from garbage collection: they live until the process ends."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Undo what a test set up for its logging: the tests run in any order."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.setLevel(level)
    ours = [each for each in root.handlers if type(each).__module__ == "bot.telemetry.logs" and each not in handlers]
    root.handlers[:] = handlers
    for each in ours:
        # It has a thread.
        each.close()
