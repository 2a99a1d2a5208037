"""Tools with which agents read clusters, over standard input and output or over HTTP; none of them changes anything."""
