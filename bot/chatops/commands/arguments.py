"""From typed values to a command's Args, and from what pydantic says is wrong to one sentence for a person. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from bot.chatops.commands.usage import arguments, choices, full_name, usage
from bot.common.errors import UserError
from bot.common.text import nearest, shown
from bot.interactions.command import Args, Command

_EXPECTED: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than_equal": lambda ctx: f"at least {ctx['ge']:,}",
    "greater_than": lambda ctx: f"more than {ctx['gt']:,}",
    "less_than_equal": lambda ctx: f"at most {ctx['le']:,}",
    "less_than": lambda ctx: f"less than {ctx['lt']:,}",
    "string_too_long": lambda ctx: f"at most {ctx['max_length']:,} characters",
    "string_too_short": lambda ctx: f"at least {ctx['min_length']:,} characters" if ctx["min_length"] > 1 else "a text",
    "too_long": lambda ctx: f"at most {ctx['max_length']} words",
    "value_error": lambda ctx: str(ctx["error"]),
}


def validated(command: Command, values: Mapping[str, Any]) -> Args:
    """The command's Args of `values`; raises UserError that names the argument, what was given and what is expected."""
    try:
        return command.args.model_validate({name: _lowered(command, name, value) for name, value in values.items()})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UserError(_sentence(command, first)).at(_argument(first)) from error


def _lowered(command: Command, name: str, value: object) -> object:
    """A word out of few in lower case: phones write the first letter large."""
    field = command.args.typed().get(name)
    return value.lower() if isinstance(value, str) and field is not None and choices(field) else value


def _argument(first: Mapping[str, Any]) -> str:
    return str(first["loc"][0]) if first["loc"] else ""


def _sentence(command: Command, first: Mapping[str, Any]) -> str:
    name = _argument(first)
    if first["type"] == "missing":
        describes = next((a.describes for a in arguments(command) if a.name == name), "")
        what = f" ({describes})" if describes else ""
        return f"{full_name(command)} needs {name}{what}: write {usage(command)}"
    if first["type"] == "extra_forbidden":
        return f"{full_name(command)} has no argument {shown(name)}: write {usage(command)}"
    expected = _expected(command, name, first)
    return f"{name or full_name(command)} cannot be {_given(first['input'])}: it must be {expected}."


def _given(value: object) -> str:
    words = value if isinstance(value, str) else " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return shown(words) if words else "empty"


def _expected(command: Command, name: str, first: Mapping[str, Any]) -> str:
    field = command.args.typed().get(name)
    allowed = choices(field) if field else ()
    if allowed:
        near = nearest(str(first["input"]), allowed)
        return f"one of {', '.join(allowed)}" + (f" (did you mean {near}?)" if near else "")
    kind: str = first["type"]
    if kind in _EXPECTED:
        return _EXPECTED[kind](first["ctx"])
    if kind.startswith(("int_", "int")):
        return "a whole number"
    described = field.description if field else ""
    return described or str(first["msg"]).lower()
