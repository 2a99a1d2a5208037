"""Settings of maintenance windows and time zones mapped to the values that the parts take. No I/O."""

from collections.abc import Mapping

from bot.alerting.model import Severity
from bot.alerting.rules.table import RULES
from bot.alerting.windows import Window
from bot.common.errors import ConfigError
from bot.common.text import shown, suggestion
from bot.config import Settings, WindowSettings


def zone_of(settings: Settings, cluster: str) -> str:
    """Return the time zone of a cluster; that of all clusters for "" and for one that is not configured."""
    own = next((each.timezone for each in settings.clusters if each.name == cluster), None)
    return own or settings.timezone


def windows_of(settings: Settings) -> Mapping[str, tuple[Window, ...]]:
    """Map the maintenance windows of each cluster; raises ConfigError that names the key of an unknown rule."""
    known = {rule.key for rule in RULES}
    for own in settings.clusters:
        for number, given in enumerate(own.maintenance_windows):
            if unknown := next((rule for rule in given.rules if rule not in known), None):
                raise ConfigError(
                    f"clusters.{own.name}.maintenance_windows.{number}.rules: there is no rule {shown(unknown)}."
                    f"{suggestion(unknown, known)} docs/alerts.md lists them; without rules, all that need not be "
                    "named are muted."
                )
    return {
        own.name: tuple(_window(own.name, given, zone_of(settings, own.name)) for given in own.maintenance_windows)
        for own in settings.clusters
    }


def _window(cluster: str, given: WindowSettings, zone: str) -> Window:
    return Window(
        cluster,
        given.name,
        given.weekdays,
        given.start,
        given.length,
        given.timezone or zone,
        given.rules,
        tuple(sorted(Severity[severity.upper()] for severity in {*given.severities})),
        given.reason,
    )
