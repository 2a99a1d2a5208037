"""What the watch remembers of one cluster between two polls and over restarts. No I/O."""
