"""Base of the wire models: the kinds of numbers, flags and texts, and lists that may be null."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


class WireModel(BaseModel):
    """A frozen wire value: unknown fields are ignored, missing ones take their zero."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=lambda name: name)
