"""The stored form of an alert: the only place that knows the string keys of `alerts.data`.

Kept from 0.1.0: the columns `sentence`, `lines` and `resolution` hold the rendered text, and `data` has the keys
`parts`, `covers`, `fix`, `more` and the engine's notes. An export, an older replica and the history of resolved alerts
read them. New is `data.detail` (and `data.outcome`): the kind and the facts, from which the text is made when read.
An alert without it, as 0.1.0 stored it, or with one that this release does not know, becomes a LegacyDetail that
has the stored text. It goes on under the same key.
"""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy.engine import RowMapping

from bot.alerting import details as d
from bot.alerting import outcomes as o
from bot.alerting.grouping import GroupMember
from bot.alerting.model import (
    Alert,
    AlertState,
    AlertText,
    Detail,
    EnableTask,
    EngineNotes,
    Fix,
    LegacyDetail,
    LegacyOutcome,
    Outcome,
    Severity,
    TransferLeader,
)
from bot.common.adapters import adapter_of

Row = RowMapping | Mapping[str, Any]
T = TypeVar("T", Detail, Outcome)

DETAIL_KINDS: Mapping[str, type[Detail]] = MappingProxyType(
    {
        "legacy": LegacyDetail,
        "host_silent": d.HostSilent,
        "cluster_silent": d.ClusterSilent,
        "read_only": d.ReadOnly,
        "useless_answer": d.UselessAnswer,
        "token_rejected": d.TokenRejected,
        "slow_host": d.SlowHost,
        "hosts_disagree": d.HostsDisagree,
        "stale_host": d.StaleHost,
        "leader_unseen": d.LeaderUnseen,
        "own_network_lost": d.OwnNetworkLost,
        "polls_fail": d.PollsFail,
        "no_leader": d.LeaderMissing,
        "leader_changed": d.LeaderChanged,
        "leader_flapping": d.LeaderFlapping,
        "membership_changed": d.MembershipChanged,
        "peer_down": d.PeerDown,
        "quorum_at_risk": d.QuorumAtRisk,
        "peer_lagging": d.PeerLagging,
        "apply_stalled": d.ApplyStalled,
        "apply_unknown": d.ApplyUnknown,
        "learner_ready": d.LearnerReady,
        "disks_broken": d.DisksBroken,
        "disks_expired": d.DisksExpired,
        "disks_stuck": d.DisksStuck,
        "disks_dropping": d.DisksDropping,
        "writable_low": d.WritableLow,
        "chunks_low": d.ChunksLow,
        "no_volume": d.NoVolume,
        "volumes_low": d.VolumesLow,
        "disks_not_empty": d.DisksNotEmpty,
        "volumes_at_risk": d.VolumesAtRisk,
        "volumes_lost": d.VolumesLost,
        "volumes_unreachable": d.VolumesUnreachable,
        "schedulers_silent": d.SchedulersSilent,
        "task_failing": d.TaskFailing,
        "task_off": d.TaskOff,
        "task_off_with_work": d.TaskOffWithWork,
        "switch_meaningless": d.SwitchMeaningless,
        "switches_changed": d.SwitchesChanged,
        "external": d.ExternalReport,
    }
)
"""The stored name of each kind of detail: a class may be renamed, its stored name may not."""

OUTCOME_KINDS: Mapping[str, type[Outcome]] = MappingProxyType(
    {
        "legacy": LegacyOutcome,
        "ended": o.Ended,
        "not_watched": o.NotWatched,
        "host": o.HostOutcome,
        "answers_again": o.AnswersAgain,
        "leader": o.LeaderNow,
        "members": o.MembersNow,
        "peer": o.PeerOutcome,
        "disks_done": o.DisksDone,
        "drops_done": o.DropsDone,
        "work_moves": o.WorkMoves,
        "volumes": o.VolumesNow,
        "disks_empty": o.DisksEmpty,
        "space": o.SpaceNow,
        "task": o.TaskOutcome,
        "external": o.ExternalOver,
    }
)
"""The stored name of each kind of outcome."""

_NAMES: Mapping[type[object], str] = MappingProxyType(
    {**{kind: name for name, kind in DETAIL_KINDS.items()}, **{kind: name for name, kind in OUTCOME_KINDS.items()}}
)
_PLAIN = ("cluster", "rule", "subject", "since", "weight", "fired_at", "resolved_at", "clear_since", "changed_at")
_COLUMNS = (*_PLAIN, "reminded_at", "acked_by", "acked_at", "version")
_PHRASES_AS_PARTS = "hosts_disagree"
"""0.1.0 stores phrases as the parts of this rule. Names are stored under another key, so that neither release compares
them with the other's and announces the alert again."""
_PARTS, _PART_NAMES = "parts", "part_names"
_FIX_WORDS = 3


def columns_of(alert: Alert, text: AlertText) -> dict[str, Any]:
    """The columns of an alert that has this text."""
    return {
        **{name: getattr(alert, name) for name in _COLUMNS},
        "state": alert.state,
        "severity": int(alert.severity),
        "sentence": text.sentence,
        "lines": list(text.lines),
        "resolution": text.outcome,
        "data": _data_of(alert, text),
    }


def alert_of(row: Row) -> Alert:
    """The alert of a row; facts that cannot be decoded are replaced by the stored text."""
    data: Mapping[str, Any] = row["data"]
    detail = _decoded(data.get("detail"), DETAIL_KINDS) or _legacy(row, data)
    outcome = _decoded(data.get("outcome"), OUTCOME_KINDS)
    if outcome is None and row["resolution"]:
        outcome = LegacyOutcome(row["resolution"])
    parts = data.get(_parts_key(row["rule"]))
    return Alert(
        **{name: row[name] for name in (*_COLUMNS, "id")},
        state=AlertState(row["state"]),
        severity=Severity(row["severity"]),
        detail=detail,
        outcome=outcome,
        parts=None if parts is None else tuple(str(part) for part in parts),
        covers=tuple((str(rule), str(subject)) for rule, subject in data.get("covers", ())),
        fix=_fix(str(data.get("fix", ""))),
        notes=_notes(data),
    )


def member_of(row: Row) -> GroupMember:
    """The alert of a row that has what a group counts."""
    return GroupMember(
        row["id"],
        row["cluster"],
        row["rule"],
        AlertState(row["state"]),
        Severity(row["severity"]),
        row["since"],
        row["group"],
    )


def _parts_key(rule: str) -> str:
    return _PART_NAMES if rule == _PHRASES_AS_PARTS else _PARTS


def _data_of(alert: Alert, text: AlertText) -> dict[str, Any]:
    data: dict[str, Any] = {"detail": _encoded(alert.detail), **_encoded_notes(alert.notes)}
    if isinstance(alert.detail, d.PollsFail):
        # A replica of an earlier commit reads the text of the failure here, and ignores the facts.
        data["detail"]["why"] = " ".join(text.lines)
    if alert.outcome is not None:
        data["outcome"] = _encoded(alert.outcome)
    if alert.parts is not None:
        data[_parts_key(alert.rule)] = list(alert.parts)
    if alert.covers:
        data["covers"] = [list(pair) for pair in alert.covers]
    if alert.fix is not None:
        data["fix"] = _fix_text(alert.fix, alert.cluster)
    if text.more:
        data["more"] = text.more
    return data


def _encoded(value: Detail | Outcome) -> dict[str, Any]:
    return {"kind": _NAMES[type(value)], **adapter_of(type(value)).dump_python(value, mode="json")}


def _decoded(stored: Any, kinds: Mapping[str, type[T]]) -> T | None:
    """The value of a stored form, None if it is missing or unknown; unknown keys are ignored."""
    kind = kinds.get(str(stored.get("kind"))) if isinstance(stored, Mapping) else None
    if kind is None:
        return None
    try:
        found: T = adapter_of(kind).validate_python(
            _upgraded({name: x for name, x in stored.items() if name != "kind"})
        )
    except ValidationError:
        return None
    return found


def _from_text(stored: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """The stored form with the text under the key `old` as a LegacyText under `new`; unchanged without that text."""
    return {**stored, new: {"text": str(stored[old])}} if stored.get(old) and new not in stored else dict(stored)


def _upgraded(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The stored form, where rows of earlier commits hold a text instead of a fact: a fault, a failure, an effect."""
    found = _from_text(stored, "why", "failure")
    if isinstance(sick := stored.get("sick"), list):
        found["sick"] = [_from_text(each, "why", "fault") if isinstance(each, Mapping) else each for each in sick]
    if isinstance(switch := stored.get("switch"), Mapping):
        found["switch"] = _from_text(switch, "effect", "services")
    return found


def _legacy(row: Row, data: Mapping[str, Any]) -> LegacyDetail:
    approved = tuple(str(user) for user in data.get("approved", ()))
    return LegacyDetail(
        row["sentence"],
        tuple(row["lines"]),
        int(data.get("more", 0)),
        str(data.get("step", "")),
        int(data.get("op", 0)),
        approved,
    )


def _fix_text(fix: Fix, cluster: str) -> str:
    """The command without its /cm, as 0.1.0 stored it."""
    return (
        f"task enable {fix.task} {cluster}" if isinstance(fix, EnableTask) else f"leader transfer {fix.peer} {cluster}"
    )


def _fix(command: str) -> Fix | None:
    words = command.split()
    if len(words) < _FIX_WORDS:
        return None
    if words[:2] == ["task", "enable"]:
        return EnableTask(words[2])
    return TransferLeader(int(words[2])) if words[:2] == ["leader", "transfer"] and words[2].isdecimal() else None


GROUP_KEY = "digest"
FOLDED_KEY = "folded"
_NOTE_KEYS: Mapping[str, str] = MappingProxyType(
    {"group": GROUP_KEY, "replied_at": "said_at", "unreported": "unsaid", "peak": "eased"}
)
"""Notes whose stored key is not the name of their field."""


def _encoded_notes(notes: EngineNotes) -> dict[str, Any]:
    found = adapter_of(EngineNotes).dump_python(notes, mode="json", exclude_defaults=True)
    return {_NOTE_KEYS.get(name, name): value for name, value in found.items()}


def _notes(data: Mapping[str, Any]) -> EngineNotes:
    names = {field.name: _NOTE_KEYS.get(field.name, field.name) for field in fields(EngineNotes)}
    found = {name: data[key] for name, key in names.items() if key in data}
    try:
        notes: EngineNotes = adapter_of(EngineNotes).validate_python(found)
    except ValidationError as error:
        # A note of another form is dropped, not the alert.
        wrong = {each["loc"][0] for each in error.errors()}
        notes = adapter_of(EngineNotes).validate_python({name: x for name, x in found.items() if name not in wrong})
    return notes
