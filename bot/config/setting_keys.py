"""The keys of the settings at a location, for errors that name the right one. No I/O."""

from collections.abc import Sequence
from typing import get_args

from bot.config.model import Settings
from bot.config.section import Section


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
    section: type[Section] | None = Settings
    field = None
    for part in place:
        fields = {field.alias or name: field for name, field in section.model_fields.items()} if section else {}
        if part in fields:
            field = fields[str(part)]
            section = _section_in(field.annotation)
    return field is not None and "seconds_in_settings" in repr((field.metadata, field.annotation))


def _section_in(annotation: object) -> type[Section] | None:
    """Return the section in an annotation, also inside a list or mapping."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for each in get_args(annotation) if (found := _section_in(each))), None)
