"""Codec of a step's fact: its kind and its fields; the words that older releases show are stored beside it. No I/O.

0.1.0 stored the words of a step and no fact. Such a row, and one with a fact that this release does not know, opens
as LegacyWords.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import ValidationError

from bot.clustermgr.tasks import DialectEvidence
from bot.common.adapters import adapter_of
from bot.common.frozen import frozen
from bot.operations import disk_step_facts as d
from bot.operations import step_facts as s
from bot.operations.check_codec import decode_check, encode_check
from bot.operations.preflight.verdict import Check, CheckWording

T = TypeVar("T")

STEP_KINDS: Mapping[str, type[s.StepFact]] = MappingProxyType(
    {
        "failure": s.Failure,
        "switch_is": s.SwitchIs,
        "no_leader_seen": s.NoLeaderSeen,
        "peer_leads": s.PeerLeads,
        "peer_stays": s.PeerStays,
        "peer_gone": s.PeerGone,
        "peer_absent": s.PeerAbsent,
        "peer_joined": s.PeerJoined,
        "disk_now": s.DiskNow,
        "node_now": s.NodeNow,
        "node_not_shown": s.NodeNotShown,
        "offline_step_begun": d.OfflineStepBegun,
        "readonly_before": d.ReadonlyBefore,
        "offline_resumed": d.OfflineResumed,
        "approval_too_old": d.ApprovalTooOld,
        "writable_again": d.WritableAgain,
        "drop_not_begun": d.DropNotBegun,
        "drop_ended": d.DropEnded,
        "part_begun": d.PartBegun,
        "part_skipped": d.PartSkipped,
        "part_waits": d.PartWaits,
        "part_again": d.PartAgain,
        "node_part_begun": d.NodePartBegun,
        "part_failed": d.PartFailed,
        "series_begun": d.SeriesBegun,
        "series_ended": d.SeriesEnded,
        "series_over": d.SeriesOver,
        "node_accepted": d.NodeAccepted,
        "checks_refuse": s.ChecksRefuse,
        "takes_over_card": s.TakesOverCard,
        "takes_over_blocked": s.TakesOverBlocked,
        "cluster_moved": s.ClusterMoved,
        "cluster_removed": s.ClusterRemoved,
        "requester_lost": s.RequesterLost,
        "approvals_dropped": s.ApprovalsDropped,
        "approval_progress": s.ApprovalProgress,
        "settled_by_admin": s.SettledByAdmin,
        "database_lost": s.DatabaseLost,
        "effect_unseen": s.EffectUnseen,
        "rejected_because": s.RejectedBecause,
        "no_decision": s.NoDecision,
        "adopted": s.Adopted,
        "seen_later": s.SeenLater,
        "not_applied": s.NotApplied,
        "comparison_over": s.ComparisonOver,
        "compared": s.Compared,
        "card_refused": s.CardRefused,
        "kept_for_good": s.KeptForGood,
        "changed_since": s.ChangedSince,
        "lease_ended": s.LeaseEnded,
        "restores_old_value": s.RestoresOldValue,
        "restore_refused": s.RestoreRefused,
        "restore_unread": s.RestoreUnread,
        "restore_skipped": s.RestoreSkipped,
    }
)
"""The stored name of each kind of fact: a class may be renamed, its stored name may not."""

_NAMES: Mapping[type[s.StepFact], str] = MappingProxyType({kind: name for name, kind in STEP_KINDS.items()})


@frozen
class Wording:
    """Words of an operation's facts, for its stored form; views implement it."""

    check: CheckWording
    step: Callable[[s.StepFact | None], str]
    difference: Callable[[s.Difference | s.LegacyDifference | None], tuple[str, ...]]
    evidence: Callable[[DialectEvidence | s.LegacyWords | None], str]


def encode_fact(value: Any, wording: CheckWording) -> Any:
    """Encode a fact or a part of one as JSON."""
    if isinstance(value, Check):
        return encode_check(value, wording)
    if isinstance(value, tuple):
        return [encode_fact(each, wording) for each in value]
    if is_dataclass(value):
        name = {"kind": _NAMES[type(value)]} if isinstance(value, s.StepFact) else {}
        return name | {field.name: encode_fact(getattr(value, field.name), wording) for field in fields(value)}
    return value.value if isinstance(value, Enum) else value


def decode_step(stored: object) -> s.StepFact | None:
    """Decode the fact of a step, None if it is missing or unknown; unknown keys are ignored."""
    kind = STEP_KINDS.get(str(stored.get("kind"))) if isinstance(stored, Mapping) else None
    return None if kind is None else decode_part(kind, stored)


def decode_part(kind: type[T], stored: object) -> T | None:
    """Decode a part of a fact of that type, None if it is not one."""
    if not isinstance(stored, Mapping):
        return None
    adapter = adapter_of(kind)
    try:
        found: T = adapter.validate_python({name: _inner(name, each) for name, each in stored.items()})
    except (LookupError, TypeError, ValueError, ValidationError):
        return None
    return found


def _inner(name: str, value: Any) -> Any:
    """Decode the checks and the facts inside a fact; the type of the outer one does not name theirs."""
    if name == "checks":
        return tuple(map(decode_check, value))
    if not isinstance(value, Mapping):
        return value
    if "kind" in value:
        return decode_step(value)
    return {inner: _inner(inner, each) for inner, each in value.items()}
