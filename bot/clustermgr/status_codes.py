"""The meaning of each HTTP status, as an error of our tree, for reads and for writes.

The HTTP status is Clustermgr's own code where it has one (906, 907, 910, …); only 200 is success. Sources:
docs/clustermgr.md and the recorded exchanges (tests/contract).
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from bot.common.errors import (
    AuthRejected,
    ClusterBadAnswer,
    ClusterError,
    ClusterFailed,
    ClusterRefused,
    NoLeader,
    NotFound,
    OutcomeUnknown,
)
from bot.common.frozen import frozen

OK = 200
SLOW_REFUSAL = 5.0
"""A 4xx that took longer than this many seconds may still be applied (v1 answers 400 to a proposal that timed out)."""
_MAX_WORDS = 300
NOT_FOUND = frozenset({404, 904, 911, 934})
MAY_STILL_APPLY = frozenset({906, 908})
_CLIENT_ERRORS = range(400, 500)
_NOT_DONE = frozenset({400, 401, 403, 404, 405, 406, 407, 411, 413, 414, 415, 417, 421, 422, 426, 428, 429, 431})
"""4xx statuses after which nothing was applied; a gateway that forwarded the request may send others (408, 499)."""
SERVER_ERRORS = range(500, 600)
_SERVER_CODES = range(900, 1000)
_FIRST_PLAIN_REFUSAL = 910

_TLS_EXPECTED = ("HTTP request to an HTTPS server", "plain HTTP request was sent to HTTPS port")
"""Texts of servers (Go, nginx) that got plain HTTP on a TLS port, with status 400."""
SPEAKS_TLS = "speaks TLS, but the settings use plain HTTP: write https:// before it in hosts."


@frozen
class Answer:
    """One HTTP answer as received; `took` in seconds."""

    host: str
    status: int
    body: bytes
    trace_id: str
    took: float
    is_json: bool


def one_line(text: str, limit: int) -> str:
    """Return hostile text as one printable line of at most `limit` characters; the views escape it for Slack."""
    head = text[: 4 * limit]
    line = " ".join("".join(char if char.isprintable() else " " for char in head).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def server_text(answer: Answer) -> str:
    """The error text of the server, as one bounded printable line."""
    error = _error_text(answer)
    return one_line(
        error if error is not None else answer.body[: 4 * _MAX_WORDS].decode("utf-8", "replace"), _MAX_WORDS
    )


def _is_success(answer: Answer) -> bool:
    data = _json(answer)
    return answer.is_json and (data is None or (isinstance(data, dict) and "error" not in data))


def _error_text(answer: Answer) -> str | None:
    """The text under `error` in a body of Clustermgr's shape, None for a body of another shape."""
    data = _json(answer) if answer.is_json else None
    error = data.get("error") if isinstance(data, dict) else None
    return error if isinstance(error, str) else None


_NO_JSON = object()


def _json(answer: Answer) -> Any:
    """The body as JSON, _NO_JSON if it is not JSON."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return _NO_JSON


def check_read(answer: Answer) -> None:
    """Raise the error that the answer to a read means, unless its status is 200."""
    if answer.status != OK:
        raise _error(ClusterBadAnswer if _expects_tls(answer) else _read_error(answer), answer)


def check_write(answer: Answer) -> None:
    """Raise the error that the answer to a write means, unless it is a 200 of the documented shape.

    That shape is an empty body; null and an object without `error` are accepted too.
    """
    if answer.status == OK:
        if answer.body.strip() and not _is_success(answer):
            raise _error(OutcomeUnknown, answer)
        return
    raise _error(_write_error(answer), answer, advice=_advice(answer))


NEXT_STEPS: Mapping[int, str] = MappingProxyType(
    {
        911: "The cluster does not know the disk: `/cm disks` lists the disks.",
        912: "The disk is in that state already: `/cm disks` shows it.",
        913: "The state of a disk goes forward only, and a disk that is being dropped cannot be declared broken.",
        926: "Only a disk that is normal and read-only can be dropped: `/cm disks` shows its state.",
        930: "Units are still on the disk: wait until they have moved.",
        932: "The disk is being dropped, and a drop cannot be cancelled: let it end.",
        934: "The cluster does not know the node: `/cm disks` shows the hosts.",
        935: "The node has disks in use: take them offline first, and wait until they are dropped.",
    }
)
"""Next step after a refused change of a disk or a node, by Clustermgr's own code (recorded exchanges)."""


def _advice(answer: Answer) -> str:
    return NEXT_STEPS.get(answer.status, "") if _error_text(answer) is not None else ""


def _read_error(answer: Answer) -> type[ClusterError]:
    status = answer.status
    if status in NOT_FOUND and _error_text(answer) is not None:
        # The 404 of a proxy or a router does not prove that the entry is missing.
        return NotFound
    if status == 403:  # noqa: PLR2004 - HTTP's Forbidden
        return AuthRejected
    if status == 907:  # noqa: PLR2004 - Clustermgr's "no leader"
        return NoLeader
    if status in MAY_STILL_APPLY or status in SERVER_ERRORS:
        return ClusterFailed
    if status in _CLIENT_ERRORS or status in _SERVER_CODES:
        return ClusterRefused
    # Neither success nor a documented error: a proxy or another server. Redirects are not followed either, and their
    # sender may have forwarded a write (303 means "done, see there").
    return ClusterBadAnswer


def _expects_tls(answer: Answer) -> bool:
    """True if a TLS port refused plain HTTP; then nothing was applied."""
    if answer.status != 400:  # noqa: PLR2004 - HTTP's Bad Request
        return False
    words = server_text(answer)
    return any(sign in words for sign in _TLS_EXPECTED)


def _write_error(answer: Answer) -> type[ClusterError]:
    if _expects_tls(answer):
        return ClusterRefused
    read = _read_error(answer)
    if read in {ClusterFailed, ClusterBadAnswer}:
        return OutcomeUnknown
    if answer.status in _CLIENT_ERRORS and (answer.status not in _NOT_DONE or answer.took > SLOW_REFUSAL):
        return OutcomeUnknown
    undocumented = answer.status in _SERVER_CODES and answer.status < _FIRST_PLAIN_REFUSAL
    if undocumented and read is ClusterRefused:
        return OutcomeUnknown
    return read


_SENTENCES: dict[type[ClusterError], str] = {
    NotFound: "{host} has no such entry: {words} ({status}).",
    AuthRejected: "{host} refused the request token (403): check the secret that token_env names.",
    NoLeader: "{host} knows no leader of the group at the moment (907).",
    ClusterFailed: "{host} could not answer: {words} ({status}).",
    ClusterBadAnswer: "{host} did not answer like a Clustermgr (HTTP {status}); check the address.",
    ClusterRefused: "{host} refused: {words} ({status}).",
    OutcomeUnknown: "{host} answered {status} after {took:.1f} s ({words}); "
    "the change may or may not have been applied.",
}


def _error(kind: type[ClusterError], answer: Answer, *, advice: str = "") -> ClusterError:
    words = server_text(answer)
    sentence = _SENTENCES[kind].format(
        host=answer.host, words=words or "no text", status=answer.status, took=answer.took
    )
    if _expects_tls(answer):
        sentence = f"{answer.host} {SPEAKS_TLS}"
    if advice:
        sentence = f"{sentence} {advice}"
    return kind(sentence, host=answer.host, status=answer.status, words=words, trace_id=answer.trace_id)
