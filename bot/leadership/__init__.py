"""Several processes over one database: who lives, who holds what. Start at spread.py."""
