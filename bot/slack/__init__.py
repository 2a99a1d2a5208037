"""The edge to Slack: receives its deliveries and calls its Web API; the only importer of its SDKs."""
