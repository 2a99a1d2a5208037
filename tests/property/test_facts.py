"""Facts of checks: each kind has words and a stored form, a block says what to do, and older rows open."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.operations.check_codec import FACT_KINDS, decode_check, encode_check
from bot.operations.preflight.facts import cluster, disks, leadership, members, quorum, tasks
from bot.operations.preflight.tasks import CONSEQUENCES
from bot.operations.preflight.verdict import Check, CheckLevel, Fact, LegacyFact
from bot.views.preflight_text.table import FACTS, check_text
from bot.views.preflight_text.tasks import EFFECTS
from tests.support.any_fact import BLOCKING, checks_of, refusals_of
from tests.support.budget import examples

MODULES = (cluster, disks, leadership, members, quorum, tasks)
BASES = {Fact, leadership.TargetFact, quorum.CommitFact}
"""Classes that only their subclasses use."""
OLD_KEYS = {"key", "level", "sentence", "next_step", "forceable", "bound"}
"""Keys of a check as 0.1.0 stored it."""


def test_every_kind_of_fact_has_words_and_a_stored_name() -> None:
    found = {kind for module in MODULES for kind in vars(module).values() if isinstance(kind, type)}
    facts = {kind for kind in found if issubclass(kind, Fact)} - BASES
    assert facts == set(FACT_KINDS.values()) == set(FACTS) - {LegacyFact}
    assert len(FACT_KINDS) == len(facts)


KINDS = pytest.mark.parametrize("kind", [*FACT_KINDS.values(), LegacyFact], ids=lambda kind: kind.__name__)
SOME = settings(max_examples=examples(10), deadline=None)


@KINDS
@SOME
@given(data=st.data())
def test_check_after_storing_is_the_same(kind: type[Fact], data: st.DataObject) -> None:
    check = data.draw(checks_of(kind))
    if kind is not LegacyFact:
        check = replace(check, forced=check.forceable)
    stored = json.loads(json.dumps(encode_check(check, check_text)))
    assert decode_check(stored) == check
    assert decode_check(stored | {"later": 1}) == check


@KINDS
@SOME
@given(data=st.data())
def test_stored_check_has_the_words_that_0_1_0_reads(kind: type[Fact], data: st.DataObject) -> None:
    check = data.draw(checks_of(kind))
    stored = encode_check(check, check_text)
    assert set(stored) >= OLD_KEYS
    old = {name: stored[name] for name in OLD_KEYS}
    assert check_text(decode_check(old)) == check_text(check)


@pytest.mark.parametrize("kind", sorted(BLOCKING, key=str), ids=str)
@SOME
@given(data=st.data())
def test_every_fact_that_refuses_names_a_next_step(kind: type[Fact], data: st.DataObject) -> None:
    text = check_text(Check("key", CheckLevel.BLOCK, data.draw(refusals_of(kind))))
    assert text.next_step.endswith((".", ")"))
    assert text.sentence


def test_fact_of_a_later_release_opens_with_its_words() -> None:
    check = Check("hosts", CheckLevel.WARN, cluster.StrangeHosts((cluster.StrangeHost("cm9:9998", 9),)), bound="9")
    stored = encode_check(check, check_text)
    for fact in ({"kind": "of_a_later_release"}, {"kind": "strange_hosts", "hosts": "many"}, "text"):
        found = decode_check(stored | {"fact": fact})
        assert isinstance(found.fact, LegacyFact)
        assert replace(found, fact=check.fact) == check
        assert check_text(found) == check_text(check)


def test_forced_check_of_0_1_0_stays_forced() -> None:
    old = {
        "key": "answers",
        "level": "warn",
        "sentence": "FORCED against this block: cm4:9998 does not answer.",
        "next_step": "Start the node.",
        "forceable": True,
        "bound": "",
    }
    found = decode_check(old)
    fact = LegacyFact("cm4:9998 does not answer.", "Start the node.")
    assert found == Check("answers", CheckLevel.WARN, fact, forceable=True, forced=True)
    assert encode_check(found, check_text) == old


def test_every_consequence_of_a_switch_has_words() -> None:
    assert set(EFFECTS) == set(tasks.TaskEffect) == {effect for effect, _ in CONSEQUENCES.values()}


def test_every_kind_that_refuses_is_known() -> None:
    assert set(FACT_KINDS.values()) > BLOCKING
