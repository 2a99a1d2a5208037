"""Send recorded requests to the simulated cluster, and compare its answers with the recorded ones."""

import http.client
import json
from collections.abc import Set as AbstractSet
from typing import Any

FLAVOUR_OF = {"v1-2022-03": "v1", "v3.5.3": "v3.5", "master-2025-12": "master"}
# what a blobnode's heartbeat or chance decides is compared as "some" or "none", or not in order
VAGUE = frozenset(
    {
        "free_space",
        "used_space",
        "readonly_space",
        "writable_space",
        "total_free_chunk",
        "total_oversold_free_chunk",
    }
)


def send(port: int, request: dict[str, Any]) -> tuple[int, str, list[tuple[str, str]], str]:
    """Send the recorded request byte by byte, nothing added but Host and Content-Length."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.putrequest(request["method"], request["target"], skip_accept_encoding=True)
        body = request["body"].encode()
        for name, value in request["headers"].items():
            connection.putheader(name, value)
        if body or request["method"] == "POST":
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, response.reason, response.getheaders(), response.read().decode()
    finally:
        connection.close()


def comparable(value: Any, vague: AbstractSet[str] = VAGUE, key: str = "") -> Any:
    """The value with chance taken out: peers by id, vague numbers as zero or not, sets of disks and nodes sorted."""
    if isinstance(value, dict):
        return [(name, comparable(item, vague, name)) for name, item in value.items()]
    if isinstance(value, list):
        if key == "peers":
            value = sorted(value, key=lambda peer: peer["id"])
        numbers = all(isinstance(item, int) for item in value)
        unordered = numbers and (key == "nodes" or key.isdigit())
        return sorted(value) if unordered else [comparable(item, vague) for item in value]
    if key in vague:
        return "some" if value else "none"
    return value


def readable(body: str, vague: AbstractSet[str] = VAGUE) -> Any:
    """The parsed body with chance taken out; the text of a body that is not JSON, without the end of its last line."""
    try:
        return comparable(json.loads(body), vague)
    except ValueError:
        return body.removesuffix("\n")


def headers_of(headers: list[Any]) -> list[tuple[str, str]]:
    """Names and values in order, without what the recording left out or what is random or a duration."""
    kept = [(name, value) for name, value in headers if name not in {"Date", "Content-Length", "Transfer-Encoding"}]
    return [
        (name, "" if name == "Blobstore-Tracer-Traceid" else value.partition(":")[0] if name == "Trace-Log" else value)
        for name, value in kept
    ]


def framing(headers: list[tuple[str, str]]) -> str:
    names = {name for name, _ in headers}
    return "chunked" if "Transfer-Encoding" in names else "length" if "Content-Length" in names else "none"
