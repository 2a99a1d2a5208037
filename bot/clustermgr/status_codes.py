"""From an HTTP answer to a value or an error of our tree: what each status means, for reads and for writes.

The HTTP status is Clustermgr's own code where it has one (906, 907, 910, …); only 200 is success. Sources:
docs/clustermgr.md and the recorded exchanges (tests/contract).
"""

import json
from dataclasses import dataclass
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

OK = 200
SLOW_REFUSAL = 5.0
"""A 4xx that took longer than this many seconds may still be applied (v1 answers 400 to a proposal that timed out)."""
_MAX_WORDS = 300
_NOT_FOUND = frozenset({404, 904, 911, 934})
_MAY_STILL_APPLY = frozenset({906, 908})
_CLIENT_ERRORS = range(400, 500)
_NOT_DONE = frozenset({400, 401, 403, 404, 405, 406, 407, 411, 413, 414, 415, 417, 421, 422, 426, 428, 429, 431})
"""The 4xx that say that a request was not carried out; another may be a gateway's that passed it on (408, 499)."""
_SERVER_ERRORS = range(500, 600)
_SERVER_CODES = range(900, 1000)
_FIRST_PLAIN_REFUSAL = 910

_TLS_WANTED = ("HTTP request to an HTTPS server", "plain HTTP request was sent to HTTPS port")
"""What servers (Go's own, nginx) answer to plain HTTP on a TLS port, with 400."""
SPEAKS_TLS = "speaks TLS, but is asked without it: write https:// before it in hosts."


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer as it came; `took` in seconds."""

    host: str
    status: int
    body: bytes
    trace_id: str
    took: float
    is_json: bool


def one_line(text: str, most: int) -> str:
    """Hostile text as one printable line of `most` characters at the most; escaping it for Slack is the views' part."""
    head = text[: 4 * most]
    line = " ".join("".join(char if char.isprintable() else " " for char in head).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def words_of(answer: Answer) -> str:
    """The server's own words, one line, printable, bounded."""
    told = _told(answer)
    return one_line(told if told is not None else answer.body[: 4 * _MAX_WORDS].decode("utf-8", "replace"), _MAX_WORDS)


def _is_plain_yes(answer: Answer) -> bool:
    data = _json(answer)
    return answer.is_json and (data is None or (isinstance(data, dict) and "error" not in data))


def _told(answer: Answer) -> str | None:
    """The text under `error` in a body of Clustermgr's shape, None when the body is of another."""
    data = _json(answer) if answer.is_json else None
    told = data.get("error") if isinstance(data, dict) else None
    return told if isinstance(told, str) else None


_NO_JSON = object()


def _json(answer: Answer) -> Any:
    """The body as JSON, _NO_JSON when it is none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return _NO_JSON


def check_read(answer: Answer) -> None:
    """Raise what a read's answer means unless it is 200."""
    if answer.status != OK:
        raise _error(ClusterBadAnswer if _wants_tls(answer) else _read_error(answer), answer)


def check_write(answer: Answer) -> None:
    """Raise what a write's answer means unless it is a 200 of the documented shape.

    That is an empty body; null or an object without an `error` is taken, too.
    """
    if answer.status == OK:
        if answer.body.strip() and not _is_plain_yes(answer):
            raise _error(OutcomeUnknown, answer)
        return
    raise _error(_write_error(answer), answer)


def _read_error(answer: Answer) -> type[ClusterError]:
    status = answer.status
    if status in _NOT_FOUND and _told(answer) is not None:
        # A proxy's or a router's own 404 says nothing about the thing asked for.
        return NotFound
    if status == 403:  # noqa: PLR2004 - HTTP's Forbidden
        return AuthRejected
    if status == 907:  # noqa: PLR2004 - Clustermgr's "no leader"
        return NoLeader
    if status in _MAY_STILL_APPLY or status in _SERVER_ERRORS:
        return ClusterFailed
    if status in _CLIENT_ERRORS or status in _SERVER_CODES:
        return ClusterRefused
    # Neither success nor a documented error: a proxy or another server. A redirection is one too: it is not followed,
    # and its sender may have passed a write on (303 says "done, look there").
    return ClusterBadAnswer


def _wants_tls(answer: Answer) -> bool:
    """True when a TLS port says that it was asked in plain HTTP; nothing was carried out then."""
    if answer.status != 400:  # noqa: PLR2004 - HTTP's Bad Request
        return False
    words = words_of(answer)
    return any(sign in words for sign in _TLS_WANTED)


def _write_error(answer: Answer) -> type[ClusterError]:
    if _wants_tls(answer):
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
    NotFound: "{host} does not know it: {words} ({status}).",
    AuthRejected: "{host} refused the request token (403): check the secret that token_env names.",
    NoLeader: "{host} says that the group has no leader just now (907).",
    ClusterFailed: "{host} could not answer: {words} ({status}).",
    ClusterBadAnswer: "{host} did not answer like a Clustermgr (HTTP {status}): is the address right?",
    ClusterRefused: "{host} refused: {words} ({status}).",
    OutcomeUnknown: "{host} answered {status} after {took:.1f} s ({words}); "
    "the change may or may not have been applied.",
}


def _error(kind: type[ClusterError], answer: Answer) -> ClusterError:
    words = words_of(answer)
    sentence = _SENTENCES[kind].format(
        host=answer.host, words=words or "no words", status=answer.status, took=answer.took
    )
    if _wants_tls(answer):
        sentence = f"{answer.host} {SPEAKS_TLS}"
    return kind(sentence, host=answer.host, status=answer.status, words=words, trace_id=answer.trace_id)
