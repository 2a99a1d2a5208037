"""The phrasebook: one page with every message of every view, so that a change of words is a visible difference."""
