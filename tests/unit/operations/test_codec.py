"""Stored form of an operation: it comes back as it was, and rows of other releases can be read."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.clustermgr.tasks import DialectEvidence, EvidenceKind
from bot.operations.change_request import RequestOptions, Reversion
from bot.operations.codec import (
    decode_event,
    decode_options,
    decode_request,
    decode_seen,
    decode_terms,
    encode_event,
    encode_request,
    encode_seen,
    encode_terms,
    thread_of,
)
from bot.operations.model import Event, ObservedState, ObservedSwitch, Operation, OpState, Settlement, StepKind
from bot.operations.policy import POLICIES, Need, Policy, Terms
from bot.operations.preflight.check import preflight
from bot.operations.requests import MemberRemove, TaskSwitch
from bot.operations.step_facts import Compared, Difference, LegacyDifference, LegacyWords, PeerLeads
from bot.views.preflight_text.table import check_text
from bot.views.step_text import WORDING, event_text, step_text
from tests.docgen.cluster_fixture import Scene
from tests.e2e.restored_installation import recorded

OP = Operation("prod", TaskSwitch("balance", on=False), "U0ANNA", 100.0, 1000.0, reason="rush hour")
SWITCH = ObservedSwitch("balance", None, "unset", "false", "v3", DialectEvidence(EvidenceKind.PINNED))
OLD_SWITCH = replace(SWITCH, evidence=LegacyWords("the settings pin it."))
VERDICT = preflight(MemberRemove(3), *Scene().snapshots())

MOVED = Difference(VERDICT.fingerprint, replace(VERDICT.fingerprint, leader=2), VERDICT.checks[:2])


def stored(value: Any) -> Any:
    return json.loads(json.dumps(value))


@pytest.mark.parametrize(
    "options",
    [
        RequestOptions(),
        RequestOptions(forced=True, lease=7200.0, dialect="v1", policy="member_replace", replaces=(3, 4)),
        RequestOptions(reverts=Reversion(of=12, thread=11, left="false")),
        RequestOptions(agent=True),
    ],
)
def test_options_after_storing_are_the_same(options: RequestOptions) -> None:
    kept = stored(encode_request(Operation("prod", OP.request, "U0ANNA", 1.0, 2.0, options=options)))
    assert decode_options(kept) == options
    assert decode_request("task_switch", kept) == OP.request
    assert thread_of(kept) == (options.reverts.thread if options.reverts else 0)
    assert ("agent" in kept) is options.agent, "earlier releases need not know the key"


@pytest.mark.parametrize(
    "seen",
    [
        ObservedState(),
        ObservedState("cm1:9998", "v3", SWITCH, VERDICT, LegacyDifference(("leader: peer 1 → peer 2",))),
        ObservedState("cm1:9998", "v3", OLD_SWITCH, VERDICT, MOVED),
        ObservedState("cm1:9998", "", None, VERDICT, settlement=Settlement(done=True, at=5.0, until=9.0)),
        ObservedState(settlement=Settlement(done=False, at=5.0), contradiction=LegacyWords("balance is now off")),
        ObservedState(contradiction=Compared(contradicts=True, sight=PeerLeads(2))),
    ],
)
def test_observed_state_after_storing_is_the_same(seen: ObservedState) -> None:
    assert decode_seen(stored(encode_seen(seen, WORDING))) == seen


@pytest.mark.parametrize(
    "terms",
    [
        None,
        *(Terms(policy) for policy in POLICIES.values()),
        Terms(Policy(channels=("C1",), also=(Need("admin", 1),)), (Need("approver", 2),)),
    ],
)
def test_terms_after_storing_are_the_same(terms: Terms | None) -> None:
    assert decode_terms(stored(encode_terms(terms))) == terms


def test_event_is_stored_under_the_key_words() -> None:
    event = Event(1.0, OpState.WAITING, "U0ANNA", None, StepKind.PROPOSED)
    assert encode_event(event, WORDING) == {"at": 1.0, "state": "waiting", "by": "U0ANNA", "words": "proposed"}
    assert decode_event(stored(encode_event(event, WORDING))) == event


@pytest.mark.parametrize(
    ("by", "words", "kind", "text"),
    [
        ("U0BEN", "approved (1 of 2)", StepKind.APPROVED, " (1 of 2)"),
        ("U0BEN", "kept: it no longer goes back", StepKind.KEPT, ": it no longer goes back"),
        ("", "it goes back soon", StepKind.WARNED, ""),
        ("", "time is up: balance is on again (operation #8)", StepKind.TIME_UP, "balance is on again (operation #8)"),
        ("", "approved by nothing", None, "approved by nothing"),
        ("U0BEN", "time is up: it says", None, "time is up: it says"),
        ("", "the effect was seen", None, "the effect was seen"),
    ],
)
def test_stored_words_begin_with_the_kind_of_the_step(by: str, words: str, kind: StepKind | None, text: str) -> None:
    row = {"at": 1.0, "state": "verified", "by": by, "words": words}
    event = decode_event(row)
    assert (event.kind, step_text(event.fact), event_text(event)) == (kind, text, words)
    assert encode_event(event, WORDING) == row


def test_unknown_keys_of_another_release_are_ignored() -> None:
    later = {"later": {"nested": 1}}
    check = {"key": "leader", "level": "pass", "sentence": "Peer 1 leads."} | later
    seen = {"verdict": {"checks": [check], "fingerprint": {"leader": 1} | later} | later} | later
    found = decode_seen(seen | {"settled": {"done": True, "at": 1.0} | later})
    assert found.verdict is not None
    assert [check_text(check).sentence for check in found.verdict.checks] == ["Peer 1 leads."]
    assert found.settlement == Settlement(done=True, at=1.0)
    assert decode_request("member_remove", {"peer_id": 3} | later) == MemberRemove(3)
    assert decode_options({"lease": 60.0} | later) == RequestOptions(lease=60.0)
    assert decode_terms({"approvals": 2, "also": [{"source": "admin", "approvals": 1} | later]} | later) == Terms(
        Policy(approvals=2, also=(Need("admin", 1),))
    )


@pytest.mark.parametrize("row", recorded("operations"), ids=lambda row: f"#{row['id']} {row['kind']} {row['state']}")
def test_recorded_operation_of_old_release_is_encoded_unchanged(row: Mapping[str, Any]) -> None:
    op = Operation(
        row["cluster"],
        decode_request(row["kind"], row["request"]),
        row["requester"],
        row["created_at"],
        row["expires_at"],
        options=decode_options(row["request"]),
        reason=row["reason"],
    )
    assert stored(encode_request(op)) == row["request"]
    assert stored(encode_seen(decode_seen(row["seen"]), WORDING)) == row["seen"]
    assert stored(encode_terms(decode_terms(row["terms"]))) == row["terms"]
    assert [stored(encode_event(decode_event(event), WORDING)) for event in row["history"]] == row["history"]
