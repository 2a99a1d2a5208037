"""Types of single settings: durations, hosts, ids of Slack, time zones, addresses. No I/O: names are not resolved."""

import ipaddress
import re
import zoneinfo
from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, WithJsonSchema

from bot.common.addresses import place
from bot.common.durations import seconds_in_settings
from bot.config.proxy import proxy_url

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")
_ROLES = frozenset({"operator", "approver", "admin"})
_GROUP = re.compile(r"S[A-Z0-9]{2,}")
MAX_PORT = 65535
_AROUND = " \t\r\n\v\f\xa0\u200b\ufeff"
"""Characters that copying leaves around a value."""
_COMMAND = re.compile(r"/[a-z0-9_-]{1,31}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class MayHoldSecret:
    """Marks a type whose values no error shows: addresses have passwords and keys in them, above all malformed ones."""


def clean(value: str) -> str:
    """Return a value without blanks around it."""
    return value.strip(_AROUND)


def _cleaned(value: object) -> object:
    return clean(value) if isinstance(value, str) else value


def _name(value: str) -> str:
    if _NAME.fullmatch(value) is None:
        raise ValueError("write lower-case letters, digits and hyphens, at most 40, as in prod-eu")
    return value


def _host(value: str) -> str:
    value = value.strip()
    bare = value.removeprefix("http://").removeprefix("https://")
    match = _HOST.fullmatch(bare)
    if match is None or not 0 < int(match[2]) <= MAX_PORT:
        raise ValueError(
            "write name-or-address:port, as in 10.0.0.1:9998, with an optional http:// or https:// before it"
        )
    return value


_WIDEST = {4: 8, 6: 32}
"""Shortest prefix of a network, by the version of its addresses: a wider one would allow almost any address."""


def _scheduler(value: str) -> str:
    """Take a host, or a network in the CIDR form."""
    if "://" in value or "/" not in value:
        return _host(value)
    try:
        network = ipaddress.ip_network(value)
    except ValueError as error:
        raise ValueError(
            "write name-or-address:port, or a network such as 10.0.0.0/24 whose address ends where its prefix ends"
        ) from error
    if network.prefixlen < (least := _WIDEST[network.version]):
        raise ValueError(f"this network is too wide: write a prefix of at least /{least}, or name each scheduler")
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
        raise ValueError("write a complete address such as https://slack.com/api/")
    if parts.username or parts.password:
        raise ValueError("write the address without a user or password: tokens come from the environment")
    return value if value.endswith("/") else value + "/"


def _command(value: str) -> str:
    if _COMMAND.fullmatch(value) is None:
        raise ValueError(
            "write the command as Slack takes it, as in /cm: lower-case letters, digits, _ and -, at most 32"
        )
    return value


def _proxy(value: str) -> str:
    url = proxy_url(value)
    if "@" in url:
        raise ValueError("write the proxy without a user or password: set SLACK_PROXY to the whole address instead")
    return url


def _shown(pattern: str) -> WithJsonSchema:
    """Show a text in the JSON Schema with a pattern that is at most as strict as its validator."""
    return WithJsonSchema({"type": "string", "pattern": pattern})


_AROUND_SHOWN = r"[\s\u200b\ufeff]*"
_CHANNEL_SHOWN, _GROUP_SHOWN = _shown(r"^[CG][A-Z0-9]{2,}$"), _shown(r"^S[A-Z0-9]{2,}$")

Seconds = Annotated[float, BeforeValidator(seconds_in_settings)]
Host = Annotated[
    str,
    BeforeValidator(_cleaned),
    AfterValidator(_host),
    _shown(
        rf"^{_AROUND_SHOWN}(https?://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{{1,5}}{_AROUND_SHOWN}$",
    ),
]
Scheduler = Annotated[
    str,
    BeforeValidator(_cleaned),
    AfterValidator(_scheduler),
    _shown(rf"^{_AROUND_SHOWN}[^\s]+[:/][0-9]+{_AROUND_SHOWN}$"),
]
Secret = Annotated[SecretStr, BeforeValidator(_cleaned)]
Cleaned = Annotated[str, BeforeValidator(_cleaned)]
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
"""The name of an environment variable."""
Address = Annotated[str, BeforeValidator(_cleaned), MayHoldSecret()]
StoreUrl = Address
ChannelId = Annotated[
    str,
    _slack_id("CG", "C0123ABCD", "open the channel's details in Slack, the id is at the bottom"),
    _CHANNEL_SHOWN,
]
UserId = Annotated[
    str,
    _slack_id("UW", "U0123ABCD", "open the profile in Slack, ⋮, Copy member ID"),
    _shown(r"^[UW][A-Z0-9]{2,}$"),
]
GroupId = Annotated[
    str, _slack_id("S", "S0123ABCD", "the id is in the group's address in Slack's directory"), _GROUP_SHOWN
]
_CALLED_SHOWN = {"type": "string", "pattern": r"^[UWS][A-Z0-9]{2,}$"}
Called = Annotated[
    tuple[Annotated[str, _slack_id("UWS", "S0123ABCD", "a user or a user group")], ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
    WithJsonSchema({"anyOf": [_CALLED_SHOWN, {"type": "array", "items": _CALLED_SHOWN}]}),
]
"""One user or user group, or a list of them."""
Source = Annotated[str, AfterValidator(_source), _shown(rf"^({'|'.join(sorted(_ROLES))}|S[A-Z0-9]{{2,}})$")]
Timezone = Annotated[str, AfterValidator(_timezone)]
Url = Annotated[Address, AfterValidator(_http_url), _shown(rf"^{_AROUND_SHOWN}https?://")]
Proxy = Annotated[Address, AfterValidator(_proxy), _shown(r"^[^@]+$")]
CommandName = Annotated[str, BeforeValidator(_cleaned), AfterValidator(_command), _shown(r"^\s*/[a-z0-9_-]{1,31}\s*$")]
Name = Annotated[str, AfterValidator(_name), _shown(r"^[a-z0-9][a-z0-9-]{0,39}$")]


def meaning(host: str) -> str:
    """Return the address that a validated host stands for; `localhost` stands for its address."""
    found = place(host)
    return found.replace("localhost:", "127.0.0.1:", 1) if found.startswith("localhost:") else found


def shared_host(hosts: Mapping[str, Sequence[str]]) -> str:
    """Return the error for a host of two clusters, or one that a cluster names twice; "" if there is none.

    A Clustermgr must be polled for one cluster only: else alerts double, and two changes could run on it at a time.
    """
    seen: dict[str, tuple[str, str]] = {}
    for cluster, written in hosts.items():
        for host in written:
            first, as_written = seen.setdefault(meaning(host), (cluster, ""))
            if not as_written:
                seen[meaning(host)] = (cluster, host)
                continue
            same = f" ({as_written} is the same)" if as_written != host else ""
            if first == cluster:
                return f"clusters.{cluster}.hosts names {host} twice{same}: name each host once"
            return (
                f"the clusters {first} and {cluster} both have the host {host}{same}: "
                "a host belongs to one cluster; remove it from the other, or remove one of the two clusters"
            )
    return ""
