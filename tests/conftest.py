"""What holds for every test: hypothesis judges values, not the speed of the machine, and tries the same ones each time.

`make test` must mean the same on every machine. `make quick` tries a fifth of it; to search further:
pytest --hypothesis-profile=search.
"""

import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

SLOW_MACHINES = [HealthCheck.too_slow]

settings.register_profile("cmbot", deadline=None, suppress_health_check=SLOW_MACHINES, derandomize=True)
settings.register_profile("quick", settings.get_profile("cmbot"), max_examples=20)
settings.register_profile("search", deadline=None, max_examples=1000, suppress_health_check=SLOW_MACHINES)
settings.load_profile("cmbot")


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
