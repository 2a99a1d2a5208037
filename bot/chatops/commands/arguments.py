"""Validation of a command's arguments and its cluster: an error of pydantic becomes a sentence for a person. No I/O."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.chatops.commands.usage import CLUSTER, arguments, choices, full_name, usage
from bot.common.errors import UserError
from bot.common.text import listed, nearest, shown, suggestion
from bot.interactions.command import Args, Command

_EXPECTED = {
    "greater_than_equal": "at least {ge:,}",
    "greater_than": "more than {gt:,}",
    "less_than_equal": "at most {le:,}",
    "less_than": "less than {lt:,}",
    "string_too_long": "at most {max_length:,} characters",
    "string_too_short": "at least {min_length:,} characters",
    "too_long": "at most {max_length} words",
    "value_error": "{error}",
}
"""The expected value by pydantic's kind of error, filled with the facts of the error."""
_LENGTH_ONE = {"min_length": 1}


class MissingArgument(UserError):
    """A command lacks an argument, or its cluster; `given` are the arguments that it has, by name, as text."""

    given: Mapping[str, str] = MappingProxyType({})
    cluster: str = ""


def validated(command: Command, values: Mapping[str, object]) -> Args:
    """Return the command's Args; raises UserError with the argument, the given value and the expected one."""
    try:
        return command.args.model_validate({name: _lowered(command, name, value) for name, value in values.items()})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        kind = MissingArgument if first["type"] == "missing" else UserError
        raise kind(_sentence(command, first)).at(_argument(first)) from error


def configured(name: str, clusters: Sequence[str]) -> str:
    """Return the configured cluster of that name; raises UserError that lists them."""
    if name.lower() not in clusters:
        raise UserError(f"There is no cluster {shown(name)}.{suggestion(name, clusters)} {all_of(clusters)}").at(
            CLUSTER
        )
    return name.lower()


def all_of(clusters: Sequence[str]) -> str:
    """Return the configured clusters as a sentence."""
    return f"Configured: {listed(clusters)}." if clusters else "No cluster is configured."


def _lowered(command: Command, name: str, value: object) -> object:
    """Return a word out of a fixed set in lower case, because phones write the first letter as a capital."""
    field = command.args.typed().get(name)
    return value.lower() if isinstance(value, str) and field is not None and choices(field) else value


def _argument(first: ErrorDetails) -> str:
    return str(first["loc"][0]) if first["loc"] else ""


def _sentence(command: Command, first: ErrorDetails) -> str:
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


def _expected(command: Command, name: str, first: ErrorDetails) -> str:
    field = command.args.typed().get(name)
    allowed = choices(field) if field else ()
    if allowed:
        near = nearest(str(first["input"]), allowed)
        return f"one of {', '.join(allowed)}" + (f" (did you mean {near}?)" if near else "")
    kind: str = first["type"]
    if kind == "string_too_short" and first["ctx"] == _LENGTH_ONE:
        return "a text"
    if kind in _EXPECTED:
        return _EXPECTED[kind].format(**first["ctx"])
    if kind.startswith(("int_", "int")):
        return "a whole number"
    described = field.description if field else ""
    return described or str(first["msg"]).lower()
