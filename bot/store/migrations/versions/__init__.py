"""Revisions in order of their number; each is frozen once released."""
