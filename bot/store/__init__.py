"""The store: the only user of the database. Start at store.py."""
