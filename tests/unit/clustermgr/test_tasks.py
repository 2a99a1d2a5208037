"""Two dialects: names, keys, words and meanings; which dialect a cluster speaks; the request token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clustermgr.dialect import Probe, dialect_by_probes, dialect_by_values, keys_of
from bot.clustermgr.tasks import (
    COMMON,
    TASKS,
    Dialect,
    SwitchEffect,
    dialect_of_values,
    find_task,
    key_of,
    meaning_of,
    suggest_task,
    word_for,
)
from bot.clustermgr.transport import request_token
from bot.common.errors import ClusterFailed
from bot.views.dialect_text import evidence_text

V1, V3 = Dialect.V1, Dialect.V3


@pytest.mark.parametrize(
    ("dialect", "value", "word"),
    [
        (V1, "Enable", "on"),
        (V1, "Disable", "off"),
        (V1, None, "unset"),
        (V1, "true", "meaningless"),
        (V1, "enable", "meaningless"),
        (V1, "", "meaningless"),
        (V3, "true", "on"),
        (V3, "false", "off"),
        (V3, None, "unset"),
        (V3, "Enable", "meaningless"),
        (V3, "TRUE", "meaningless"),
        (V3, " true", "meaningless"),
        (V3, "", "meaningless"),
    ],
)
def test_meaning_of_a_stored_value(dialect: Dialect, value: str | None, word: str) -> None:
    """Only the dialect's own two words mean anything; any other value is meaningless."""
    meaning = meaning_of(value, dialect)
    assert meaning.word == word
    assert (meaning.effect is SwitchEffect.RUN) == (word == "on")


def test_services_make_different_things_of_a_wrong_word() -> None:
    """Later releases read it as off; v1 services keep their last value until their restart."""
    assert meaning_of("Enable", V3).effect is SwitchEffect.TAKE_AS_OFF
    assert meaning_of("true", V1).effect is SwitchEffect.KEEP_LAST


@pytest.mark.parametrize("task", COMMON)
@pytest.mark.parametrize("dialect", [V1, V3])
@pytest.mark.parametrize("on", [True, False])
def test_sent_value_has_the_intended_meaning(task: str, dialect: Dialect, on: bool) -> None:
    """The word sent for on reads back as on, for off as off, under a key the dialect has."""
    assert meaning_of(word_for(dialect, on=on), dialect).word == ("on" if on else "off")
    assert key_of(task, dialect) in keys_of(dialect)


def test_the_inspection_has_two_keys() -> None:
    """Both names are taken; each cluster gets its own key."""
    assert find_task("vol_inspect") is find_task("volume_inspect")
    assert (key_of("volume_inspect", V1), key_of("vol_inspect", V3)) == ("vol_inspect", "volume_inspect")
    assert len(keys_of(V1)) == 6
    assert "vol_inspect" not in keys_of(V3)


def test_a_task_that_one_dialect_lacks_has_no_key_there() -> None:
    """v1 knows the manual's six; `manual_migrate` has no switch."""
    assert key_of("data_inspect", V1) is None
    assert key_of("data_inspect", V3) == "data_inspect"
    assert find_task("manual_migrate") is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("balanse", "balance"),
        ("disk-repiar", "disk_repair"),
        ("volume_inspct", "volume_inspect"),
        ("zzz", None),
        ("", None),
    ],
)
def test_a_typo_gets_a_suggestion(typed: str, meant: str | None) -> None:
    """The nearest name, or none when nothing is near."""
    assert suggest_task(typed) == meant


@given(st.text(max_size=12_000))
def test_any_name_finds_a_task_or_nothing(name: str) -> None:
    """However long or odd, the lookup ends, and what it suggests exists."""
    found = find_task(name)
    assert found is None or found in TASKS
    near = suggest_task(name)
    assert near is None or find_task(near) is not None


@pytest.mark.parametrize(
    ("values", "dialect"),
    [
        ({"balance": "true", "disk_drop": "false", "disk_repair": None}, V3),
        ({"balance": "Enable", "disk_drop": "Disable"}, V1),
        ({"balance": "true", "disk_drop": "Enable"}, None),
        ({"balance": "maybe"}, None),
        ({"balance": "true", "disk_drop": ""}, None),
        ({"balance": None}, None),
        ({"data_inspect": "true"}, None),
        ({}, None),
    ],
)
def test_agreeing_stored_values_determine_the_dialect(values: dict[str, str | None], dialect: Dialect | None) -> None:
    """All of the manual's six that are set must hold words of one dialect."""
    assert dialect_of_values(values) == dialect


SILENT = Probe("c", error=ClusterFailed("c could not answer.", host="c"))


def test_agreeing_hosts_determine_the_dialect() -> None:
    """A silent host beside them changes nothing; the reason names the hosts that answered."""
    verdict = dialect_by_probes([Probe("a", V3), Probe("b", V3), SILENT])
    assert verdict is not None
    assert (verdict.dialect, evidence_text(verdict.evidence)) == (V3, "a, b answered /kv/list.")


def test_hosts_that_differ_leave_it_to_the_person() -> None:
    """The reason names each host and what it speaks."""
    verdict = dialect_by_probes([Probe("a", V3), Probe("b", V1)])
    assert verdict is not None
    assert (verdict.dialect, evidence_text(verdict.evidence)) == (None, "its hosts differ: a speaks v3, b speaks v1.")


def test_silent_hosts_leave_it_to_the_values() -> None:
    """No host answered: the stored values decide; if they cannot, the reason lists the errors."""
    assert dialect_by_probes([SILENT]) is None
    assert dialect_by_values({"balance": "Enable"}, [SILENT]).dialect is V1
    assert dialect_by_values({"balance": None}, [SILENT]).dialect is None
    assert "c could not answer." in evidence_text(dialect_by_values(None, [SILENT]).evidence)


def test_the_token_has_its_check_value() -> None:
    """The value of the protocol's description (docs/clustermgr.md)."""
    assert request_token("testsecret", "/stat", "", 1_700_000_000) == "APFTZQAAAACHT8VHY5ieS7Py-0BWC1tt"


def test_the_token_covers_the_query() -> None:
    """Another query or another second is another token."""
    tokens = {request_token("s", "/config/get", query, at) for query in ("", "key=a", "key=b") for at in (1, 2)}
    assert len(tokens) == 6
