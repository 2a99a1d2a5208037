"""`python -m bot.cli.healthcheck`: the health check of the container; asks /healthz on this host."""

import sys
from http.client import HTTPConnection, HTTPException

from bot.common.errors import ConfigError, system_words
from bot.config import load, load_http

_OK = 200
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - the address to ask if the server listens on all
_SECONDS = 4.0


def fault_of(host: str, port: int, seconds: float = _SECONDS) -> str:
    """Return "" if /healthz at `host` answers 200 within `seconds`, else its answer or the error."""
    connection = HTTPConnection(_ANY.get(host, host), port, timeout=seconds)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        body = answer.read(2000).decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        why = system_words(error) if isinstance(error, OSError) else "it does not speak HTTP"
        return f"no answer from {host}:{port} ({why})"
    finally:
        connection.close()
    return "" if answer.status == _OK else body or f"HTTP status {answer.status}"


def main() -> int:
    """Return 0 if healthy, else print one line and return 1."""
    remark = ""
    try:
        http = load().http
    except ConfigError as error:
        # The program may run well with the settings before, which a reload keeps: a restart would end that.
        http, remark = load_http(), f"{error}\n"
    wrong = fault_of(http.host, http.port)
    if wrong:
        sys.stdout.write(f"{remark}{wrong}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
