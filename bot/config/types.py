"""What single values of the settings may look like: durations, hosts, Slack's ids, zones, addresses."""

import re
import zoneinfo
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from bot.common.durations import seconds_in_settings

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")
_ROLES = frozenset({"operator", "approver", "admin"})
_GROUP = re.compile(r"S[A-Z0-9]{2,}")
MAX_PORT = 65535
_AROUND = " \t\r\n\v\f\xa0\u200b\ufeff"
"""What copying leaves around a value: it is taken away."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def clean(value: str) -> str:
    """A value without what copying left around it."""
    return value.strip(_AROUND)


def _cleaned(value: object) -> object:
    return clean(value) if isinstance(value, str) else value


def _name(value: str) -> str:
    if _NAME.fullmatch(value) is None:
        raise ValueError("write small letters, digits and hyphens, 40 at most, as in prod-eu")
    return value


def parse_duration(value: object) -> object:
    """Turn "15s", "2h30m", "1w" or a number into seconds; anything else raises ValueError."""
    return seconds_in_settings(value)


def _host(value: str) -> str:
    value = value.strip()
    bare = value.removeprefix("http://").removeprefix("https://")
    match = _HOST.fullmatch(bare)
    if match is None or not 0 < int(match[2]) <= MAX_PORT:
        raise ValueError("write name-or-address:port, as in 10.0.0.1:9998, with http:// or https:// before it at most")
    return value


def _slack_id(kinds: str, example: str, where: str) -> AfterValidator:
    pattern = re.compile(rf"[{kinds}][A-Z0-9]{{2,}}")

    def check(value: str) -> str:
        if pattern.fullmatch(value) is None:
            raise ValueError(f"write an id such as {example}, not a name: {where}")
        return value

    return AfterValidator(check)


def _source(value: str) -> str:
    if value not in _ROLES and _GROUP.fullmatch(value) is None:
        raise ValueError("write operator, approver or admin, or the id of a user group such as S0123ABCD")
    return value


def _timezone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("write a zone such as Europe/Berlin or UTC") from error
    return value


def _http_url(value: str) -> str:
    value = value.strip()
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("write a whole address such as https://slack.com/api/")
    if parts.username or parts.password:
        raise ValueError("write the address without a user or password: tokens come from the environment")
    return value if value.endswith("/") else value + "/"


Seconds = Annotated[float, BeforeValidator(parse_duration)]
Host = Annotated[str, BeforeValidator(_cleaned), AfterValidator(_host)]
Secret = Annotated[SecretStr, BeforeValidator(_cleaned)]
StoreUrl = Annotated[str, BeforeValidator(_cleaned)]
ChannelId = Annotated[str, _slack_id("CG", "C0123ABCD", "open the channel's details in Slack, the id is at the bottom")]
UserId = Annotated[str, _slack_id("UW", "U0123ABCD", "open the profile in Slack, ⋮, Copy member ID")]
GroupId = Annotated[str, _slack_id("S", "S0123ABCD", "the id is in the group's address in Slack's directory")]
Source = Annotated[str, AfterValidator(_source)]
Timezone = Annotated[str, AfterValidator(_timezone)]
Url = Annotated[str, BeforeValidator(_cleaned), AfterValidator(_http_url)]
Name = Annotated[str, AfterValidator(_name)]
