"""Column types and the JSON form of stored values, safe for any text that a cluster may send.

PostgreSQL refuses NUL and lone surrogates in text and JSON, and NaN in JSON. A hostile host name must not stop the
polls, so such values are replaced.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import JSON, BigInteger, Dialect, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

_REFUSED = re.compile("[\x00\ud800-\udfff]")
_NUL_ESCAPED = "\\u0000"


def clean(text: str) -> str:
    """Return `text` with NUL and lone surrogates replaced by U+FFFD."""
    return _REFUSED.sub("\ufffd", text)


def encode(value: Any) -> str:
    """Write `value` as canonical JSON (sorted keys), so that equal values are equal texts."""
    try:
        text = _dumps(value)
        text.encode()
    except ValueError:  # NaN, infinity or a lone surrogate
        return _dumps(_clean(value))
    return _dumps(_clean(value)) if _NUL_ESCAPED in text else text


def _dumps(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class SanitizedText(TypeDecorator[str]):
    """Text that may come from outside cmbot."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """Replace characters that cannot be stored."""
        return None if value is None else clean(value)


def json_type() -> TypeEngine[Any]:
    """Type of JSON columns: JSONB on PostgreSQL, text on SQLite."""
    return JSON().with_variant(JSONB(), "postgresql")


def id_type() -> TypeEngine[int]:
    """Type of ids: 64 bits on PostgreSQL, INTEGER on SQLite, which counts up no other type."""
    return BigInteger().with_variant(Integer(), "sqlite")
