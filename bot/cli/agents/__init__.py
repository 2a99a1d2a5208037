"""Tools with which agents read clusters and propose changes, over standard input and output or over HTTP."""
