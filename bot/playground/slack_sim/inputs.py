"""Input of a person as payloads carry it: escaped text, and the state of each element type."""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from bot.playground.slack_sim.errors import ActRefused
from bot.playground.slack_sim.team import Team

_BROADCASTS = frozenset({"here", "channel", "everyone"})
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_TOKEN = re.compile(
    r"(?P<link>https?://[^\s<>]+)"
    r"|(?P<mail>[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|(?P<domain>(?<![\w./:-])(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev)\b(?::\d+)?(?:/[^\s<>]*)?)"
    r"|(?P<user>(?<![\w])@[\w.-]*\w)"
    r"|(?P<channel>(?<![\w])\#[\w-]+)"
    r"|(?P<entity>[&<>])",
    re.ASCII,
)


def entities(text: str) -> str:
    """Escape the three characters of Slack's markup."""
    return "".join(_ENTITIES.get(letter, letter) for letter in text)


def escape_typed(text: str, team: Team) -> str:
    """`@bob` → `<@U..|bob>`, `#ops` → `<#C..|ops>`, `http://x` → `<http://x>`, `&` → `&amp;` (`should_escape`)."""
    return _TOKEN.sub(lambda match: _escaped(match, team), text)


def _escaped(match: re.Match[str], team: Team) -> str:
    kind, found = str(match.lastgroup), match.group()
    if kind == "link":
        return f"<{entities(found)}>"
    if kind == "mail":
        return f"<mailto:{found}|{found}>"
    if kind == "domain":
        return f"<http://{entities(found)}|{entities(found)}>"
    if kind == "user":
        return _mention(found, team)
    if kind == "channel":
        named = next((c for c in team.channels if f"#{c.name}" == found), None)
        return f"<#{named.id}|{named.name}>" if named else found
    return _ENTITIES[found]


def _mention(found: str, team: Team) -> str:
    name = found[1:]
    if name in _BROADCASTS:
        return f"<!{name}>"
    if name == team.bot_name:
        return f"<@{team.bot_user}|{name}>"
    if user := next((user for user in team.users if user.name == name), None):
        return f"<@{user.id}|{name}>"
    group = next((group for group in team.groups if group.handle == name), None)
    return f"<!subteam^{group.id}|@{name}>" if group else found


Element = Mapping[str, Any]
State = dict[str, Any]


def _options(element: Element) -> list[Mapping[str, Any]]:
    groups = element.get("option_groups") or ()
    return [*element.get("options", ()), *(option for group in groups for option in group["options"])]


def _option(element: Element, value: Any) -> Mapping[str, Any]:
    wanted = value.get("value") if isinstance(value, Mapping) else value
    found = next((option for option in _options(element) if option["value"] == wanted), None)
    if found is None:
        raise ActRefused("option_not_found", f"there is no option {value!r}")
    return found


def _one(element: Element, value: Any) -> State:
    return {"selected_option": _option(element, value) if value else None}


def _many(element: Element, value: Any) -> State:
    wanted = [] if value is None else value if isinstance(value, list) else [value]
    return {"selected_options": [_option(element, each) for each in wanted]}


def _plain(name: str) -> Callable[[Element, Any], State]:
    return lambda _element, value: {name: str(value) if value not in {None, ""} else None}


def _listed(name: str) -> Callable[[Element, Any], State]:
    return lambda _element, value: {name: list(value) if isinstance(value, list) else [value] if value else []}


CHOICES: Mapping[str, Callable[[Element, Any], State]] = MappingProxyType(
    {
        "static_select": _one,
        "radio_buttons": _one,
        "overflow": _one,
        "checkboxes": _many,
        "multi_static_select": _many,
        "plain_text_input": _plain("value"),
        "number_input": _plain("value"),
        "email_text_input": _plain("value"),
        "url_text_input": _plain("value"),
        "datepicker": _plain("selected_date"),
        "timepicker": _plain("selected_time"),
        "datetimepicker": _plain("selected_date_time"),
        "multi_users_select": _listed("selected_users"),
        "multi_conversations_select": _listed("selected_conversations"),
        "multi_channels_select": _listed("selected_channels"),
        "users_select": _plain("selected_user"),
        "conversations_select": _plain("selected_conversation"),
        "channels_select": _plain("selected_channel"),
    }
)
_INITIAL = ("initial_value", "initial_date", "initial_time", "initial_user", "initial_conversation", "initial_channel")


def chosen(element: Element, value: Any) -> State:
    """The state of an element with `value` (option values for selects); raises ActRefused."""
    kind = str(element.get("type"))
    return {"type": kind} | (CHOICES[kind](element, value) if kind in CHOICES else {})


def initial(element: Element) -> Any:
    """The initial value of an element."""
    if isinstance(option := element.get("initial_option"), Mapping):
        return option["value"]
    if isinstance(options := element.get("initial_options"), list):
        return [each["value"] for each in options]
    return next((element[name] for name in _INITIAL if name in element), None)


def is_empty(state: Mapping[str, Any]) -> bool:
    """True if the input is empty."""
    return not any(value for key, value in state.items() if key != "type")


def _inputs(blocks: tuple[Mapping[str, Any], ...]) -> Iterator[tuple[Mapping[str, Any], Element]]:
    for block in blocks:
        if block.get("type") == "input" and isinstance(element := block.get("element"), Mapping):
            yield block, element


def form_state(blocks: tuple[Mapping[str, Any], ...], values: Mapping[str, Any]) -> dict[str, State]:
    """`state.values` of a form filled in with plain values by action_id or block_id; raises ActRefused."""
    state: dict[str, State] = {}
    left = dict(values)
    for block, element in _inputs(blocks):
        block_id, action_id = str(block["block_id"]), str(element["action_id"])
        given = left.pop(action_id, left.pop(block_id, initial(element)))
        state[block_id] = {action_id: chosen(element, given)}
    if left:
        raise ActRefused("input_not_found", f"there is no input {', '.join(sorted(left))}")
    return state


def with_choice(state: Mapping[str, Mapping[str, Any]], acted: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """`state.values` with the last choice, as in the `block_actions` of a view; a button has no state."""
    if acted["type"] not in CHOICES:
        return dict(state)
    block_id, action_id = str(acted["block_id"]), str(acted["action_id"])
    found = {key: value for key, value in acted.items() if key == "type" or key.startswith(("selected", "value"))}
    return {**state, block_id: {**state.get(block_id, {}), action_id: found}}


def wrong_in(blocks: tuple[Mapping[str, Any], ...], values: Mapping[str, Any]) -> dict[str, str]:
    """Slack's own errors of a form, by block_id: a missing value, a wrong length. The app never gets such a form."""
    found = {}
    for block, element in _inputs(blocks):
        state = values.get(block["block_id"], {}).get(element["action_id"], {})
        if words := _wrong(block, element, state):
            found[str(block["block_id"])] = words
    return found


def _wrong(block: Mapping[str, Any], element: Element, state: Mapping[str, Any]) -> str:
    if is_empty(state):
        return "" if block.get("optional") else "Please complete this required field."
    length, most, least = len(str(state.get("value") or "")), element.get("max_length"), element.get("min_length")
    if element.get("type") != "plain_text_input":
        return ""
    if most is not None and length > most:
        return f"This value must be at most {most} characters."
    return f"This value must be at least {least} characters." if least is not None and length < least else ""
