"""The database's history: one revision a file in versions/, applied by bot/store/migrate.py."""
