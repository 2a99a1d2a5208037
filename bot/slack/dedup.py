"""What was delivered lately, so that a payload that arrives twice is answered once."""

from collections import OrderedDict
from collections.abc import Callable


class Dedup:
    """Remembers keys for `seconds`, at most `most` of them; for work that is not worth a row in the store."""

    def __init__(self, clock: Callable[[], float], *, seconds: float = 900.0, most: int = 10_000) -> None:
        self._clock, self._seconds, self._most = clock, seconds, most
        self._keys: OrderedDict[str, float] = OrderedDict()

    def first(self, key: str) -> bool:
        """Note `key`; False when it was noted before."""
        now = self._clock()
        while self._keys and self._oldest() <= now:
            self._keys.popitem(last=False)
        if key in self._keys:
            return False
        if len(self._keys) >= self._most:
            self._keys.popitem(last=False)
        self._keys[key] = now + self._seconds
        return True

    def _oldest(self) -> float:
        return next(iter(self._keys.values()))
