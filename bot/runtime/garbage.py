"""Garbage collection: what is loaded at the start stays for the life of the process, and little garbage is old."""

import gc

FULL_AFTER = 1000
"""Collections of the middle generation after which all objects are gone through; the default is 10.

With a thousand clusters that takes about a third of a second, in which no answer goes on. By default it happens every
few seconds, and finds some ten objects: nearly all garbage is found young. Now it is once in about ten minutes.
"""


def spare_startup() -> None:
    """Leave all objects that exist now out of later garbage collections, and go through all others seldom.

    They are mostly libraries. Going through them takes a fifth of a second, in which no poll and no answer goes on.
    At a reload this is called again, and what was left out before is gone through once: the former parts are garbage.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, FULL_AFTER)
