"""One repository a table: rows to values and back, inside a unit of work."""
