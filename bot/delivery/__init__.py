"""The outbox: what must stand in Slack is posted, edited and retried until it does. Start at worker.py."""
