"""What differs between two settings, key by key; secrets are named and never shown. No I/O.

A *view* has all values of the settings without secrets, with clusters by name, as JSON has them.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.common.frozen import frozen
from bot.common.secret_signs import without_log_ins, without_parameters
from bot.common.text import count
from bot.config.model import Settings
from bot.config.setting_keys import is_duration

_PASSWORD = re.compile(r"(://[^:/]*:).*(@)", re.DOTALL)
"""As a database takes it: a user may have an @, and a password a blank."""
_CLUSTERS = "clusters"
_LONGEST = 120
_TOKENS = ("cluster_tokens", "scheduler_tokens")
_UNSET = "not set"

View = Mapping[str, Any]


@frozen
class Change:
    """One key with its value before and after, in words that show no secret."""

    key: str
    old: str
    new: str

    def __str__(self) -> str:
        """Return the change in one line."""
        return f"{self.key}: {self.old} → {self.new}" if self.old else f"{self.key}: {self.new}"


def changes(old: Settings, new: Settings) -> tuple[Change, ...]:
    """Return every difference: clusters first, then the keys in the order of the settings, then secrets."""
    return (*_of_views(_dump(old), _dump(new)), *_of_secrets(old, new))


def view_of(settings: Settings) -> View:
    """Return what may be shown and stored of settings."""
    return {key: _without_passwords(value) for key, value in _dump(settings).items()}


def view_changes(old: View, new: View) -> tuple[Change, ...]:
    """Return every difference of two views; a password in an address is not compared."""
    return tuple(_of_views(old, new))


def _of_views(old: View, new: View) -> Iterator[Change]:
    yield from _of_clusters(old[_CLUSTERS], new[_CLUSTERS])
    yield from _of_keys(old, new)


def _of_clusters(before: View, after: View) -> Iterator[Change]:
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            yield Change(f"{_CLUSTERS}.{name}", "", "removed")
        elif name not in before:
            own = after[name]
            hosts = count(len(own["hosts"]), "host")
            yield Change(f"{_CLUSTERS}.{name}", "", f"added, with {hosts}, alerts in {own['alert_channel']}")


def _of_keys(old: View, new: View) -> Iterator[Change]:
    before, after = dict(_flat(old)), dict(_flat(new))
    both = {*old[_CLUSTERS]} & {*new[_CLUSTERS]}
    for place in [*before, *(place for place in after if place not in before)]:
        if place[0] == _CLUSTERS and place[1] not in both:
            continue
        if before.get(place) != after.get(place):
            key = ".".join(map(str, place))
            yield Change(key, _shown(place, before.get(place)), _shown(place, after.get(place)))


def _without_passwords(value: Any) -> Any:
    if isinstance(value, str):
        return _without_secrets(value)
    if isinstance(value, Mapping):
        return {key: _without_passwords(inner) for key, inner in value.items()}
    return [_without_passwords(inner) for inner in value] if isinstance(value, list) else value


def _without_secrets(text: str) -> str:
    return without_log_ins(without_parameters(_PASSWORD.sub(r"\1…\2", text)))


def _without_path(url: str) -> str:
    """Return an address of a receiver without what stands behind its host, which may be a key; its digest differs."""
    parts = urlsplit(url)
    rest = f"{parts.path}?{parts.query}#{parts.fragment}".strip("/?#")
    if not rest:
        return url
    return f"{parts.scheme}://{parts.netloc}/…{hashlib.sha256(rest.encode()).hexdigest()[:8]}"


def _dump(settings: Settings) -> View:
    found = settings.model_dump(mode="json", by_alias=True)
    for receiver in found["outputs"]["receivers"]:
        receiver["url"] = _without_path(receiver["url"] or "") or None
    return {**found, _CLUSTERS: {own["name"]: own for own in found[_CLUSTERS]}}


def _flat(held: Mapping[str, Any], place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each value that is no mapping, with its place; lists of mappings by their names or numbers."""
    for key, value in held.items():
        inner = value
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            inner = {str(each.get("name", number)): each for number, each in enumerate(value)}
        if isinstance(inner, Mapping) and inner:
            yield from _flat(inner, (*place, key))
        else:
            yield (*place, key), value


def _shown(place: Sequence[str], value: Any) -> str:
    if value is None or value in ([], {}, ""):
        return _UNSET
    if isinstance(value, list):
        text = ", ".join(map(str, value))
    elif isinstance(value, int | float) and not isinstance(value, bool) and is_duration(place):
        text = f"{value:g}s"
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    text = _without_secrets(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _of_secrets(old: Settings, new: Settings) -> Iterator[Change]:
    for name in type(new.secrets).model_fields:
        before, after = getattr(old.secrets, name), getattr(new.secrets, name)
        if isinstance(after, SecretStr) and before != after:
            yield Change(name.upper(), "", _how(_value(before), _value(after)))
    for kind in _TOKENS:
        before, after = getattr(old, kind), getattr(new, kind)
        for cluster in sorted({*before, *after}):
            if cluster in {own.name for own in new.clusters} and before.get(cluster) != after.get(cluster):
                key = f"{_CLUSTERS}.{cluster}.{'token' if kind == _TOKENS[0] else 'scheduler token'}"
                yield Change(key, "", _how(_value(before.get(cluster)), _value(after.get(cluster))))
    before, after = old.exchange_secrets, new.exchange_secrets
    for variable in sorted({*before, *after}):
        if before.get(variable) != after.get(variable):
            yield Change(variable, "", _how(_value(before.get(variable)), _value(after.get(variable))))


def _value(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def _how(before: str, after: str) -> str:
    return "changed" if before and after else "set" if after else "removed"
