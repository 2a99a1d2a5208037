"""Alerts in words: one function for each kind of detail and outcome, listed in table.py."""
