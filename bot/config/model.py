"""The settings: frozen values that are validated together."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import unquote

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    model_validator,
)

from bot.common.durations import seconds_in_settings
from bot.common.secret_signs import parameters
from bot.config.mcp import McpSettings
from bot.config.outputs import InputSettings, OutputSettings
from bot.config.policies import AccessSettings, ClusterAccessSettings, Policies
from bot.config.proxy import SlackProxy, proxy_url
from bot.config.secrets import Secrets
from bot.config.section import Section
from bot.config.types import (
    MAX_PORT,
    ChannelId,
    CommandName,
    GroupId,
    Host,
    Name,
    Proxy,
    Scheduler,
    Seconds,
    StoreUrl,
    Timezone,
    Url,
    Variable,
    shared_host,
)
from bot.config.windows import Windows

_LOG_INS = (re.compile(r"://[^:/]*:([^@]*)@"), re.compile(r"://[^:/]*:(.*)@"))
"""The password in a database URL; it may contain an unquoted @, so the last @ counts as well."""
DAY = 86400.0


class SlackSettings(Section):
    """The address of Slack, and where answers are shown."""

    api_url: Url = "https://slack.com/api/"
    answers: Literal["channel", "sender"] = "channel"
    proxy: Proxy | None = None
    command: CommandName = "/cm"


class HttpSettings(Section):
    """The address for health, metrics and (without an app token) the events of Slack; port 0 takes any free port."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=MAX_PORT)


class StoreSettings(Section):
    """The database; a URL with a password belongs into CMBOT_STORE_URL."""

    url: StoreUrl = Field("sqlite:///cmbot.db", repr=False)


class ReplicaSettings(Section):
    """Several processes with one database: seconds without a heartbeat before another process takes over."""

    lease: Seconds = Field(15.0, ge=1, le=300)


class RetentionSettings(Section):
    """Seconds to keep finished data of each kind; the audit log is kept without a limit."""

    samples: Seconds = Field(14 * DAY, ge=DAY, le=90 * DAY)
    hourly_samples: Seconds = Field(90 * DAY, ge=DAY, le=3650 * DAY)
    daily_samples: Seconds = Field(730 * DAY, ge=DAY, le=36500 * DAY)
    alerts: Seconds = Field(90 * DAY, ge=DAY, le=36500 * DAY)
    operations: Seconds = Field(400 * DAY, ge=30 * DAY, le=36500 * DAY)
    messages: Seconds = Field(30 * DAY, ge=DAY, le=3650 * DAY)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.samples <= self.hourly_samples <= self.daily_samples:
            raise ValueError(
                "retention: samples must not be kept longer than hourly_samples, nor those than daily_samples"
            )
        return self


class DiskSettings(Section):
    """Limits of disks out of service at once, in one host and one zone; the reserve of free chunks in percent."""

    per_host: int = Field(1, ge=1, le=1000)
    per_zone: int = Field(2, ge=1, le=1000)
    reserve_percent: int = Field(10, ge=0, le=1000)


class OperationSettings(Section):
    """Seconds that a card waits for its decision, and that a change is verified; who hears of it; limits of disks."""

    expires_after: Seconds = Field(900.0, ge=10, le=86400)
    verify_within: Seconds = Field(30.0, ge=1, le=600)
    notify: Literal["thread", "direct", "none"] = "thread"
    disks: DiskSettings = DiskSettings()


class EscalationSettings(Section):
    """Whom open alerts call: a user group without an acknowledgement, else their holder; a missing key is global."""

    escalate_to: GroupId | None = None
    escalate_after: Annotated[float, BeforeValidator(seconds_in_settings), Field(ge=10, le=7 * 86400)] | None = None
    escalate_severity: Literal["info", "warning", "critical"] | None = None
    remind_holder: Annotated[float, BeforeValidator(seconds_in_settings), Field(ge=0, le=7 * 86400)] | None = None


class StormSettings(Section):
    """The number of new alerts of one cluster, and of one channel, within a time that is not yet a storm."""

    cluster: int = Field(6, ge=1, le=1000)
    channel: int = Field(10, ge=1, le=1000)
    within: Seconds = Field(300.0, ge=10, le=86400)


class AlertSettings(EscalationSettings):
    """Settings for the alerts of all clusters; `fallback_channel` takes alerts that their own channel refuses."""

    fallback_channel: ChannelId | None = None
    storm: StormSettings = StormSettings()


class RecheckSettings(Section):
    """Seconds for which the units of a disk are counted often after its repair or drop."""

    recheck_for: Seconds = Field(6 * 3600.0, ge=0, le=30 * DAY)


class ClusterRecheckSettings(Section):
    """The same for the disks of one cluster; a missing key takes the global value."""

    recheck_for: Annotated[float, BeforeValidator(seconds_in_settings), Field(ge=0, le=30 * DAY)] | None = None


class ClusterSettings(Section):
    """One Clustermgr raft group: its hosts, channels and polling."""

    name: Name
    hosts: Annotated[tuple[Host, ...], Field(min_length=1, max_length=15)]
    alert_channel: ChannelId
    operations_channel: ChannelId | None = None
    channels: tuple[ChannelId, ...] = ()
    dialect: Literal["auto", "v1", "v3"] = "auto"
    poll_interval: Seconds = Field(15.0, ge=0.1, le=3600)
    answer_deadline: Seconds = Field(5.0, ge=0.1, le=30)
    token_env: Variable | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    schedulers: Annotated[tuple[Scheduler, ...], Field(max_length=15)] = ()
    scheduler_token_env: Variable | None = None
    rules: Mapping[str, Mapping[str, object]] = Field(default_factory=dict)
    alerts: EscalationSettings = EscalationSettings()
    timezone: Timezone | None = None
    maintenance_windows: Windows = ()
    policies: Policies = Policies()
    access: ClusterAccessSettings = ClusterAccessSettings()
    disks: ClusterRecheckSettings = ClusterRecheckSettings()

    @model_validator(mode="after")
    def _key_has_a_certificate(self) -> Self:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file needs cert_file: name the certificate that belongs to the key")
        return self

    @property
    def card_channel(self) -> str:
        """The channel for the cards of operations on this cluster."""
        return self.operations_channel or self.alert_channel


class SummarySettings(Section):
    """One periodic summary or hand-over: channel, clusters (empty: all), time (crontab(5)) and zone."""

    channel: ChannelId
    clusters: tuple[Name, ...] = ()
    cron: str = "0 9 * * *"
    kind: Literal["summary", "handover"] = "summary"
    timezone: Timezone = "UTC"


class StatusSettings(Section):
    """A message about the state of cmbot itself, edited every `every` seconds."""

    channel: ChannelId
    every: Seconds = Field(60.0, ge=10, le=3600)


class Settings(Section):
    """All settings, validated together."""

    clusters: Annotated[tuple[ClusterSettings, ...], Field(min_length=1)]
    slack: SlackSettings = SlackSettings()
    http: HttpSettings = HttpSettings()
    store: StoreSettings = StoreSettings()
    replicas: ReplicaSettings = ReplicaSettings()
    access: AccessSettings = AccessSettings()
    operations: OperationSettings = OperationSettings()
    retention: RetentionSettings = RetentionSettings()
    policies: Policies = Policies()
    alerts: AlertSettings = AlertSettings()
    disks: RecheckSettings = RecheckSettings()
    summaries: tuple[SummarySettings, ...] = ()
    status: tuple[StatusSettings, ...] = ()
    outputs: OutputSettings = OutputSettings()
    inputs: InputSettings = InputSettings()
    mcp: McpSettings = McpSettings()
    rules: Mapping[str, Mapping[str, object]] = Field(default_factory=dict)
    docs_url: Url | None = None
    timezone: Timezone = "UTC"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    secrets: Secrets = Field(default_factory=Secrets, exclude=True, repr=False)
    cluster_tokens: Mapping[str, SecretStr] = Field(default_factory=dict, exclude=True, repr=False)
    scheduler_tokens: Mapping[str, SecretStr] = Field(default_factory=dict, exclude=True, repr=False)
    remarks: tuple[str, ...] = Field(default=(), exclude=True, repr=False)
    exchange_secrets: Mapping[str, SecretStr] = Field(default_factory=dict, exclude=True, repr=False)

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        names = [cluster.name for cluster in self.clusters]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"two clusters are called {doubled[0]!r}: give each another name")
        if overlap := shared_host({cluster.name: cluster.hosts for cluster in self.clusters}):
            raise ValueError(overlap)
        homes = [channel for cluster in self.clusters for channel in cluster.channels]
        if len(set(homes)) != len(homes):
            raise ValueError("one channel is the default of two clusters: name it under one cluster's channels only")
        for summary in self.summaries:
            unknown = [name for name in summary.clusters if name not in names]
            if unknown:
                raise ValueError(f"summaries name the cluster {unknown[0]!r}, which is not configured")
        for receiver in self.outputs.receivers:
            if unknown := [name for name in receiver.clusters if name not in names]:
                raise ValueError(f"outputs: {receiver.name} names the cluster {unknown[0]!r}, which is not configured")
        if unread := [name for name in self.mcp.clusters if name not in names]:
            raise ValueError(f"mcp.clusters names the cluster {unread[0]!r}, which is not configured")
        return self

    @property
    def store_url(self) -> str:
        """The URL of the database: that of the environment, else that of the file."""
        return self.secrets.cmbot_store_url.get_secret_value() or self.store.url

    @property
    def slack_proxy(self) -> SlackProxy | None:
        """The proxy to Slack: SLACK_PROXY, else slack.proxy, else HTTPS_PROXY with NO_PROXY; None for none."""
        own = self.secrets
        if url := own.slack_proxy.get_secret_value():
            return SlackProxy(proxy_url(url), "SLACK_PROXY")
        if self.slack.proxy:
            return SlackProxy(self.slack.proxy, "slack.proxy")
        if url := own.https_proxy.get_secret_value():
            return SlackProxy(proxy_url(url), "HTTPS_PROXY", own.no_proxy, only_secure=True)
        return None

    @property
    def all_secrets(self) -> tuple[str, ...]:
        """Every secret value, for the redaction of logs."""
        own = self.secrets
        held = (
            own.slack_bot_token,
            own.slack_app_token,
            own.slack_signing_secret,
            own.cmbot_heartbeat_url,
            own.cmbot_code_key,
            own.cmbot_mcp_token,
        )
        tokens = (*self.cluster_tokens.values(), *self.scheduler_tokens.values(), *self.exchange_secrets.values())
        proxy = self.slack_proxy.secrets if self.slack_proxy else ()
        values = [secret.get_secret_value() for secret in (*held, *tokens)]
        return tuple(value for value in (*values, *proxy, *_passwords(self.store_url)) if value)

    @property
    def policy_groups(self) -> tuple[str, ...]:
        """Ids of the user groups that policies name as approvers."""
        tables = (self.policies, *(cluster.policies for cluster in self.clusters))
        named = {policy.source for table in tables for policy in table.kinds.values() if policy.source}
        return tuple(sorted(name for name in named if name.startswith("S")))

    @property
    def called_groups(self) -> tuple[str, ...]:
        """Ids of the user groups that policies call to approve."""
        tables = (self.policies, *(cluster.policies for cluster in self.clusters))
        named = (who for table in tables for policy in table.kinds.values() for who in policy.call or ())
        return tuple(dict.fromkeys(who for who in named if who.startswith("S")))

    def escalation(self, cluster: ClusterSettings) -> EscalationSettings:
        """Return the escalation of a cluster: its own settings, completed by the global ones."""
        own = {key: value for key, value in cluster.alerts if value is not None}
        common = {key: getattr(self.alerts, key) for key in EscalationSettings.model_fields}
        return EscalationSettings(**{**common, **own})

    def recheck_for(self, cluster: ClusterSettings) -> float:
        """Return for how many seconds a cluster's disks are counted often after their repair or drop."""
        own = cluster.disks.recheck_for
        return self.disks.recheck_for if own is None else own

    @property
    def escalation_groups(self) -> tuple[str, ...]:
        """Ids of the user groups that unacknowledged alerts call."""
        named = (self.alerts.escalate_to, *(cluster.alerts.escalate_to for cluster in self.clusters))
        return tuple(dict.fromkeys(group for group in named if group))

    @property
    def groups(self) -> tuple[str, ...]:
        """Ids of all user groups in the settings, without duplicates."""
        tables = (self.access, *(cluster.access for cluster in self.clusters))
        of_roles = (group for table in tables for _, role in table if role for group in role.groups)
        return tuple(dict.fromkeys((*of_roles, *self.policy_groups, *self.called_groups, *self.escalation_groups)))

    @property
    def own_access(self) -> Mapping[str, AccessSettings]:
        """The roles on the clusters that name their own, by cluster; `access` applies to the others."""
        return {own.name: self._access_of(own) for own in self.clusters if own.access != ClusterAccessSettings()}

    def _access_of(self, own: ClusterSettings) -> AccessSettings:
        named = {role: members for role, members in own.access if members is not None}
        return self.access.model_copy(update=named)


def _passwords(url: str) -> tuple[str, ...]:
    """Return the password of a database URL, and its secret parameters, both as written and decoded."""
    found = {*(match[1] for log_in in _LOG_INS if (match := log_in.search(url))), *parameters(url)}
    return tuple(sorted(found | {unquote(password) for password in found}))
