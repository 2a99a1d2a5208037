"""What summaries, hand-overs and trends contain. No I/O."""
