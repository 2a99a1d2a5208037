"""Everything that refuses settings before a part of the program is built: at a start, a reload and a comparison."""

from bot.alerting.rules.thresholds import configure
from bot.config import Settings
from bot.integrations.senders import context_of
from bot.runtime.settings_mapping import code_key, heartbeat_url, refuse_reserved_names, report_jobs_of
from bot.runtime.tls import TlsContexts
from bot.runtime.windows import windows_of


def refuse_wrong(settings: Settings) -> None:
    """Raise ConfigError for settings with which the program cannot be built. Reads the files of certificates."""
    refuse_reserved_names(settings)
    tls = TlsContexts()
    for own in settings.clusters:
        configure(settings.rules, own.rules)
        tls.of(own)
    for receiver in settings.outputs.receivers:
        context_of(receiver)
    code_key(settings)
    report_jobs_of(settings)
    windows_of(settings)
    heartbeat_url(settings)
