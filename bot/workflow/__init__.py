"""Effects of operations: proposal, approval, execution, verification. Start at proposals.py."""
