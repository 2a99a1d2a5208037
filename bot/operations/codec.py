"""Codec: the stored JSON of an operation; check_codec.py has that of its checks. No I/O.

These two modules alone know its keys.

The store writes this form into rows, the workflow into audit entries, and the views read it from audit entries;
therefore it is here and not in the store. Reading ignores unknown keys, and a missing key takes its default, so that
rows of other releases can be read.
"""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any

from bot.alerting.progress import LeftCount
from bot.clustermgr.tasks import DialectEvidence
from bot.common.errors import Refused
from bot.operations.change_request import PartOf, RequestOptions, Reversion
from bot.operations.check_codec import decode_check, encode_check
from bot.operations.model import (
    DiskCount,
    DropProgress,
    Event,
    ObservedDisk,
    ObservedState,
    ObservedSwitch,
    Operation,
    OpState,
    Settlement,
    StepKind,
)
from bot.operations.policy import Need, Policy, Terms
from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.preflight.verdict import CheckWording, PreflightResult
from bot.operations.request_problems import RequestIncomplete
from bot.operations.requests import (
    DiskAccess,
    DiskBroken,
    DiskOffline,
    DisksOffline,
    LeaderTransfer,
    MemberAdd,
    MemberRemove,
    NodeDrop,
    NodeOffline,
    OpKind,
    Request,
    TaskSwitch,
)
from bot.operations.step_codec import Wording, decode_part, decode_step, encode_fact
from bot.operations.step_facts import Difference, LegacyDifference, LegacyWords

Json = Mapping[str, Any]

_REQUESTS: Mapping[OpKind, type[Request]] = {
    request.kind: request
    for request in (
        MemberAdd,
        MemberRemove,
        LeaderTransfer,
        TaskSwitch,
        DiskAccess,
        DiskBroken,
        DiskOffline,
        DisksOffline,
        NodeOffline,
        NodeDrop,
    )
}
_OF_DISKS = frozenset({"disk_ids", "disk_states", "readonly", "dropping", "least_left"})
_OF_FACTS = frozenset({"fact", "forced"})
"""Keys of a check that 0.1.0 does not know."""
_SWITCH = ("key", "value", "meaning", "will_send", "dialect")


def encode_request(op: Operation) -> dict[str, Any]:
    """Encode the request of an operation, its options and its reason as one object."""
    options = op.options
    extra: dict[str, Any] = {
        "reason": op.reason if options.reverts is None else "",
        "forced": options.forced,
        "lease": options.lease,
        "dialect": options.dialect,
        "policy": options.policy,
        "replaces": list(options.replaces),
        "begun_after": list(options.begun_after),
        "agent": options.agent,
    }
    if (reversion := options.reverts) is not None:
        extra |= {"reverts": reversion.of, "thread": reversion.thread, "left": reversion.left}
    if options.part_of is not None:
        extra |= {"part_of": options.part_of.of, "thread": options.part_of.thread}
    return asdict(op.request) | {name: value for name, value in extra.items() if value}


def decode_request(kind: str, data: Json) -> Request:
    """Decode the request of that kind; raises Refused when a value is missing or not valid."""
    try:
        return _REQUESTS[OpKind(kind)](**_known(_REQUESTS[OpKind(kind)], data))
    except (TypeError, ValueError) as error:
        raise Refused(RequestIncomplete(kind)) from error


def stored_request(kind: str, data: Json) -> Request:
    """Decode a request as it was stored, even if today's rules refuse its values; `evaluate` checks them.

    An operation that an earlier release accepted must not keep every other one from being read. Raises Refused when
    a value is missing, ValueError for an unknown kind.
    """
    found = _REQUESTS[OpKind(kind)]
    request: Request = object.__new__(found)
    for field in fields(found):
        value = data.get(field.name, field.default)
        if value is MISSING:
            raise Refused(RequestIncomplete(kind))
        object.__setattr__(request, field.name, _tuple(value))
    return request


def decode_options(data: Json) -> RequestOptions:
    """Decode the options that are stored beside a request."""
    reverts, part_of = data.get("reverts"), data.get("part_of")
    return RequestOptions(
        forced=bool(data.get("forced")),
        lease=float(data.get("lease", 0.0)),
        dialect=str(data.get("dialect", "")),
        policy=str(data.get("policy", "")),
        replaces=tuple(data.get("replaces", ())),
        reverts=Reversion(int(reverts), thread_of(data), str(data.get("left", ""))) if reverts else None,
        part_of=PartOf(int(part_of), thread_of(data)) if part_of else None,
        begun_after=tuple(map(int, data.get("begun_after", ()))),
        agent=bool(data.get("agent")),
    )


def thread_of(data: Json) -> int:
    """Decode the number of the card in whose thread the operation of a stored request reports, 0 for its own."""
    return int(data.get("thread") or 0)


def encode_seen(seen: ObservedState, wording: Wording) -> dict[str, Any]:
    """Encode what was observed; what is empty takes no key. `wording` puts the facts into words."""
    found: dict[str, Any] = {"dialect": seen.dialect} if seen.dialect or seen.verdict is not None else {}
    if seen.leader or seen.verdict is not None:
        found["first"] = seen.leader
    if seen.switch is not None:
        found |= _encode_switch(seen.switch, wording)
    if seen.verdict is not None:
        found["verdict"] = encode_verdict(seen.verdict, wording.check)
    found |= _encode_disks(seen)
    if seen.baseline:
        found["baseline"] = seen.baseline
    if seen.difference is not None:
        found["difference"] = list(wording.difference(seen.difference))
        if isinstance(seen.difference, Difference):
            found["moved"] = encode_fact(seen.difference, wording.check)
    if seen.settlement is not None:
        found["settled"] = asdict(seen.settlement)
    if seen.contradiction is not None:
        found["contradiction"] = wording.step(seen.contradiction)
        if not isinstance(seen.contradiction, LegacyWords):
            found["contradiction_fact"] = encode_fact(seen.contradiction, wording.check)
    return found


def _encode_disks(seen: ObservedState) -> dict[str, Any]:
    found: dict[str, Any] = {"disks": [asdict(disk) for disk in seen.disks]} if seen.disks else {}
    if seen.drop is not None:
        counts = [[count.at, count.left] for count in seen.drop.counts]
        found["drop"] = {"counts": counts, "total": seen.drop.total, "over": seen.drop.over}
    if seen.counts:
        found["counts"] = [asdict(count) for count in seen.counts]
    return found


def _encode_switch(switch: ObservedSwitch, wording: Wording) -> dict[str, Any]:
    found = {name: getattr(switch, name) for name in _SWITCH} | {"why": wording.evidence(switch.evidence)}
    if isinstance(switch.evidence, DialectEvidence):
        found["evidence"] = encode_fact(switch.evidence, wording.check)
    return found


def decode_seen(data: Json) -> ObservedState:
    """Decode what was observed."""
    verdict, settled = data.get("verdict"), data.get("settled")
    return ObservedState(
        leader=str(data.get("first", "")),
        dialect=str(data.get("dialect", "")),
        switch=_decode_switch(data) if "key" in data else None,
        verdict=_verdict(verdict),
        difference=_decode_difference(data),
        settlement=Settlement(**_known(Settlement, settled)) if settled else None,
        contradiction=decode_step(data.get("contradiction_fact")) or _words(data.get("contradiction")),
        disks=tuple(ObservedDisk(**_known(ObservedDisk, disk)) for disk in data.get("disks", ())),
        drop=_decode_drop(data.get("drop")),
        counts=tuple(DiskCount(**_known(DiskCount, each)) for each in data.get("counts", ())),
        baseline=str(data.get("baseline", "")),
    )


def _decode_drop(stored: Json | None) -> DropProgress | None:
    if stored is None:
        return None
    counts = tuple(LeftCount(*each) for each in stored.get("counts", ()))
    return DropProgress(counts, int(stored.get("total", 0)), over=bool(stored.get("over")))


def _decode_switch(data: Json) -> ObservedSwitch:
    evidence = decode_part(DialectEvidence, data.get("evidence")) or _words(data.get("why"))
    return ObservedSwitch(**{name: data.get(name) for name in _SWITCH}, evidence=evidence)  # type: ignore[arg-type]  # strings, as stored


def _decode_difference(data: Json) -> Difference | LegacyDifference | None:
    phrases = tuple(data.get("difference", ()))
    return decode_part(Difference, data.get("moved")) or (LegacyDifference(phrases) if phrases else None)


def _words(stored: object) -> LegacyWords | None:
    """The stored words, None if there are none."""
    return LegacyWords(str(stored)) if stored else None


def _verdict(stored: object) -> PreflightResult | None:
    """Decode a stored verdict; None, as on a card of an older release, where it cannot be decoded."""
    if not isinstance(stored, Mapping):
        return None
    try:
        return decode_verdict(stored)
    except (LookupError, TypeError, ValueError):
        return None


def encode_verdict(verdict: PreflightResult, wording: CheckWording) -> dict[str, Any]:
    """Encode the checks and the fingerprint of a preflight; its fields of disks take a key only where they are set.

    The facts of the checks, if there are any, are a list beside them: a replica of 0.1.0, which may run during an
    upgrade, refuses a check with other keys than its own.
    """
    state = _plain(asdict(verdict.fingerprint))
    checks = [encode_check(check, wording) for check in verdict.checks]
    facts = [{key: value for key, value in check.items() if key in _OF_FACTS} for check in checks]
    return {
        "checks": [{key: value for key, value in check.items() if key not in _OF_FACTS} for check in checks],
        **({"facts": facts} if any(facts) else {}),
        "fingerprint": {key: value for key, value in state.items() if key not in _OF_DISKS or value not in ([], None)},
    }


def decode_verdict(data: Json) -> PreflightResult:
    """Decode a preflight's result; raises KeyError, TypeError or ValueError when it is not one."""
    facts: list[Json] = [*data.get("facts", ()), *({} for _ in data["checks"])]
    checks = tuple(decode_check({**check, **own}) for check, own in zip(data["checks"], facts, strict=False))
    state = {name: _tuple(value) for name, value in _known(Fingerprint, data["fingerprint"]).items()}
    return PreflightResult(checks, Fingerprint(**state))


def encode_terms(terms: Terms | None) -> dict[str, Any]:
    """Encode the terms of an approval; {} for none."""
    if terms is None:
        return {}
    found = _plain({**asdict(terms.policy), "channels": terms.policy.channels or ()})
    if not terms.policy.call:
        # Rows of earlier releases have none.
        del found["call"]
    if terms.missing:
        found["missing"] = {need.source: need.approvals for need in terms.missing}
    if terms.requester_counts is not None:
        found["requester_counts"] = terms.requester_counts
    return found


def decode_terms(data: Json) -> Terms | None:
    """Decode the terms of an approval, None for {}."""
    if not data:
        return None
    kept = {name: _tuple(value) for name, value in _known(Policy, data).items()}
    kept["channels"] = kept.get("channels") or None
    kept["also"] = tuple(Need(**_known(Need, need)) for need in data.get("also", ()))
    return Terms(
        Policy(**kept), tuple(Need(*need) for need in data.get("missing", {}).items()), data.get("requester_counts")
    )


def encode_event(event: Event, wording: Wording) -> dict[str, Any]:
    """Encode one step of the history; `wording` puts its fact into words."""
    words = f"{event.kind or ''}{wording.step(event.fact)}"
    found = {"at": event.at, "state": event.state.value, "by": event.by, "words": words}
    if event.fact is None or isinstance(event.fact, LegacyWords):
        return found
    return found | {"fact": encode_fact(event.fact, wording.check)}


def decode_event(data: Json) -> Event:
    """Decode one step of the history; its stored words begin with its kind, if it has one."""
    words, by = data["words"], data["by"]
    kind = next((kind for kind in StepKind if words.startswith(kind) and bool(by) is kind.by_person), None)
    fact = decode_step(data.get("fact")) or _words(words.removeprefix(kind or ""))
    return Event(data["at"], OpState(data["state"]), by, fact, kind)


def _known(kind: Any, data: Json) -> dict[str, Any]:
    """Keep the keys that are fields of a dataclass."""
    return {field.name: data[field.name] for field in fields(kind) if field.name in data}


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _plain(data: Json) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}
