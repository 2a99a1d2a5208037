"""The edge to Slack: what it delivers comes in here, what it is told goes out here; the only importer of its SDKs."""
