"""The state kept of one cluster between polls and over restarts. No I/O."""
