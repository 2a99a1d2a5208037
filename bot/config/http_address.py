"""The address to listen on, where the settings file has none: a container's default differs from a host's."""

from collections.abc import Mapping
from typing import Any


def with_http_host(data: Mapping[str, Any], host: str) -> Mapping[str, Any]:
    """Return the settings with `host` (of CMBOT_HTTP_HOST, "" for none) as `http.host`, unless they name one."""
    given = data.get("http", {})
    if not host or not isinstance(given, dict) or "host" in given:
        return data
    return {**data, "http": {**given, "host": host}}
