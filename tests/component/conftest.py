"""The fixtures that give a test a database."""

from tests.support.databases import clock, database_url, postgres, store, template

__all__ = ["clock", "database_url", "postgres", "store", "template"]
