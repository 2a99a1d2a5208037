"""Facts of steps: each kind has words and a stored form, and rows of other releases open with their words."""

import json
from typing import Any

import pytest

from bot.operations import disk_step_facts as d
from bot.operations import step_facts as s
from bot.operations.codec import decode_event, encode_event
from bot.operations.model import Event, OpState, StepKind
from bot.operations.step_codec import STEP_KINDS
from bot.views.step_text import STEPS, WORDING, difference_text, event_text, step_text
from tests.support.step_samples import SAME, SAMPLES

FACTS = [pytest.param(fact, words, id=words[:50]) for fact, words in SAMPLES]
OLD_KEYS = ("at", "state", "by", "words")
"""Keys of a step as 0.1.0 stored it."""


def stored(event: Event) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(encode_event(event, WORDING)))
    return found


def test_every_kind_of_step_has_words_a_stored_name_and_a_sample() -> None:
    defined = (*vars(s).values(), *vars(d).values())
    kinds = {kind for kind in defined if isinstance(kind, type) and issubclass(kind, s.StepFact)}
    facts = kinds - {s.StepFact, s.Sight, s.LegacyWords}
    assert facts == set(STEP_KINDS.values()) == set(STEPS) - {s.LegacyWords} == {type(fact) for fact, _ in SAMPLES}
    assert len(STEP_KINDS) == len(facts)


@pytest.mark.parametrize(("fact", "words"), FACTS)
def test_step_in_words_is_one_exact_text(fact: s.StepFact, words: str) -> None:
    assert step_text(fact) == words
    assert event_text(Event(1.0, OpState.RUNNING, "U0BEN", fact, StepKind.APPROVED)) == f"approved{words}"


@pytest.mark.parametrize(("fact", "words"), FACTS)
def test_step_after_storing_is_the_same(fact: s.StepFact, words: str) -> None:
    event = Event(1.0, OpState.VERIFIED, "", fact)
    row = stored(event)
    assert decode_event(row) == event
    assert decode_event(row | {"later": 1, "fact": row["fact"] | {"later": 1}}) == event
    assert row["words"] == words


@pytest.mark.parametrize(("fact", "words"), FACTS)
def test_row_without_known_fact_opens_with_its_words(fact: s.StepFact, words: str) -> None:
    row = stored(Event(1.0, OpState.VERIFIED, "", fact))
    old = {name: row[name] for name in OLD_KEYS}
    for found in (old, row | {"fact": {"kind": "of_a_later_release"}}, row | {"fact": "text"}):
        event = decode_event(found)
        assert event == Event(1.0, OpState.VERIFIED, "", s.LegacyWords(words))
        assert stored(event) == old


def test_fact_with_wrong_values_opens_with_its_words() -> None:
    row = stored(Event(1.0, OpState.VERIFIED, "", s.Compared(contradicts=True, sight=s.PeerLeads(2))))
    for wrong in (
        {"sight": {"kind": "of_a_later_release"}},
        {"sight": 7},
        {"sight": {"kind": "peer_leads", "peer": "many"}},
    ):
        found = decode_event(row | {"fact": row["fact"] | wrong})
        assert found.fact == s.LegacyWords("the cluster shows the opposite: peer 2 leads")
    refused = stored(Event(1.0, OpState.BLOCKED, "", s.ChecksRefuse(SAME.checks)))
    unreadable: tuple[object, ...] = (7, [{}], None)
    for checks in unreadable:
        assert decode_event(refused | {"fact": {"kind": "checks_refuse", "checks": checks}}).fact == s.LegacyWords(
            refused["words"]
        )


def test_changed_checks_are_named_when_the_states_agree() -> None:
    assert difference_text(SAME) == (step_text(s.ChecksRefuse(SAME.checks)).rstrip("."),)
    assert difference_text(s.LegacyDifference(("leader: peer 1 → peer 2",))) == ("leader: peer 1 → peer 2",)
    assert difference_text(None) == ()
