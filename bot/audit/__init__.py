"""The audit log's own logic: the chain of its rows, the form of its exports. Pure; the rows live in the store."""
