"""Changes by forms: opened, redrawn, validated when submitted, answered. Their fields are in fields.py."""
