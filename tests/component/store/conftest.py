"""Fixtures of the store."""

from tests.support.databases import clock, database_url, postgres, store

__all__ = ["clock", "database_url", "postgres", "store"]
