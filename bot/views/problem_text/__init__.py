"""Words of problems: the sentence for everything that a person asked for and that is impossible. No I/O."""
