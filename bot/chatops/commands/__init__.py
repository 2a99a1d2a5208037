"""One function per subcommand of /cm; COMMANDS in table.py lists them all."""
