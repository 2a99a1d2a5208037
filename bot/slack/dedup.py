"""Recent deliveries, so that a payload that arrives twice is answered once."""

from collections import OrderedDict
from collections.abc import Callable


class Dedup:
    """Remembers up to `most` keys for `seconds`; for work that is not stored."""

    def __init__(self, clock: Callable[[], float], *, seconds: float = 900.0, most: int = 10_000) -> None:
        self._clock, self._seconds, self._most = clock, seconds, most
        self._keys: OrderedDict[str, float] = OrderedDict()

    def first(self, key: str) -> bool:
        """Record `key`; False if it is recorded already."""
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
