"""The reading commands in a terminal: the same answers as in Slack, as text or as JSON."""
