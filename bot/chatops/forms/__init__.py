"""Changes by forms: opened, redrawn, validated when submitted, answered. Their fields stand in fields.py."""
