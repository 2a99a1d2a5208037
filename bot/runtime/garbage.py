"""Garbage collection: what is loaded at the start stays for the life of the process."""

import gc


def spare_startup() -> None:
    """Leave all objects that exist now out of later garbage collections.

    They are mostly libraries. Going through them takes a fifth of a second, in which no poll and no answer goes on.
    """
    gc.collect()
    gc.freeze()
