"""The store's fixtures."""

from tests.storage import clock, database_url, postgres, store

__all__ = ["clock", "database_url", "postgres", "store"]
