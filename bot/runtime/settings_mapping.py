"""The settings as the parts take them: policies, escalation, summaries and hand-overs. No I/O."""

from collections.abc import Sequence

from bot.alerting.escalation import DEFAULT_WAIT, Escalation
from bot.alerting.model import Severity
from bot.chatops.commands.registry import COMMANDS
from bot.common.errors import ConfigError
from bot.config import EscalationSettings, Settings, SummarySettings
from bot.operations.policy import Policy, policy_of, stricter, strictest
from bot.runtime.scheduler import Crontab
from bot.watch.scheduled_reports import ReportJob


def entries_of(settings: Settings) -> list[ReportJob]:
    """One entry for each summary; raises ConfigError that names the key of a time that cannot be."""
    everything = tuple(own.name for own in settings.clusters)
    return [_entry(own, number, everything) for number, own in enumerate(settings.summaries)]


def _entry(own: SummarySettings, number: int, everything: tuple[str, ...]) -> ReportJob:
    clusters = own.clusters or everything
    try:
        latest = Crontab(own.cron, own.timezone).latest
    except ConfigError as error:
        raise ConfigError(f"summaries.{number}.{error}") from error
    # The name is what keeps a summary from being posted twice, so it says all that makes this one its own.
    job = f"{own.kind} {own.channel} {own.cron} {own.timezone} {' '.join(clusters)}"
    return ReportJob(job, own.channel, clusters, latest, own.kind)


def heartbeat_url(settings: Settings) -> str:
    """The address that is called while all is well, "" for none; raises ConfigError, which does not show it."""
    url = settings.secrets.cmbot_heartbeat_url.get_secret_value()
    if url and not url.startswith(("https://", "http://")):
        raise ConfigError("CMBOT_HEARTBEAT_URL: is no address; write a whole one, as in https://hc.example.com/ping/…")
    return url


def check_words(settings: Settings) -> None:
    """Refuse a cluster that is called like a word of a command: `/cm stat` must mean one thing."""
    words = {word for command in COMMANDS for word in command.path}
    for cluster in settings.clusters:
        if cluster.name in words:
            raise ConfigError(f"clusters.{cluster.name}.name: is a word of /cm; give the cluster another name.")


def policy(settings: Settings, cluster: str, keys: Sequence[str], forced: bool) -> Policy:
    """How a change of a cluster is decided on to which these policies apply: by the strictest of them in each field.

    A cluster that left the settings has what holds for all.
    """
    tables = (settings.policies, *(own.policies for own in settings.clusters if own.name == cluster))
    base = {"expires_after": settings.operations.expires_after}

    def found(name: str) -> Policy:
        given = [held.model_dump(exclude_none=True) for table in tables for at, held in table.items() if at == name]
        return policy_of(name, base, *given)

    own = strictest(*map(found, keys))
    return stricter(own, found("break_glass")) if forced else own


def escalation_of(given: EscalationSettings) -> Escalation:
    """Whom alerts call, with the defaults for what the settings leave out."""
    severity = Severity[(given.escalate_severity or "critical").upper()]
    return Escalation(given.escalate_to or "", given.escalate_after or DEFAULT_WAIT, severity)
