"""The JSON Schema of the settings file, for editors and checks before a start. No I/O.

It has the shape of the settings: keys, types, patterns, bounds of numbers. What one value says about another (two
clusters with one host) only the loader checks.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from bot.common.durations import seconds_in_settings
from bot.config.descriptions import DESCRIPTIONS
from bot.config.model import Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DURATION = r"^\s*[0-9][0-9.]*\s*(?:[A-Za-z]+\s*(?:[0-9][0-9.]*\s*[A-Za-z]+\s*)*)?$"
"""A number of seconds, or numbers with units, the form of which only the loader checks."""
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
"""Bounds that pydantic leaves in its own words where a validator stands between them and the type."""
_SECTIONS = "$defs"


class _Generator(GenerateJsonSchema):
    """Durations are numbers or strings: pydantic sees only the number that they become."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        inner: JsonSchemaValue = super().function_before_schema(schema)
        function: Callable[..., object] = schema["function"]["function"]
        if function is seconds_in_settings:
            return {"anyOf": [inner, {"type": "string", "pattern": _DURATION}]}
        return inner


def settings_schema() -> Mapping[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the settings file."""
    found = Settings.model_json_schema(schema_generator=_Generator)
    for name, section in (("Settings", found), *found[_SECTIONS].items()):
        for key, value in section.get("properties", {}).items():
            value.pop("title", None)
            if words := DESCRIPTIONS.get(f"{name}.{key}"):
                value["description"] = words
    tidied: dict[str, Any] = _tidied(_without_hidden(found))
    return {"$schema": DIALECT, **tidied, "title": "Settings of cmbot"}


def _without_hidden(found: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the file may not have: fields that are excluded from the dump, and their sections."""
    hidden = {name for name, field in Settings.model_fields.items() if field.exclude}
    shown = {key: value for key, value in found["properties"].items() if key not in hidden}
    sections = {name: section for name, section in found[_SECTIONS].items() if name != "Secrets"}
    return {**found, "properties": shown, _SECTIONS: sections}


def _tidied(value: Any) -> Any:
    """Write bounds in the words of JSON Schema, and leave out defaults that only say that a key may be missing."""
    if isinstance(value, list):
        return [_tidied(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {key: each for key, each in value.items() if key != "default" or _worth_showing(each)}
    renamed = {_BOUNDS.get(key, key) if isinstance(each, int | float) else key: each for key, each in kept.items()}
    # A setting may be called as a word of JSON Schema is, such as `default`.
    return {
        key: {name: _tidied(of) for name, of in each.items()} if key == "properties" else _tidied(each)
        for key, each in renamed.items()
    }


def _worth_showing(default: Any) -> bool:
    return isinstance(default, str | int | float) and default != ""


def schema_text() -> str:
    """Return the schema as `cmbot config schema` prints it."""
    return json.dumps(settings_schema(), indent=2, ensure_ascii=False) + "\n"
