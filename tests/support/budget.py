"""The number of examples that a property tries, as a share of the budget of hypothesis's profile."""

from hypothesis import settings

NORMAL = 100
"""Examples of a property that sets no number itself, in `make test`."""


def examples(number: int) -> int:
    """Scale `number`, which holds for `make test`, to the profile that is loaded."""
    budget = settings().max_examples
    return max(1, number * budget // NORMAL)
