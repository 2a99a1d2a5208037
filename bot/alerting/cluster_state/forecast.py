"""When a cluster will be full, as the watch remembers it between two reckonings from the measurements kept. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.alerting.reports.trend import DAY, Sample, Sureness, trend

WINDOW = 14 * DAY
"""Seconds of measurements that count."""
FORECAST_EVERY = 3600.0
"""Seconds between two reckonings: a day changes little."""
LASTS = DAY
"""Seconds for which a forecast counts."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Reckoned at `at` that it is full at `full_at`; Unix seconds, 0 for never, or not known well enough."""

    at: float = 0.0
    full_at: float = 0.0

    def due(self, now: float) -> bool:
        """Whether it is to be reckoned anew."""
        return now - self.at >= FORECAST_EVERY

    def days_left(self, now: float) -> float | None:
        """Days until it is full, None when that is not known."""
        if not self.full_at or now - self.at > LASTS:
            return None
        return max(0.0, self.full_at - now) / DAY


def forecast(samples: Sequence[Sample], now: float) -> Forecast:
    """By the trend of these measurements, if it is not a mere rough one."""
    found = trend(samples)
    if found.full_in is None or found.sure not in {Sureness.FAIR, Sureness.GOOD}:
        return Forecast(now)
    return Forecast(now, found.until + found.full_in * DAY)
