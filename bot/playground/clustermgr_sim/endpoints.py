"""What an endpoint is: its method, its arguments, and what it does with them on the node that serves it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.playground.clustermgr_sim.answer import Answer
from bot.playground.clustermgr_sim.args import GoStruct
from bot.playground.clustermgr_sim.data import Data
from bot.playground.clustermgr_sim.flavour import Flavour
from bot.playground.clustermgr_sim.nodes import Node
from bot.playground.clustermgr_sim.raft import Raft

Args = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Context:
    """Where a request is served."""

    raft: Raft
    node: Node
    flavour: Flavour
    path: str = ""

    @property
    def data(self) -> Data:
        """The replicated state as this node has it."""
        return self.raft.view(self.node)


@dataclass(frozen=True, slots=True)
class Change:
    """What a write asks raft for; `timeout` is the (status, words) answered when raft cannot finish it in time."""

    apply: Callable[[], None]
    timeout: tuple[int, str] = (906, "raft propose error")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call of the API; a GET takes its arguments from the query, a POST from its JSON body unless `in_query`.

    `run` returns the answer, or the change to be agreed on first; it raises ApiError for a refusal.
    """

    method: str
    path: str
    struct: GoStruct
    run: Callable[[Context, Args], Answer | Change]
    linear: bool = True
    in_query: bool = False
    only: Callable[[Flavour], bool] = lambda _: True
