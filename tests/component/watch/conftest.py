"""A store for each test of the watch."""

from collections.abc import AsyncIterator

import pytest

from tests.support.observed_store import ObservedStore, observed_store


@pytest.fixture
async def store() -> AsyncIterator[ObservedStore]:
    """An empty store with the newest schema."""
    async with observed_store() as opened:
        yield opened
