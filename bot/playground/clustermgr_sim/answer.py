"""A request as a node sees it, the answer it gives, and the refusals in between."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from bot.playground.clustermgr_sim.gojson import dumps

JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request; `target` is its raw path and query, header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def raw_path(self) -> str:
        """The path as sent, percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def path(self) -> str:
        """The decoded path, without the query."""
        return unquote(self.raw_path)

    @property
    def query(self) -> str:
        """The raw query without its question mark."""
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; `chunked` streams the body, `cut` ends the connection instead of answering."""

    status: int = 200
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    chunked: bool = False
    cut: bool = False

    @property
    def reason(self) -> str:
        """Go's reason phrase: the standard one, or `status code 911`."""
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return f"status code {self.status}"

    def with_headers(self, *headers: tuple[str, str]) -> "Answer":
        """Add headers, sorted by name as Go writes them."""
        return replace(self, headers=tuple(sorted((*self.headers, *headers), key=lambda header: header[0])))


CUT = Answer(status=0, cut=True)


class ApiError(Exception):
    """A refusal with the server's own status code and text."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


ILLEGAL = (400, "Illegal Arguments")


def ok() -> Answer:
    """200 with an empty body and no content type, as for every successful write."""
    return Answer()


def json_answer(value: Any, status: int = 200) -> Answer:
    """A JSON body."""
    return Answer(status, dumps(value), (("Content-Type", JSON),))


def error_answer(status: int, words: str) -> Answer:
    """The server's own error."""
    return json_answer({"error": words}, status)


def argument_answer(words: str) -> Answer:
    """An error of the argument parser."""
    return json_answer({"error": words, "code": "Argument"}, 400)


def no_leader() -> Answer:
    """907: this node knows no leader to forward to."""
    return json_answer({"Status": 907, "Code": "", "Err": {}}, 907)


def plain_error(status: int, text: str) -> Answer:
    """The router's own plain-text refusals; Go ends their line."""
    return Answer(status, f"{text}\n" if text else "", (("Content-Type", PLAIN), ("X-Content-Type-Options", "nosniff")))
