"""Migrations: one revision per file in versions/, applied by bot/store/migrate.py."""
