"""The running program: how it is built, started, scheduled, served and ended."""
