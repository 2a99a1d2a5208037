"""Redaction of secrets in logs: the configured values, and every text that looks like a secret. No I/O."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from bot.common.secret_signs import without_log_ins, without_parameters

GONE = "[redacted]"

_HEADERS = r"authorization|proxy-authorization|blob-store-auth-token|x-slack-signature|cookie|set-cookie"
_NAMES = re.compile(rf"(?i){_HEADERS}|.*(token|secret|password|passwd)")
"""Keys whose values are always redacted."""

_PATTERNS = (
    # Tokens of Slack: bot, user, app-level, refresh, configuration.
    (re.compile(r"\b(?:xox[a-z](?:\.[a-z]+)?|xapp|xwfp)-[A-Za-z0-9.-]+"), GONE),
    # A header with its value, as a line, an entry of a dictionary, or a tuple of bytes, with or without a scheme.
    (
        re.compile(
            rf"(?i)((?:{_HEADERS})['\"]?\s*[:=,]\s*(?:b?['\"])?)(?:(?:bearer|basic|digest)\s+)?[^\s'\",)}}\]]+",
        ),
        rf"\g<1>{GONE}",
    ),
    # The password in a URL.
    (re.compile(r"(://[^/\s:@'\"]*:)[^/\s'\"]+(?=@)"), rf"\g<1>{GONE}"),
    # The one-time ticket in a Socket Mode URL.
    (re.compile(r"([?&]ticket=)[^&\s'\"]+"), rf"\g<1>{GONE}"),
    # Anyone who knows a response_url can answer in the name of cmbot.
    (re.compile(r"(https://hooks\.slack[a-z.-]*/)[^\s'\"<>]+"), rf"\g<1>{GONE}"),
)
_SHORTEST = 4
"""Shorter configured secrets are ignored: they would redact ordinary words and cannot be real."""


class Redactor:
    """Redacts text and nested values; `secrets` are the configured values."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        # The longest first: of a secret that contains another one, nothing must remain.
        ordered = sorted(forms, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """Return the text without secrets."""
        if self._secrets is not None:
            text = self._secrets.sub(GONE, text)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return without_log_ins(without_parameters(text, GONE), GONE)

    def value(self, value: Any) -> Any:
        """Return the value without secrets; an object of another type becomes its redacted repr."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, bytes | bytearray):
            return self.text(bytes(value).decode("utf-8", "replace"))
        if isinstance(value, Mapping):
            return {self.text(_string(key)): self._under(key, held) for key, held in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return self.text(repr(value))

    def _under(self, key: Any, held: Any) -> Any:
        return GONE if held and _NAMES.fullmatch(_string(key)) else self.value(held)


def _string(key: Any) -> str:
    return key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)


def _forms(secret: str) -> set[str]:
    """Return the forms of a secret in a log line: bare, as in repr and JSON, and quoted as in a URL."""
    return {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret), quote(secret, safe="")}
