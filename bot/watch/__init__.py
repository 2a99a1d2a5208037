"""The effects of alerting: poll, commit, publish. Start at watcher.py."""
