"""The rules: what each looks for in the snapshots of one cluster. RULES in table.py lists them all. No I/O."""
