"""Other systems than Slack: receivers that are informed of alerts, and the webhook of an Alertmanager."""
