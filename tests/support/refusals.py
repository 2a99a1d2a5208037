"""Expected refusals, by the sentence that a person reads."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bot.common.errors import UserError
from bot.views.errors import error_text


@contextmanager
def refused(pattern: str, kind: type[UserError] = UserError) -> Iterator[None]:
    """Expect an error of that kind whose sentence matches the pattern."""
    with pytest.raises(kind) as caught:
        yield
    words = error_text(caught.value)
    assert re.search(pattern, words), words
