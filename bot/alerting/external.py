"""Alerts that an Alertmanager reports: their values, and the severity of theirs. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.model import Severity
from bot.common.frozen import frozen

MAX_LABELS = 12
"""Labels of one alert that are kept."""

_SEVERITIES: Mapping[str, Severity] = MappingProxyType(
    {
        "critical": Severity.CRITICAL,
        "page": Severity.CRITICAL,
        "emergency": Severity.CRITICAL,
        "alert": Severity.CRITICAL,
        "info": Severity.INFO,
        "informational": Severity.INFO,
        "none": Severity.INFO,
    }
)


@frozen
class ExternalAlert:
    """An alert of a cluster as an Alertmanager reported it last; times in Unix seconds.

    `fingerprint` is its identity there. `severity` is its label. `expires_at` is when it counts as over unless it is
    reported again. All texts come from outside: one line each, of bounded length.
    """

    cluster: str
    fingerprint: str
    firing: bool
    name: str
    severity: str = ""
    summary: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    source: str = ""
    started_at: float = 0.0
    received_at: float = 0.0
    expires_at: float = 0.0

    def fires(self, now: float) -> bool:
        """True while it is reported as firing, and the last report is not too old."""
        return self.firing and now < self.expires_at


def severity_of(label: str) -> Severity:
    """The severity that a label means; any other word is a warning."""
    return _SEVERITIES.get(label.strip().lower(), Severity.WARNING)
