"""Preflight: the checks of a change by topic: cluster, quorum, members, leadership, tasks. No I/O."""
