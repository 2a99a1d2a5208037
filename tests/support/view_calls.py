"""Every call of a view that renders the phrasebook, and the same calls with extreme states in place of the samples.

The samples are realistic; a state replaces their foreign text, their numbers and the length of their lists.
"""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from importlib import import_module
from itertools import cycle, islice
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any

from pydantic import BaseModel

from bot.alerting.windows import Window
from bot.clustermgr.models import HostAnswer, Peer
from bot.common.errors import Refused
from bot.interactions.message import Message
from bot.views.forms import Form, FormField
from bot.views.inputs import Choice
from tests.docgen.phrasebook.book import sections

VIEWS = Path(__file__).parents[2] / "bot" / "views"
RENDERS = ("Message", "BlockJson", "Mapping[str, Any]", "JsonObject")
PARTS = frozenset({"blocks", "tables", "charts", "text", "inputs", "plain_forms", "parts"})
MOST_CALLS = 12
"""Samples of one view that are kept."""
MOST_HOSTS = 9
_FOREIGN = frozenset(
    {
        "host", "path", "idc", "rack", "reason", "text", "words", "error", "errors", "value", "leader_host",
        "raft_state", "address", "raft_host", "node_host", "raft_address", "service_address", "create_time", "note",
        "sentence", "verdict", "asked", "comment", "worst", "url", "evidence", "unknown", "refusal", "idcs", "zone",
        "hosts", "disk_path", "switches",
    }
)  # fmt: skip
"""Fields and arguments of text that a cluster or a person writes."""
_MADE = Message | Choice | FormField | Form | Window
"""What the program makes, and what is a text by then; hostile parts come through other views, settings are checked."""
_OF_THE_PROGRAM = frozenset({"HelpGroup", "HelpTopic", "Point"})
"""Kinds of items whose number does not depend on a cluster."""
_NEVER_EMPTY = ("alert_group.", "ops_list.plan")
_YEAR_2001, _YEAR_2096 = 1e9, 4e9


@dataclass(frozen=True, slots=True)
class State:
    """An extreme state: a text, a number and a length of lists; None leaves what the sample has."""

    text: str | None = None
    number: int | None = None
    many: int | None = None


@dataclass(frozen=True, slots=True)
class ViewCall:
    """One call of a view: the function and its arguments by name."""

    view: Callable[..., Any]
    arguments: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The view, as `module.function`."""
        return f"{self.view.__module__.removeprefix('bot.views.')}.{self.view.__name__}"

    def render(self, state: State) -> Any:
        """Call the view in that state."""
        # A group of alerts, and a plan of steps, have at least one.
        state = replace(state, many=None) if state.many == 0 and self.name.startswith(_NEVER_EMPTY) else state
        given: list[Any] = []
        named: dict[str, Any] = {}
        for name, parameter in inspect.signature(self.view).parameters.items():
            value = in_state(self.arguments[name], state, name)
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                given += value
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                named |= value
            elif parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                named[name] = value
            else:
                given.append(value)
        shown = self.view(*given, **named)
        return [*shown] if inspect.isgenerator(shown) else shown


def _views() -> Iterator[Callable[..., Any]]:
    for path in sorted(VIEWS.rglob("*.py")):
        if path.stem in PARTS:
            continue
        module = ".".join(path.relative_to(VIEWS.parents[1]).with_suffix("").parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.returns is not None:
                returned = ast.unparse(node.returns)
                if any(kind in returned for kind in RENDERS):
                    yield getattr(import_module(module), node.name)


def view_calls() -> Mapping[str, Sequence[ViewCall]]:
    """Return the calls of every view in the phrasebook, by the name of the view."""
    of_code = {view.__code__: view for view in _views()}
    found: dict[str, list[ViewCall]] = {}

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event != "call" or frame.f_code not in of_code:
            return
        view = of_code[frame.f_code]
        held = frame.f_locals
        call = ViewCall(view, {name: held[name] for name in inspect.signature(view).parameters})
        calls = found.setdefault(call.name, [])
        if len(calls) < MOST_CALLS:
            calls.append(call)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        sections()
    finally:
        sys.setprofile(before)
    return found


def in_state(value: Any, state: State, name: str = "", *, inside: bool = False) -> Any:
    """Return a value in that state; `name` is its field or argument, `inside` is True below an argument."""
    if isinstance(value, Enum | bool | _MADE):
        return value
    if isinstance(value, str):
        return state.text if state.text is not None and value and name in _FOREIGN else value
    if isinstance(value, int | float):
        return _number(value, state)
    if isinstance(value, tuple | list):
        return _of_sequence(value, state, name, inside=inside)
    return _of_fields(value, state, name)


def _of_fields(value: Any, state: State, name: str) -> Any:
    if isinstance(value, dict | MappingProxyType):
        return {key: in_state(held, state, name, inside=True) for key, held in value.items()}
    if isinstance(value, Peer):
        value = value.model_copy(update={"state": value.state if state.text is None else state.text})
    if isinstance(value, BaseModel):
        changed = {each: in_state(getattr(value, each), state, each, inside=True) for each in type(value).model_fields}
        return value.model_copy(update=changed)
    return _of_dataclass(value, state) if is_dataclass(value) and not isinstance(value, type) else value


def _number(value: float, state: State) -> float:
    if state.number is None or _YEAR_2001 < value < _YEAR_2096:
        return value
    return state.number if isinstance(value, int) else float(state.number)


def _of_dataclass(value: Any, state: State) -> Any:
    changed = {
        each.name: in_state(getattr(value, each.name), state, each.name, inside=True)
        for each in fields(value)
        if each.init
    }
    try:
        return replace(value, **changed)
    except Refused:
        return value  # such a request cannot be made


def _of_sequence(value: Sequence[Any], state: State, name: str, *, inside: bool) -> Any:
    items: list[Any] = [in_state(each, state, name, inside=True) for each in value]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*items)
    if items and type(items[0]).__name__ in _OF_THE_PROGRAM:
        return value if isinstance(value, list) else tuple(items)
    if state.many is not None and items and (is_dataclass(items[0]) or isinstance(items[0], BaseModel)):
        most = MOST_HOSTS if isinstance(items[0], HostAnswer | Peer) else state.many
        if not (inside and state.many == 0):
            items = list(islice(cycle(items), min(state.many, most)))
    return items if isinstance(value, list) else tuple(items)
