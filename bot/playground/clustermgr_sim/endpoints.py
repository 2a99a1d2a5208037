"""Endpoints: method, arguments and action of each call; the routes to them, and the router's own answers."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bot.playground.clustermgr_sim.answer import HTML, Answer, ok, plain_error
from bot.playground.clustermgr_sim.args import GoStruct
from bot.playground.clustermgr_sim.data import Data
from bot.playground.clustermgr_sim.flavour import Flavour
from bot.playground.clustermgr_sim.nodes import Node
from bot.playground.clustermgr_sim.raft import Raft

Args = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """The place where a request is served."""

    raft: Raft
    node: Node
    flavour: Flavour
    path: str = ""

    @property
    def data(self) -> Data:
        """The replicated state in the view of this node."""
        return self.raft.view(self.node)


@dataclass(frozen=True, slots=True)
class Change:
    """A change for raft to apply; `timeout` is the (status, text) answered if raft cannot finish in time.

    `answer` is called once the change is made.
    """

    apply: Callable[[], None]
    timeout: tuple[int, str] = (906, "raft propose error")
    answer: Callable[[], Answer] = ok


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A call of the API; a GET takes its arguments from the query, a POST from its JSON body unless `in_query`.

    `run` returns the answer, or the change to propose first; it raises ApiError for a refusal.
    """

    method: str
    path: str
    struct: GoStruct
    run: Callable[[Context, Args], Answer | Change]
    linear: bool = True
    in_query: bool = False
    only: Callable[[Flavour], bool] = lambda _: True


KV_PREFIX = "/kv/get/"


class Routes:
    """The endpoints of one release by path."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._by_path = {endpoint.path: endpoint for endpoint in endpoints}

    def find(self, method: str, path: str) -> Endpoint | Answer:
        """The endpoint, or the plain-text answer of the router without one."""
        endpoint = self._at(path)
        if endpoint is None:
            return self._elsewhere(method, path)
        if endpoint.method == method:
            return endpoint
        refusal = plain_error(405, "" if method == "HEAD" else "Method Not Allowed")
        return refusal.with_headers(("Allow", self.methods(path)))

    def methods(self, path: str) -> str:
        """The allowed methods in the form of the Allow header; empty for an unknown path."""
        endpoint = self._at(path)
        return "" if endpoint is None else ", ".join(sorted((endpoint.method, "OPTIONS")))

    def _at(self, path: str) -> Endpoint | None:
        if path.startswith(KV_PREFIX) and path != KV_PREFIX:
            return self._by_path.get(KV_PREFIX)
        return None if path == KV_PREFIX else self._by_path.get(path)

    def _elsewhere(self, method: str, path: str) -> Answer:
        """Redirect to a known path that differs only by extra slashes or by case."""
        cleaned = re.sub(r"/+", "/", path).rstrip("/")
        there = {known.lower(): known for known in self._by_path}.get(cleaned.lower())
        if there is None:
            return plain_error(404, "404 page not found")
        status = 301 if method == "GET" else 308
        page = Answer(status, f'<a href="{there}">Moved Permanently</a>.', (("Content-Type", HTML),))
        return page.with_headers(("Location", there))
