"""Settings of what goes to other systems than Slack, and of what comes from them."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from bot.config.section import Section
from bot.config.types import Address, Name, Seconds, Variable

ROBOTS = frozenset({"wecom", "dingtalk", "feishu"})
PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
_MAX_URL = 2048


def output_url(value: str) -> str:
    """Return an address as it is used; raises ValueError without the address in its text, which may be a secret."""
    try:
        parts = urlsplit(value)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or len(value) > _MAX_URL or any(char.isspace() for char in value):
        raise ValueError("write a complete address such as https://alertmanager.example.com:9093")
    if parts.username or parts.password:
        raise ValueError("write the address without a user or password: keys come from the environment")
    return value


class ReceiverSettings(Section):
    """One receiver of alerts; an address with a key in it, and every key and secret, come from the environment."""

    name: Name
    kind: Literal["alertmanager", "webhook", "pagerduty", "wecom", "dingtalk", "feishu"]
    url: Address | None = None
    url_env: Variable | None = None
    key_env: Variable | None = None
    secret_env: Variable | None = None
    ca_file: Path | None = None
    clusters: tuple[Name, ...] = ()
    severity: Literal["info", "warning", "critical"] | None = None
    when: Literal["always", "slack_down"] = "always"

    @field_validator("url")
    @classmethod
    def _complete(cls, value: str | None) -> str | None:
        return value if value is None else output_url(value)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.url and self.url_env:
            raise ValueError("name the address once: url, or url_env")
        if self.kind in ROBOTS and not self.url_env:
            raise ValueError(
                f"the address of a {self.kind} robot is a secret: put it into a variable, and name it in url_env"
            )
        if self.kind in {"alertmanager", "webhook"} and not (self.url or self.url_env):
            raise ValueError("name its address in url, or the variable that has it in url_env")
        if self.kind == "pagerduty" and not self.key_env:
            raise ValueError("name the variable with the integration key in key_env")
        if self.kind == "webhook" and not self.secret_env:
            raise ValueError("name the variable with the secret of the signature in secret_env")
        if self.key_env and self.kind not in {"pagerduty", "alertmanager"}:
            raise ValueError(f"a receiver of the kind {self.kind} has no key_env: remove it")
        if self.secret_env and self.kind not in {"webhook", "dingtalk", "feishu"}:
            raise ValueError(f"a receiver of the kind {self.kind} has no secret_env: remove it")
        return self

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that it names."""
        return tuple(filter(None, (self.url_env, self.key_env, self.secret_env)))

    @property
    def least(self) -> str:
        """Its lowest severity: everything, but only critical alerts while Slack is down."""
        return self.severity or ("info" if self.when == "always" else "critical")


class OutputSettings(Section):
    """Where alerts go besides Slack.

    `slack_down_after` are the seconds without Slack after which receivers with `when: slack_down` get alerts; `resend`
    the seconds between two reports of an open alert to an Alertmanager.
    """

    receivers: Annotated[tuple[ReceiverSettings, ...], Field(max_length=50)] = ()
    slack_down_after: Seconds = Field(300.0, ge=10, le=86400)
    resend: Seconds = Field(60.0, ge=5, le=3600)

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [each.name for each in self.receivers]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two receivers are called {doubled[0]!r}: give each another name")
        return self

    @property
    def variables(self) -> tuple[tuple[str, str], ...]:
        """The environment variables of all receivers, each with the setting that names it."""
        return tuple(
            (f"outputs.receivers.{own.name}.{key}", variable)
            for own in self.receivers
            for key in ("url_env", "key_env", "secret_env")
            if (variable := getattr(own, key))
        )


class InputSettings(Section):
    """Alerts of other systems that join the channels of their clusters: the webhook of an Alertmanager.

    Off without `token_env`. `cluster_label` is the label with the name of the cluster; an alert that is not reported
    again within `expire_after` seconds is over.
    """

    token_env: Variable | None = None
    cluster_label: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")] = "cluster"
    expire_after: Seconds = Field(9 * 3600.0, ge=60, le=7 * 86400)

    @property
    def variables(self) -> tuple[tuple[str, str], ...]:
        """The environment variable of the token, with the setting that names it; none if this is off."""
        return (("inputs.token_env", self.token_env),) if self.token_env else ()
