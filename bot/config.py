"""The settings: one YAML file for what may be read by anyone, environment variables for what may not.

This module is the only reader of either. Every error is a ConfigError that names the key, the value and the mend.
"""

import re
import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote, urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import ConfigError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
_UNIT = {"ms": 0.001, "s": 1, None: 1, "m": 60, "h": 3600, "d": 86400}
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")
_MAX_PORT = 65535
_SECRET = re.compile(r"\bx(?:ox[a-z]|app|wfp)[.-]|://[^/\s]*@|://[^\s:]*:[^\s]*@")
"""What a written value may give away: one of Slack's tokens, or the log-in in an address."""
_LOG_INS = (re.compile(r"://[^:/]*:([^@]*)@"), re.compile(r"://[^:/]*:(.*)@"))
"""A database URL's password; whoever did not quote an @ in it meant the last one."""


def parse_duration(value: object) -> object:
    """Turn "15s", "5m", "2h", "1d" or a number into seconds; anything else raises ValueError."""
    written = "" if isinstance(value, bool) else str(value).strip()
    match = _DURATION.fullmatch(written)
    if match is None:
        raise ValueError('write a duration such as "15s", "5m" or "2h"')
    return float(match[1]) * _UNIT[match[2]]


def _host(value: str) -> str:
    bare = value.removeprefix("http://").removeprefix("https://")
    match = _HOST.fullmatch(bare)
    if match is None or not 0 < int(match[2]) <= _MAX_PORT:
        raise ValueError("write name-or-address:port, as in 10.0.0.1:9998, with http:// or https:// before it at most")
    return value


def _slack_id(kinds: str, example: str, where: str) -> AfterValidator:
    pattern = re.compile(rf"[{kinds}][A-Z0-9]{{2,}}")

    def check(value: str) -> str:
        if pattern.fullmatch(value) is None:
            raise ValueError(f"write an id such as {example}, not a name: {where}")
        return value

    return AfterValidator(check)


def _timezone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("write a zone such as Europe/Berlin or UTC") from error
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("write a whole address such as https://slack.com/api/")
    return value if value.endswith("/") else value + "/"


Seconds = Annotated[float, BeforeValidator(parse_duration)]
Host = Annotated[str, AfterValidator(_host)]
ChannelId = Annotated[str, _slack_id("CG", "C0123ABCD", "open the channel's details in Slack, the id is at the bottom")]
UserId = Annotated[str, _slack_id("UW", "U0123ABCD", "open the profile in Slack, ⋮, Copy member ID")]
GroupId = Annotated[str, _slack_id("S", "S0123ABCD", "the id is in the group's address in Slack's directory")]
Timezone = Annotated[str, AfterValidator(_timezone)]
Url = Annotated[str, AfterValidator(_http_url)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]


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
    port: int = Field(8080, ge=0, le=_MAX_PORT)


class StoreSettings(Section):
    """Where state is kept; a URL with a password belongs into CMBOT_STORE_URL."""

    url: str = Field("sqlite:///cmbot.db", repr=False)


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


class PolicySettings(Section):
    """How one kind of change is decided on; what is left out keeps what holds for all, or the default."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)
    approvals: int | None = Field(None, ge=1, le=5)
    source: Literal["operator", "approver", "admin"] | GroupId | None = Field(None, alias="from")
    requester_may: Literal["always", "if_approver", "never"] | None = None
    reason: Literal["required", "optional"] | None = None
    expires_after: Annotated[float, BeforeValidator(parse_duration), Field(ge=10, le=86400)] | None = None
    channels: tuple[ChannelId, ...] | None = None


PolicyKey = Literal[
    "task_enable", "task_disable", "member_add", "member_remove", "member_replace", "leader_transfer", "break_glass"
]
Policies = Mapping[PolicyKey, PolicySettings]


class OperationSettings(Section):
    """How long a card waits for its decision, and how long an effect is looked for, in seconds."""

    expires_after: Seconds = Field(900.0, ge=10, le=86400)
    verify_within: Seconds = Field(30.0, ge=1, le=600)


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
    policies: Policies = Field(default_factory=dict)

    @property
    def card_channel(self) -> str:
        """Where operations on this cluster are proposed."""
        return self.operations_channel or self.alert_channel

    @model_validator(mode="after")
    def _hosts_differ(self) -> Self:
        if len(set(self.hosts)) != len(self.hosts):
            raise ValueError("hosts names one address twice: name each host once")
        return self


class SummarySettings(Section):
    """One periodic summary: where, of which clusters (empty: all), when (crontab(5)), in which time zone."""

    channel: ChannelId
    clusters: tuple[Name, ...] = ()
    cron: str = "0 9 * * *"
    timezone: Timezone = "UTC"


class Secrets(BaseSettings):
    """What is read from the environment; nothing of it is ever shown."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
    slack_bot_token: SecretStr = SecretStr("")
    slack_app_token: SecretStr = SecretStr("")
    slack_signing_secret: SecretStr = SecretStr("")
    cmbot_store_url: SecretStr = SecretStr("")
    cmbot_config: Path = Path("config.yaml")


class Settings(Section):
    """All settings, validated together."""

    clusters: Annotated[tuple[ClusterSettings, ...], Field(min_length=1)]
    slack: SlackSettings = SlackSettings()
    http: HttpSettings = HttpSettings()
    store: StoreSettings = StoreSettings()
    access: AccessSettings = AccessSettings()
    operations: OperationSettings = OperationSettings()
    policies: Policies = Field(default_factory=dict)
    summaries: tuple[SummarySettings, ...] = ()
    rules: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    secrets: Secrets = Field(default_factory=Secrets, exclude=True, repr=False)
    cluster_tokens: Mapping[str, SecretStr] = Field(default_factory=dict, exclude=True, repr=False)

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        names = [cluster.name for cluster in self.clusters]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"two clusters are called {doubled[0]!r}: give each a name of its own")
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
        held = (self.secrets.slack_bot_token, self.secrets.slack_app_token, self.secrets.slack_signing_secret)
        values = [secret.get_secret_value() for secret in (*held, *self.cluster_tokens.values())]
        return tuple(value for value in (*values, *_passwords(self.store_url)) if value)

    @property
    def policy_groups(self) -> tuple[str, ...]:
        """The user groups (ids) that policies name as approvers."""
        tables = (self.policies, *(cluster.policies for cluster in self.clusters))
        named = {policy.source for table in tables for policy in table.values() if policy.source}
        return tuple(sorted(name for name in named if name.startswith("S")))

    @property
    def groups(self) -> tuple[str, ...]:
        """Every user group (id) that the settings name, once."""
        access = self.access
        roles = (access.operators, access.approvers, access.admins, access.breakers)
        return tuple(dict.fromkeys((*(group for role in roles for group in role.groups), *self.policy_groups)))

    def cluster(self, name: str) -> ClusterSettings:
        """The cluster of that name; KeyError when there is none."""
        return {cluster.name: cluster for cluster in self.clusters}[name]


def _passwords(url: str) -> tuple[str, ...]:
    """The password of a database URL, as it is written and as it is meant."""
    found = {match[1] for log_in in _LOG_INS if (match := log_in.search(url))}
    return tuple(sorted(found | {unquote(password) for password in found}))


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice: YAML would silently keep the last."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, LookupError, AttributeError) as error:
            # Dates that do not exist and the like: the library hands on what Python says.
            raise yaml.constructor.ConstructorError(
                None, None, "a value is not what it looks like; put it into quotes", node.start_mark
            ) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        doubled = [key for key in keys if keys.count(key) > 1]
        if doubled:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {doubled[0]!r} is given twice", node.start_mark
            )
        return super().construct_mapping(node, deep=deep)


def load(path: Path | None = None) -> Settings:
    """Read the settings from `path` (else $CMBOT_CONFIG, else config.yaml) and the environment.

    Raises ConfigError, one line per problem.
    """
    secrets = Secrets()
    return parse(_read(path or secrets.cmbot_config), secrets=secrets)


def parse(text: str, *, secrets: Secrets, environment: Mapping[str, str] | None = None) -> Settings:
    """Validate settings given as YAML text; `environment` holds the variables that `token_env` may name."""
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - _Loader is a SafeLoader
    except yaml.YAMLError as error:
        raise ConfigError(f"The settings are not valid YAML: {_first_line(error)}") from error
    except RecursionError as error:
        raise ConfigError("The settings are nested too deeply: see config.example.yaml for their shape.") from error
    if not isinstance(data, dict):
        raise ConfigError("The settings are empty: copy config.example.yaml and name your clusters in it.")
    reserved = sorted({"secrets", "cluster_tokens"} & set(data))
    if reserved:
        raise ConfigError(
            f"{reserved[0]}: secrets are read from environment variables only; take them out of the file."
        )
    try:
        settings = Settings.model_validate({**data, "secrets": secrets})
    except ValidationError as error:
        raise ConfigError("\n".join(_problem(item, data) for item in error.errors())) from error
    return settings.model_copy(update={"cluster_tokens": _tokens(settings, environment)})


def _tokens(settings: Settings, environment: Mapping[str, str] | None) -> dict[str, SecretStr]:
    held = _environment() if environment is None else environment
    tokens = {}
    for cluster in settings.clusters:
        if cluster.token_env is None:
            continue
        if not held.get(cluster.token_env):
            raise ConfigError(
                f"clusters.{cluster.name}.token_env: the environment variable {cluster.token_env} is not set; "
                "set it to the cluster's request token secret, or take token_env out."
            )
        tokens[cluster.name] = SecretStr(held[cluster.token_env])
    return tokens


def _environment() -> Mapping[str, str]:
    import os  # noqa: PLC0415 - the one place that reads variables whose names the file gives

    return os.environ


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The settings file {path} cannot be read ({type(error).__name__}): "
            "copy config.example.yaml there, or name another with --config."
        ) from error


def _first_line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    words = getattr(error, "problem", None) or "it cannot be parsed"
    return f"{words} (line {mark.line + 1}, column {mark.column + 1})" if mark else str(words)


def _problem(item: Any, data: Mapping[str, Any]) -> str:
    path = ".".join(_label(part, item["loc"][:index], data) for index, part in enumerate(item["loc"]))
    shown = _given(item["loc"], data)
    words = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        # The value is not shown: what was misplaced here may be a secret.
        shown, words = "", "no such setting; look for a typo, or see docs/configuration.md"
    if item["type"] == "model_type":
        shown, words = "", "takes settings of its own; see docs/configuration.md"
    if item["loc"][-1:] == ("token_env",):
        # The same: whoever takes it for the place of the secret itself should not read it in a log.
        shown, words = "", "write the name of an environment variable, such as CMBOT_TOKEN_PROD; it holds the secret"
    if item["type"] == "missing":
        words = "is required; see config.example.yaml"
    return f"{path or 'settings'}{shown}: {words}"


def _label(part: str | int, before: tuple[str | int, ...], data: Mapping[str, Any]) -> str:
    held = _dig(before, data)
    if isinstance(part, int) and isinstance(held, list) and part < len(held) and isinstance(held[part], dict):
        return str(held[part].get("name", part))
    return str(part)


def _given(loc: tuple[str | int, ...], data: Mapping[str, Any]) -> str:
    value = _dig(loc, data)
    if isinstance(value, str) and _SECRET.search(value):
        return " (not shown: it may hold a secret)"
    return f" = {value!r:.80}" if isinstance(value, str | int | float) else ""


def _dig(loc: tuple[str | int, ...], data: Any) -> Any:
    for part in loc:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data
