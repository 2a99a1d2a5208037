"""Facts of the checks: one frozen value a statement, with its data and without words. No I/O."""
