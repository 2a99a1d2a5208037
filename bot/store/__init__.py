"""The store: the only user of the database. Begin at database.py."""
