"""Base of the wire models: the kinds of numbers, flags and texts, and lists that may be null."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, fields
from dataclasses import Field as Slot
from itertools import islice
from operator import itemgetter
from sys import intern
from typing import Annotated, Any, ClassVar, Self, cast, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from bot.common.frozen import frozen


@frozen
class NullIsEmpty:
    """Annotation of a list or map whose null on the wire means empty.

    A "before" validator would first turn the whole JSON into Python objects, of any length.
    """

    empty: Callable[[], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Wrap the schema of the list: null passes and becomes the empty value."""
        nullable = core_schema.nullable_schema(handler(source))
        return core_schema.no_info_after_validator_function(self._filled, nullable)

    def _filled(self, value: Any) -> Any:
        return self.empty() if value is None else value


@frozen
class Row:
    """Annotation of a small object that becomes a plain dict of these numbers; other fields are ignored.

    A missing number is 0 unless `required`. This is for rows that come by the thousand: a model for each takes several
    times as long to make, and the garbage collector goes through the whole program again and again meanwhile.
    """

    kinds: Mapping[str, Any]
    required: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of the dict."""
        return core_schema.typed_dict_schema(
            {
                name: core_schema.typed_dict_field(self._field(handler.generate_schema(kind)), required=self.required)
                for name, kind in self.kinds.items()
            },
            extra_behavior="ignore",
        )

    def _field(self, number: CoreSchema) -> CoreSchema:
        return number if self.required else core_schema.with_default_schema(number, default=0)


Number = Annotated[int, Field(strict=True, ge=-(1 << 63), lt=1 << 63)]
"""Bytes and chunks, signed 64 bits as on the server: one odd sum must not hide the rest of an answer."""
Count = Annotated[int, Field(strict=True, ge=0, lt=1 << 64)]
"""An id, a term, a log index or a count: an unsigned 64-bit integer, never text, fraction or flag."""
Flag = Annotated[bool, Field(strict=True)]
"""A flag on the wire: only true or false."""
Text = Annotated[str, Field(max_length=65536)]
"""A text on the wire; Clustermgr sends none that is longer."""


# `fail_fast` in the lists of wire models ends parsing at the first wrong item. Without it, pydantic keeps one error for
# each of a million wrong items, which takes seconds and a gigabyte.


_NOTHING: set[str] = set()


class WireModel(BaseModel):
    """A frozen wire value: unknown fields are ignored, missing ones take their zero.

    Which fields were sent is not kept: that takes as much memory as the values, and a process keeps the last answers of
    a thousand clusters.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=lambda name: name)

    @model_validator(mode="after")
    def _forget_what_was_sent(self) -> Self:
        object.__setattr__(self, "__pydantic_fields_set__", _NOTHING)
        return self


MAX_OTHERS = 8
"""Unknown fields that are kept of one value."""
MAX_OTHER_TEXT = 40
"""Characters that are kept of the name and of the value of an unknown field."""
Others = tuple[tuple[str, str], ...]
"""Names and values of unknown fields, as text on one line, bounded; hostile like every text of a server."""


class OpenModel(WireModel):
    """A wire value that also keeps what a later release sends beside the known fields, bounded, to show it as it is.

    `unused` are fields of known releases that cmbot does not need.
    """

    model_config = ConfigDict(frozen=True, extra="allow", alias_generator=lambda name: name)
    unused: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _keep_few(self) -> Self:
        """Keep a few short texts in place of values of any size."""
        if sent := self.__pydantic_extra__:
            object.__setattr__(self, "__pydantic_extra__", _few(sent.items(), self.unused) or None)
        return self

    @property
    def others(self) -> Others:
        """The unknown fields."""
        return tuple((self.__pydantic_extra__ or {}).items())


class SlottedRow:
    """Base of a wire value that is kept by the thousand: a frozen dataclass with slots, without a model's dict.

    The last field of a subclass is `others`, its unknown fields as in OpenModel. `unused` are fields that are not kept.
    A text of `repeated` is kept once for all rows that have it. Parsed values are checked, those made by hand are not.
    """

    __slots__ = ()
    unused: ClassVar[frozenset[str]] = frozenset()
    repeated: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of a dict of the fields that makes the row."""
        kinds = get_type_hints(cls, include_extras=True)
        kept = [slot for slot in cast("Iterable[Slot[Any]]", fields(cast("Any", cls))) if slot.name != "others"]
        known = {slot.name: _field(handler.generate_schema(kinds[slot.name]), slot.default) for slot in kept}
        in_order, expected, make = itemgetter(*known), known.keys() | cls.unused, cast("Callable[..., Any]", cls)

        def row(sent: dict[str, Any]) -> Any:
            for name in cls.repeated:
                sent[name] = intern(sent[name])
            others = _few(sent.items(), expected) if sent.keys() - expected else {}
            return make(*in_order(sent), tuple(others.items()))

        return core_schema.no_info_after_validator_function(
            row, core_schema.typed_dict_schema(known, extra_behavior="allow")
        )


def _field(kind: CoreSchema, default: Any) -> core_schema.TypedDictField:
    if default is MISSING:
        return core_schema.typed_dict_field(kind, required=True)
    return core_schema.typed_dict_field(core_schema.with_default_schema(kind, default=default), required=False)


def _few(sent: Iterable[tuple[str, Any]], expected: Collection[str]) -> dict[str, str]:
    unknown = ((name, value) for name, value in sent if name not in expected)
    return {_short(name): _text_of(value) for name, value in islice(unknown, MAX_OTHERS)}


def _short(text: str) -> str:
    line = " ".join(text[: 4 * MAX_OTHER_TEXT].split())
    printable = "".join(letter if letter.isprintable() else "?" for letter in line)
    return printable if len(printable) <= MAX_OTHER_TEXT else f"{printable[: MAX_OTHER_TEXT - 1]}…"


def _text_of(value: Any) -> str:
    """The value as text: a number, a flag or a text as it is, of a list or a map the number of its items."""
    if isinstance(value, str):
        return _short(value)
    if isinstance(value, list | Mapping):
        return f"({len(value)} {'items' if isinstance(value, list) else 'fields'})"
    return _short(json.dumps(value))
