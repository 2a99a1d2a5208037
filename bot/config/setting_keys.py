"""The keys of the settings at a location, for errors that name the right one. No I/O."""

import re
from collections.abc import Iterator, Sequence
from typing import get_args

from pydantic.fields import FieldInfo

from bot.config.model import Settings
from bot.config.section import Section
from bot.config.types import MayHoldSecret

_HIDDEN = re.compile(r"(?:.*_)?(?:url|uri|dsn|address|proxy|token|secret|password|key|headers?)")
"""Keys whose values no error shows, of any type."""


def known_keys(place: Sequence[str | int]) -> tuple[str, ...]:
    """Return the valid keys at a location of pydantic; none if it is not in a section."""
    section: type[Section] | None = Settings
    for part in place:
        if section is None:
            break
        fields = {field.alias or name: field for name, field in section.model_fields.items()}
        if part in fields:
            section = _section_in(fields[str(part)].annotation)
    return tuple(field.alias or name for name, field in section.model_fields.items()) if section else ()


def is_duration(place: Sequence[str | int]) -> bool:
    """True if the setting at this location is a duration."""
    fields = [field for field, _ in _fields(place)]
    return bool(fields) and "seconds_in_settings" in repr((fields[-1].metadata, fields[-1].annotation))


def may_hold_secret(place: Sequence[str | int]) -> bool:
    """True if the value at this location must not be shown: by its type or name, or as a section should be there."""
    found = [*_fields(place)]
    return (
        any(_marked(field) for field, _ in found)
        or any(_HIDDEN.fullmatch(str(part)) for part in place)
        or (bool(found) and found[-1][1] is not None)
    )


def _fields(place: Sequence[str | int]) -> Iterator[tuple[FieldInfo, type[Section] | None]]:
    """Yield the fields on the way to a location, each with the section that it holds."""
    section: type[Section] | None = Settings
    for part in place:
        fields = {field.alias or name: field for name, field in section.model_fields.items()} if section else {}
        if part in fields:
            field = fields[str(part)]
            section = _section_in(field.annotation)
            yield field, section


def _marked(held: object) -> bool:
    """True if an annotation, or a type in it, is marked."""
    metadata = held.metadata if isinstance(held, FieldInfo) else getattr(held, "__metadata__", ())
    inner = (held.annotation,) if isinstance(held, FieldInfo) else get_args(held)
    return any(isinstance(each, MayHoldSecret) for each in metadata) or any(map(_marked, inner))


def _section_in(annotation: object) -> type[Section] | None:
    """Return the section in an annotation, also inside a list or mapping."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for each in get_args(annotation) if (found := _section_in(each))), None)
