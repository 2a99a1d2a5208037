"""Codec of stored watch state: the JSON of cluster states, channel histories and measurements.

The keys stay as earlier releases wrote them. Decoding ignores unknown keys; missing keys take their default.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from math import isfinite
from types import MappingProxyType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import structlog
from pydantic import ConfigDict, TypeAdapter, ValidationError

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.grouping import AlertGroup, ChannelHistory
from bot.alerting.reports.trend import Measurement
from bot.common.message_key import MessageKey

log = structlog.get_logger(__name__)

T = TypeVar("T")

_MAX_SIZE = 2**80
"""Bytes: no server holds more."""


def encode_state(state: ClusterState) -> dict[str, Any]:
    """Encode a cluster state as JSON."""
    parts = {name: getattr(state, name) for name in _names(ClusterState)}
    return {name: list(map(_plain, v)) if isinstance(v, tuple) else _plain(v) for name, v in parts.items()}


_PLAIN = frozenset({str, int, float, bool, type(None)})


def _plain(value: Any) -> Any:
    """The value with a dict for each dataclass; a state has hundreds of them, of which asdict() copies each number."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if is_dataclass(kind):
        return {name: _plain(getattr(value, name)) for name in _names(kind)}
    if isinstance(value, tuple):
        return tuple([_plain(each) for each in value])
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return value


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


def decode_state(data: Mapping[str, Any]) -> ClusterState:
    """Decode a cluster state; {} decodes to the state of a cluster that was never polled.

    A part that cannot be used is left out and logged: the watch reads it again, and the next write replaces it.
    """
    whole: ClusterState | None = _valid(_WHOLE, data)
    return _decode_parts(data) if whole is None else whole


def _decode_parts(data: Mapping[str, Any]) -> ClusterState:
    """Decode part by part, which takes several times as long as the whole."""
    spoiled: set[str] = set()
    found = {name: decode(data[name], spoiled.add) for name, decode in _PARTS.items() if name in data}
    if spoiled:
        log.warning("store.state_spoiled", parts=sorted(spoiled))
    return ClusterState(**{name: value for name, value in found.items() if value is not None})


def decode_time(data: Mapping[str, Any]) -> float:
    """Return the time of a stored state (Unix seconds), as decode_state does."""
    at = data.get("at", 0.0)
    if type(at) is float and isfinite(at):
        return at
    return _PARTS["at"](at, lambda _: None) or 0.0


Note = Callable[[str], None]
"""Note the name of a part that cannot be used."""


def _part(name: str, kind: Any) -> Callable[[Any, Note], Any]:
    """Return the decoder of one field; it leaves spoiled values out of a tuple or mapping, and else returns None."""
    several = get_origin(kind)

    def decode(stored: Any, note: Note) -> Any:
        found = _valid(_adapter(kind), stored)
        if found is not None:
            return found
        note(name)
        if several not in {tuple, Mapping}:
            return None
        single = _adapter(get_args(kind)[0 if several is tuple else 1])
        if several is tuple:
            each = [_valid(single, value) for value in stored] if isinstance(stored, list | tuple) else []
            return tuple(value for value in each if value is not None)
        values = {key: _valid(single, value) for key, value in stored.items()} if isinstance(stored, dict) else {}
        return {str(key): value for key, value in values.items() if value is not None}

    return decode


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Return the adapter of a tuple with one value: pydantic hands its settings on to the values in a tuple.

    Those of the parts of a state are seldom needed.
    """
    return TypeAdapter(tuple[kind], config=ConfigDict(allow_inf_nan=False))


def _valid(adapter: TypeAdapter[Any], stored: Any) -> Any:
    """The stored value, None if it is of another form or has a number that is not finite."""
    try:
        [found] = adapter.validate_python((stored,))
    except ValidationError:
        return None
    return found


_PARTS = MappingProxyType({name: _part(name, kind) for name, kind in get_type_hints(ClusterState).items()})
"""The decoder of each field of a ClusterState."""
_WHOLE = _adapter(ClusterState)


def encode_history(history: ChannelHistory) -> dict[str, Any]:
    """Encode a channel history as JSON."""
    return {
        "arrivals": [list(arrival) for arrival in history.arrivals],
        "digests": [_encoded_group(group) for group in history.groups],
        "made": history.made,
    }


def decode_history(channel: str, data: Mapping[str, Any]) -> ChannelHistory:
    """Decode a channel history; {} decodes to a channel without messages."""
    groups = tuple(_group(stored) for stored in data.get("digests", ()))
    arrivals = tuple((str(cluster), float(at)) for cluster, at in data.get("arrivals", ()))
    return ChannelHistory(channel, arrivals, groups, int(data.get("made", 0)))


def encode_measurement(values: Measurement) -> dict[str, Any]:
    """Encode a measurement as JSON, without the fields that were not measured."""
    named = {name: value for name, value in asdict(values).items() if value is not None}
    return named if values.bad is None else {**named, "bad": list(values.bad)}


def decode_measurement(data: Mapping[str, Any]) -> Measurement:
    """Decode a measurement; a value that makes no sense counts as not measured."""
    numbers = {name: data[name] for name in _COUNTS if type(data.get(name)) is int}
    sizes = {name: data[name] for name in ("total", "used", "writable") if _is_size(data.get(name))}
    bad = data.get("bad")
    ids = tuple(each for each in bad if isinstance(each, int)) if isinstance(bad, list) else None
    return Measurement(**numbers, **sizes, bad=ids)


_COUNTS = ("term", "leader", "bad_disks", "disks", "members")


def _is_size(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MAX_SIZE


def _encoded_group(group: AlertGroup) -> dict[str, Any]:
    values = {name: value for name, value in asdict(group).items() if name != "message_key"}
    return {"slot": str(group.message_key), **values}


def _group(stored: Mapping[str, Any]) -> AlertGroup:
    return AlertGroup(
        MessageKey.parse(str(stored["slot"])),
        float(stored["since"]),
        tuple(str(scope) for scope in stored.get("scopes", ())),
        tuple(int(number) for number in stored.get("ids", ())),
        int(stored.get("lines", 0)),
        float(stored.get("ended_at", 0.0)),
        tuple(int(number) for number in stored.get("due", ())),
    )
