"""Usage line and arguments of a command, for help, errors and the documentation. No I/O."""

import enum
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

from bot.common.frozen import frozen
from bot.interactions.command import Command, Scope
from bot.permissions.roles import Role

SLASH = "/cm"
ASKED_BY_POLICY: JsonDict = {"asked_by_policy": True}
"""Marks a field that the policy of a change requires unless the settings make it optional: written as required."""
CLUSTER = "cluster"
"""The argument that names a cluster, as a bare word or `cluster=`."""


@frozen
class Argument:
    """One argument as a person writes it; `choices` is empty if it takes any text."""

    name: str
    written: str
    describes: str
    choices: tuple[str, ...] = ()


def full_name(command: Command) -> str:
    """Return the command as typed: `/cm task enable`."""
    return " ".join((SLASH, *command.path))


def usage(command: Command) -> str:
    """Return the usage line: `/cm disks [status=broken|…] [cluster]`."""
    return " ".join((full_name(command), *(argument.written for argument in arguments(command))))


def arguments(command: Command) -> Iterator[Argument]:
    """Yield all arguments in the order in which they are written: words, the cluster, then `key=value`."""
    fields = command.args.typed()
    for name in command.args.words:
        yield _word(name, fields[name], many=name == command.args.rest)
    if command.scope is not Scope.NO_CLUSTER:
        yield Argument(CLUSTER, f"[{CLUSTER}]", "which cluster, when the channel has no default and there are several")
    for name in fields:
        if name not in command.args.words:
            yield _pair(name, fields[name])


def _word(name: str, field: FieldInfo, *, many: bool) -> Argument:
    written = f"{name}…" if many else name
    written = f"<{written}>" if field.is_required() else f"[{written}]"
    return Argument(name, written, field.description or "", choices(field))


def _pair(name: str, field: FieldInfo) -> Argument:
    allowed = choices(field)
    written = f"{name.replace('_', '-')}={'|'.join(allowed) or '…'}"
    asked = field.is_required() or field.json_schema_extra == ASKED_BY_POLICY
    return Argument(name, written if asked else f"[{written}]", field.description or "", allowed)


def choices(field: FieldInfo) -> tuple[str, ...]:
    """Return the words that a field takes; empty if it takes any."""
    return _choices(field.annotation)


def _choices(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return tuple(str(choice) for choice in get_args(annotation))
    if get_origin(annotation) in {Union, types.UnionType}:
        return tuple(word for part in get_args(annotation) for word in _choices(part))
    if isinstance(annotation, type) and issubclass(annotation, enum.StrEnum):
        return tuple(annotation)
    return ()


def who(command: Command) -> str:
    """Name the people who may use a command."""
    return "everyone" if command.role is Role.VIEWER else f"{command.role}s"
