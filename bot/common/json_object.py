"""JSON as types: an object of another program, and values that this program writes as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

JsonObject = Mapping[str, Any]
"""A payload, a response body or stored JSON, before its fields are checked; or what is sent to another program."""

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
"""One value of JSON."""
