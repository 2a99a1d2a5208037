"""Pydantic's adapters of types: each takes a millisecond or more to make, and most are never needed. No I/O."""

from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")
_MADE: dict[object, TypeAdapter[Any]] = {}


def adapter_of(kind: type[T]) -> TypeAdapter[T]:
    """The adapter of a type, made once."""
    if kind not in _MADE:
        _MADE[kind] = TypeAdapter(kind)
    return _MADE[kind]
