"""Words of the preflight: the sentence and the next step of every fact, and how a cluster changed. No I/O."""
