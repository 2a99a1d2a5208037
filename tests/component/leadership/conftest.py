"""Fixtures of the store, for the tests of replicas."""

from tests.support.databases import clock, database_url, postgres, store

__all__ = ["clock", "database_url", "postgres", "store"]
