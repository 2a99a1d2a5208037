"""From a delivered interaction to its answer. Start at dispatcher.py."""
