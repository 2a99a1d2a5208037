"""Details of findings that an Alertmanager reports. No I/O."""

from bot.alerting.model import Detail
from bot.common.frozen import frozen


@frozen
class ExternalReport(Detail):
    """An alert `name` of an Alertmanager: all texts come from outside. `source` is the address of what raised it.

    `severity` is its label there, `started_at` when it began (Unix seconds, 0: not known).
    """

    name: str
    severity: str = ""
    summary: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    source: str = ""
    started_at: float = 0.0
