"""The settings as frozen values, validated together."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import unquote

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.config.host_overlap import shared
from bot.config.types import (
    MAX_PORT,
    ChannelId,
    GroupId,
    Host,
    Name,
    Seconds,
    Secret,
    Source,
    StoreUrl,
    Timezone,
    Url,
    UserId,
    parse_duration,
)

_LOG_INS = (re.compile(r"://[^:/]*:([^@]*)@"), re.compile(r"://[^:/]*:(.*)@"))
"""A database URL's password; whoever did not quote an @ in it meant the last one."""


DAY = 86400.0


class Section(BaseModel):
    """A frozen part of the settings; an unknown key is an error, so that a typo cannot hide."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class SlackSettings(Section):
    """How Slack is reached and how answers are shown."""

    api_url: Url = "https://slack.com/api/"
    answers: Literal["channel", "sender"] = "channel"


class HttpSettings(Section):
    """Where health, metrics and (without an app token) Slack's events are served; port 0 takes any free one."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=MAX_PORT)


class StoreSettings(Section):
    """Where state is kept; a URL with a password belongs into CMBOT_STORE_URL."""

    url: StoreUrl = Field("sqlite:///cmbot.db", repr=False)


class ReplicaSettings(Section):
    """Several processes over one database: seconds without a heartbeat after which another takes over what one held."""

    lease: Seconds = Field(15.0, ge=1, le=300)


class RetentionSettings(Section):
    """For how many seconds what is over is kept; the audit log is kept for ever."""

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


class Members(Section):
    """Who holds a role: users by id, user groups by id."""

    users: tuple[UserId, ...] = ()
    groups: tuple[GroupId, ...] = ()


class AccessSettings(Section):
    """Who may do what; with nobody named, nobody may change anything."""

    operators: Members = Members()
    approvers: Members = Members()
    admins: Members = Members()
    breakers: Members = Members()


class ClusterAccessSettings(Section):
    """Who may do what on one cluster: a role named here replaces the global one there, the others stay as they are."""

    operators: Members | None = None
    approvers: Members | None = None
    admins: Members | None = None
    breakers: Members | None = None


class PolicySettings(Section):
    """How one kind of change is decided on; what is left out keeps what holds for all, or the default."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)
    approvals: int | None = Field(None, ge=1, le=5)
    source: Source | None = Field(None, alias="from")
    requester_may: Literal["always", "if_approver", "never"] | None = None
    reason: Literal["required", "optional"] | None = None
    expires_after: Annotated[float, BeforeValidator(parse_duration), Field(ge=10, le=86400)] | None = None
    channels: tuple[ChannelId, ...] | None = None


PolicyKey = Literal[
    "task_enable", "task_disable", "member_add", "member_remove", "member_replace", "leader_transfer", "break_glass"
]


def _glass_is_strict(policies: Mapping[str, PolicySettings]) -> Mapping[str, PolicySettings]:
    """What forces a change past a block can be made stricter, never milder: nobody may think otherwise."""
    glass = policies.get("break_glass", PolicySettings())
    milder = (
        ("approvals", glass.approvals == 1, "at least 2"),
        ("requester_may", glass.requester_may not in {None, "never"}, "never"),
        ("reason", glass.reason == "optional", "required"),
    )
    for key, wrong, least in milder:
        if wrong:
            raise ValueError(f"break_glass.{key} is always {least}: leave it out, or make it stricter")
    return policies


Policies = Annotated[Mapping[PolicyKey, PolicySettings], AfterValidator(_glass_is_strict)]


class OperationSettings(Section):
    """How long a card waits for its decision, and how long an effect is looked for, in seconds."""

    expires_after: Seconds = Field(900.0, ge=10, le=86400)
    verify_within: Seconds = Field(30.0, ge=1, le=600)


class EscalationSettings(Section):
    """Whom alerts call that nobody acknowledges; what a cluster leaves out is as for all."""

    escalate_to: GroupId | None = None
    escalate_after: Annotated[float, BeforeValidator(parse_duration), Field(ge=10, le=7 * 86400)] | None = None
    escalate_severity: Literal["info", "warning", "critical"] | None = None


class StormSettings(Section):
    """How many new alerts of one cluster, or of all in one channel, within how long are not yet a storm."""

    cluster: int = Field(6, ge=1, le=1000)
    channel: int = Field(10, ge=1, le=1000)
    within: Seconds = Field(300.0, ge=10, le=86400)


class AlertSettings(EscalationSettings):
    """What holds for the alerts of all clusters; `fallback_channel` takes those that their own channel does not."""

    fallback_channel: ChannelId | None = None
    storm: StormSettings = StormSettings()


class ClusterSettings(Section):
    """One Clustermgr raft group: its hosts, its channels, how often it is looked at."""

    name: Name
    hosts: Annotated[tuple[Host, ...], Field(min_length=1, max_length=15)]
    alert_channel: ChannelId
    operations_channel: ChannelId | None = None
    channels: tuple[ChannelId, ...] = ()
    dialect: Literal["auto", "v1", "v3"] = "auto"
    poll_interval: Seconds = Field(15.0, ge=0.1, le=3600)
    answer_deadline: Seconds = Field(5.0, ge=0.1, le=30)
    token_env: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = None
    ca_file: Path | None = None
    rules: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    alerts: EscalationSettings = EscalationSettings()
    policies: Policies = Field(default_factory=dict)
    access: ClusterAccessSettings = ClusterAccessSettings()

    @property
    def card_channel(self) -> str:
        """Where operations on this cluster are proposed."""
        return self.operations_channel or self.alert_channel


class SummarySettings(Section):
    """One periodic summary, or hand-over: where, of which clusters (empty: all), when (crontab(5)), in which zone."""

    channel: ChannelId
    clusters: tuple[Name, ...] = ()
    cron: str = "0 9 * * *"
    kind: Literal["summary", "handover"] = "summary"
    timezone: Timezone = "UTC"


class StatusSettings(Section):
    """A message that says how cmbot itself does, edited in place every so often."""

    channel: ChannelId
    every: Seconds = Field(60.0, ge=10, le=3600)


class Secrets(BaseSettings):
    """What is read from the environment; nothing of it is ever shown."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
    slack_bot_token: Secret = SecretStr("")
    slack_app_token: Secret = SecretStr("")
    slack_signing_secret: Secret = SecretStr("")
    cmbot_store_url: Secret = SecretStr("")
    cmbot_heartbeat_url: Secret = SecretStr("")
    cmbot_config: Path = Path("config.yaml")

    @field_validator("cmbot_config", mode="before")
    @classmethod
    def _default_when_empty(cls, value: object) -> object:
        """Take a variable that is set to nothing for one that is not set."""
        return value if not isinstance(value, str) or value.strip() else "config.yaml"


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
    policies: Policies = Field(default_factory=dict)
    alerts: AlertSettings = AlertSettings()
    summaries: tuple[SummarySettings, ...] = ()
    status: tuple[StatusSettings, ...] = ()
    rules: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    docs_url: Url | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    secrets: Secrets = Field(default_factory=Secrets, exclude=True, repr=False)
    cluster_tokens: Mapping[str, SecretStr] = Field(default_factory=dict, exclude=True, repr=False)

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        names = [cluster.name for cluster in self.clusters]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"two clusters are called {doubled[0]!r}: give each a name of its own")
        if trouble := shared({cluster.name: cluster.hosts for cluster in self.clusters}):
            raise ValueError(trouble)
        homes = [channel for cluster in self.clusters for channel in cluster.channels]
        if len(set(homes)) != len(homes):
            raise ValueError("one channel is the default of two clusters: name it under one cluster's channels only")
        for summary in self.summaries:
            unknown = [name for name in summary.clusters if name not in names]
            if unknown:
                raise ValueError(f"summaries name the cluster {unknown[0]!r}, which is not configured")
        return self

    @property
    def store_url(self) -> str:
        """The database's URL, the environment's before the file's."""
        return self.secrets.cmbot_store_url.get_secret_value() or self.store.url

    @property
    def all_secrets(self) -> tuple[str, ...]:
        """Every secret value, for the log's redaction."""
        own = self.secrets
        held = (own.slack_bot_token, own.slack_app_token, own.slack_signing_secret, own.cmbot_heartbeat_url)
        values = [secret.get_secret_value() for secret in (*held, *self.cluster_tokens.values())]
        return tuple(value for value in (*values, *_passwords(self.store_url)) if value)

    @property
    def policy_groups(self) -> tuple[str, ...]:
        """The user groups (ids) that policies name as approvers."""
        tables = (self.policies, *(cluster.policies for cluster in self.clusters))
        named = {policy.source for table in tables for policy in table.values() if policy.source}
        return tuple(sorted(name for name in named if name.startswith("S")))

    def escalation(self, name: str) -> EscalationSettings:
        """Whom the alerts of a cluster call: what it says itself, then what holds for all."""
        own = {key: value for key, value in self.cluster(name).alerts if value is not None}
        common = {key: getattr(self.alerts, key) for key in EscalationSettings.model_fields}
        return EscalationSettings(**{**common, **own})

    @property
    def escalation_groups(self) -> tuple[str, ...]:
        """The user groups (ids) that alerts call when nobody acknowledges them."""
        named = (self.alerts.escalate_to, *(cluster.alerts.escalate_to for cluster in self.clusters))
        return tuple(dict.fromkeys(group for group in named if group))

    @property
    def groups(self) -> tuple[str, ...]:
        """Every user group (id) that the settings name, once."""
        tables = (self.access, *(cluster.access for cluster in self.clusters))
        of_roles = (group for table in tables for _, role in table if role for group in role.groups)
        return tuple(dict.fromkeys((*of_roles, *self.policy_groups, *self.escalation_groups)))

    @property
    def own_access(self) -> Mapping[str, AccessSettings]:
        """Who may do what on the clusters that name roles themselves, by name; elsewhere `access` holds."""
        return {own.name: self._access_of(own) for own in self.clusters if own.access != ClusterAccessSettings()}

    def _access_of(self, own: ClusterSettings) -> AccessSettings:
        named = {role: members for role, members in own.access if members is not None}
        return self.access.model_copy(update=named)

    def cluster(self, name: str) -> ClusterSettings:
        """The cluster of that name; KeyError when there is none."""
        return {cluster.name: cluster for cluster in self.clusters}[name]


def _passwords(url: str) -> tuple[str, ...]:
    """The password of a database URL, as it is written and as it is meant."""
    found = {match[1] for log_in in _LOG_INS if (match := log_in.search(url))}
    return tuple(sorted(found | {unquote(password) for password in found}))


def known_keys(place: Sequence[str | int]) -> tuple[str, ...]:
    """The keys that may stand at a place of the settings (as pydantic locates it); none where there is no section."""
    section: type[Section] | None = Settings
    for part in place:
        if section is None:
            break
        fields = {field.alias or name: field for name, field in section.model_fields.items()}
        if part in fields:
            section = _section_in(fields[str(part)].annotation)
    return tuple(field.alias or name for name, field in section.model_fields.items()) if section else ()


def is_duration(place: Sequence[str | int]) -> bool:
    """Whether the setting at a place is a time."""
    section: type[Section] | None = Settings
    field = None
    for part in place:
        fields = {field.alias or name: field for name, field in section.model_fields.items()} if section else {}
        if part in fields:
            field = fields[str(part)]
            section = _section_in(field.annotation)
    return field is not None and "parse_duration" in repr((field.metadata, field.annotation))


def _section_in(annotation: object) -> type[Section] | None:
    """The section that an annotation names, alone or as what a list or mapping holds."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for each in get_args(annotation) if (found := _section_in(each))), None)
