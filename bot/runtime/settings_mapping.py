"""Settings mapped to the values that the parts take: policies, escalation, summaries, hand-overs. No I/O."""

from collections.abc import Sequence

from bot.alerting.escalation import DEFAULT_WAIT, Escalation
from bot.alerting.holding import DEFAULT_REMINDER
from bot.alerting.model import Severity
from bot.chatops.commands.registry import COMMANDS
from bot.common.errors import ConfigError
from bot.config import EscalationSettings, Settings, SummarySettings
from bot.operations.policy import Policy, PolicyMode, PolicyOverride, policy_of, stricter, strictest
from bot.permissions.one_time_codes import CodeKey
from bot.runtime.scheduler import Crontab
from bot.watch.scheduled_reports import ReportJob


def report_jobs_of(settings: Settings) -> list[ReportJob]:
    """Map each summary to its job; raises ConfigError that names the key of an impossible time."""
    all_clusters = tuple(own.name for own in settings.clusters)
    return [_report_job(own, number, all_clusters) for number, own in enumerate(settings.summaries)]


def _report_job(own: SummarySettings, number: int, all_clusters: tuple[str, ...]) -> ReportJob:
    clusters = own.clusters or all_clusters
    try:
        latest = Crontab(own.cron, own.timezone).latest
    except ConfigError as error:
        raise ConfigError(f"summaries.{number}.{error}") from error
    # The name keeps a summary from being posted twice, so it has every setting that tells summaries apart.
    job = f"{own.kind} {own.channel} {own.cron} {own.timezone} {' '.join(clusters)}"
    return ReportJob(job, own.channel, clusters, latest, own.kind)


def heartbeat_url(settings: Settings) -> str:
    """Return the URL that the heartbeat calls, "" for none; raises ConfigError, which does not show the URL."""
    url = settings.secrets.cmbot_heartbeat_url.get_secret_value()
    if url and not url.startswith(("https://", "http://")):
        raise ConfigError(
            "CMBOT_HEARTBEAT_URL: this is no URL; write a complete one, as in https://hc.example.com/ping/…"
        )
    return url


def code_key(settings: Settings) -> CodeKey | None:
    """Return the key of the environment, None if none is set; raises ConfigError for a wrong one."""
    written = settings.secrets.cmbot_code_key.get_secret_value()
    return CodeKey(written) if written else None


def is_command_word(name: str) -> bool:
    """True if a command of `/cm` has this word."""
    return any(name in command.path for command in COMMANDS)


def refuse_reserved_names(settings: Settings) -> None:
    """Refuse a cluster that has the name of a command: `/cm stat` must have one meaning. Raises ConfigError."""
    for cluster in settings.clusters:
        if is_command_word(cluster.name):
            typed = f"{settings.slack.command} {cluster.name}"
            raise ConfigError(f"clusters.{cluster.name}.name: `{typed}` is a command; give the cluster another name.")


def mode_of(settings: Settings, cluster: str, began_as: PolicyMode) -> PolicyMode:
    """Return the default policies of a cluster: of the settings, else those with which the installation began."""
    own = next((own.policies.default for own in settings.clusters if own.name == cluster), None)
    return PolicyMode(own or settings.policies.default or began_as)


def names_no_default(settings: Settings, began_as: PolicyMode) -> bool:
    """True if one person may decide on a cluster only because the settings say nothing about it."""
    unnamed = any(own.policies.default is None for own in settings.clusters)
    return began_as is PolicyMode.LOOSE and settings.policies.default is None and unnamed


def code_required(settings: Settings, cluster: str) -> bool:
    """True if break-glass on the cluster demands a code of each person; a cluster that is gone has the common rule."""
    tables = (settings.policies, *(own.policies for own in settings.clusters if own.name == cluster))
    return any(table.break_glass is not None and table.break_glass.code == "required" for table in tables)


def policy(settings: Settings, began_as: PolicyMode, cluster: str, keys: Sequence[str], forced: bool) -> Policy:
    """Combine the policies `keys` for a change on a cluster: in each field the strictest one applies.

    For a cluster that was removed from the settings, the policies of all clusters apply. `began_as` are the default
    policies with which the installation began.
    """
    tables = (settings.policies, *(own.policies for own in settings.clusters if own.name == cluster))
    base = PolicyOverride(expires_after=settings.operations.expires_after)
    mode = mode_of(settings, cluster, began_as)

    def found(name: str) -> Policy:
        given = (table.kinds[name] for table in tables if name in table.kinds)
        overrides = (
            PolicyOverride(it.approvals, it.source, it.requester_may, it.reason, it.expires_after, it.channels, it.call)
            for it in given
        )
        return policy_of(name, base, *overrides, mode=mode)

    own = strictest(*map(found, keys))
    return stricter(own, found("break_glass")) if forced else own


def escalation_of(given: EscalationSettings) -> Escalation:
    """Map the escalation settings, with defaults for missing ones."""
    severity = Severity[(given.escalate_severity or "critical").upper()]
    return Escalation(given.escalate_to or "", given.escalate_after or DEFAULT_WAIT, severity)


def remind_holder_of(given: EscalationSettings) -> float:
    """Return the seconds until the holder of an alert is reminded; 0: never."""
    return DEFAULT_REMINDER if given.remind_holder is None else given.remind_holder
