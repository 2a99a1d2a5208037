"""The fixtures that give a test a database, and the event loop for which waiting passes quickly."""

from tests.support.databases import clock, database_url, postgres, store, template
from tests.support.fast_time import pytest_asyncio_loop_factories

__all__ = ["clock", "database_url", "postgres", "pytest_asyncio_loop_factories", "store", "template"]
