"""The single checks of the preflight, by topic: the cluster itself, quorum, members, transfer, tasks."""
