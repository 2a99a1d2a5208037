"""A simulated Clustermgr cluster and a local Slack workspace: what the demo runs and what tests drive over sockets."""
