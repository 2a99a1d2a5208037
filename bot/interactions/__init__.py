"""What people do in Slack and how they are answered, as values: commands, clicks, messages, permissions. No I/O."""
