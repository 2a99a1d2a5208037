"""Codec of stored watch state: the JSON of cluster states, channel histories and measurements.

The keys stay as earlier releases wrote them. Decoding ignores unknown keys; missing keys take their default.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.alerting.cluster_state.background import BackgroundNote, SchedulerNote, TaskNote
from bot.alerting.cluster_state.observations import (
    DiskBreak,
    Forecast,
    HostNote,
    MemberChange,
    MemberNote,
    Progress,
    SwitchChange,
    SwitchNote,
)
from bot.alerting.cluster_state.state import ClusterState, DiskNote, LeaderChange
from bot.alerting.grouping import AlertGroup, ChannelHistory
from bot.alerting.progress import LeftCount
from bot.alerting.reports.trend import Measurement
from bot.alerting.risk_facts import LostDisk, RiskNote
from bot.clustermgr.models import ZoneChunks
from bot.common.message_key import MessageKey

T = TypeVar("T")

_LISTS: Mapping[str, type[Any]] = MappingProxyType(
    {
        "disks": DiskNote,
        "dropping": DiskNote,
        "changes": LeaderChange,
        "switch_changes": SwitchChange,
        "members": MemberNote,
        "member_changes": MemberChange,
        "hosts": HostNote,
        "zones": ZoneChunks,
        "lost_disks": LostDisk,
        "disk_breaks": DiskBreak,
    }
)
"""The fields of a ClusterState that are tuples of values."""
_MAX_SIZE = 2**80
"""Bytes: no server holds more."""


def encode_state(state: ClusterState) -> dict[str, Any]:
    """Encode a cluster state as JSON."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(state).items()}


def decode_state(data: Mapping[str, Any]) -> ClusterState:
    """Decode a cluster state; {} decodes to the state of a cluster that was never polled."""
    return ClusterState(
        **{
            **_known(ClusterState, data),
            "voters": tuple(data.get("voters", ())),
            "learners": tuple(data.get("learners", ())),
            "refusing": tuple(data.get("refusing", ())),
            **{name: _each(kind, data.get(name, ())) for name, kind in _LISTS.items()},
            "repairs": _progress(data.get("repairs", ())),
            "drops": _progress(data.get("drops", ())),
            "background": _background(data.get("background", {})),
            "risk": _risk(data.get("risk")),
            "forecast": Forecast(**_known(Forecast, data.get("forecast", {}))),
            "switches": {
                key: SwitchNote(**_known(SwitchNote, note)) for key, note in dict(data.get("switches", {})).items()
            },
        }
    )


def _each(kind: type[T], values: Iterable[Mapping[str, Any]]) -> tuple[T, ...]:
    return tuple(kind(**_known(kind, value)) for value in values)


def _progress(values: Iterable[Mapping[str, Any]]) -> tuple[Progress, ...]:
    """Decode the progress of disks; a count is stored as [time, units]."""
    return tuple(
        Progress(
            **{**_known(Progress, value), "counts": tuple(LeftCount(at, left) for at, left in value.get("counts", ()))}
        )
        for value in values
    )


def _background(data: Mapping[str, Any]) -> BackgroundNote:
    tasks = ({**task, "errors": tuple(task.get("errors", ()))} for task in data.get("tasks", ()))
    return BackgroundNote(
        **{
            **_known(BackgroundNote, data),
            "asked": _each(SchedulerNote, data.get("asked", ())),
            "tasks": _each(TaskNote, tasks),
        }
    )


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


_RISK = TypeAdapter(RiskNote)


def _risk(stored: Any) -> RiskNote:
    """The risk of volumes; one that another release stored in another form is not known: it is judged again soon."""
    try:
        return _RISK.validate_python(stored or {})
    except ValidationError:
        return RiskNote()


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


def _known(kind: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that this release knows of values that another release may have written."""
    names = {item.name for item in fields(kind)}
    return {name: value for name, value in data.items() if name in names}
