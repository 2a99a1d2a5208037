"""Summaries and hand-overs as the settings plan them."""

from bot.config import Settings, SummarySettings
from bot.errors import ConfigError
from bot.monitor.summaries import Entry
from bot.schedule import Crontab


def entries_of(settings: Settings) -> list[Entry]:
    """One entry for each summary; raises ConfigError that names the key of a time that cannot be."""
    everything = tuple(own.name for own in settings.clusters)
    return [_entry(own, number, everything) for number, own in enumerate(settings.summaries)]


def _entry(own: SummarySettings, number: int, everything: tuple[str, ...]) -> Entry:
    clusters = own.clusters or everything
    try:
        latest = Crontab(own.cron, own.timezone).latest
    except ConfigError as error:
        raise ConfigError(f"summaries.{number}.{error}") from error
    # The name is what keeps a summary from being posted twice, so it says all that makes this one its own.
    job = f"{own.kind} {own.channel} {own.cron} {own.timezone} {' '.join(clusters)}"
    return Entry(job, own.channel, clusters, latest, own.kind)
