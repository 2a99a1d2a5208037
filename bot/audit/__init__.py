"""Audit log: hash chain, queries, export formats. No I/O; the store has the rows."""
