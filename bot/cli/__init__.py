"""The `cmbot` command line, one module a subcommand. Start at main.py."""
