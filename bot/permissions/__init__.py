"""Who may do what: roles, what one person holds, and the lookup of both. Start at roles.py."""
