"""The fields of each change come from its command's spec, and go back into it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chatops.commands.arguments import validated
from bot.chatops.commands.parser import parse
from bot.chatops.commands.registry import COMMANDS
from bot.chatops.forms.fields import (
    KINDS,
    FormContext,
    Kind,
    as_typed,
    entries,
    filled,
    kind_of,
    kinds_like,
    lost_values,
    values_of,
)
from bot.chatops.forms.labels import TITLES, is_named
from bot.interactions.command import Offer
from bot.interactions.message import Message
from bot.operations.policy import POLICIES
from bot.playground.slack_sim.blockkit import check_view
from bot.views.forms import CLUSTER, FIELD, KIND, Form, checking, form, loading, notice
from bot.views.inputs import Choice
from tests.support.in_memory_ports import FakeDesk, typed

TYPED = {
    "task disable": {"task": "balance", "for": "2h", "reason": 'say "why"'},
    "task enable": {"task": "disk_repair", "dialect": "v3"},
    "leader transfer": {"peer_id": "2", "dry_run": "yes"},
    "member add": {"peer_id": "4", "host": "10.0.0.4:10110", "node": "10.0.0.4:9998", "as": "normal"},
    "member remove": {"peer_id": "3", "reason": "disk lost", "force": "yes"},
    "member replace": {"dead": "3", "new": "4", "host": "10.0.0.4:10110"},
    "disk readonly": {"id": "7", "reason": "slow disk"},
    "disk writable": {"id": "7", "dry_run": "yes"},
    "disk broken": {"id": "7", "reason": "does not spin up"},
    "disk offline": {"ids": "7 8 9", "reason": "old model"},
    "node offline": {"host": "10.0.0.7:8889", "reason": "new hardware", "force": "yes"},
    "maintenance start": {"host": "10.0.0.7", "for": "30m", "reason": "kernel", "anyway": "yes"},
    "maintenance end": {"host": "10.0.0.7"},
}
PROPOSED = [kind for kind in KINDS if kind.policies]


def test_every_change_of_a_cluster_has_a_form() -> None:
    """A new command that proposes a change must be added to the kinds; the policies are those of the operations."""
    changing = {command for command in COMMANDS if command.changes and "force" in command.args.typed()}
    changing |= {command for command in COMMANDS if command.path[:1] == ("maintenance",)}
    assert {kind.command.path for kind in KINDS} == {command.path for command in changing}
    assert {kind.policy for kind in PROPOSED} == set(POLICIES) - {"break_glass"}


@pytest.mark.parametrize("kind", PROPOSED, ids=lambda kind: kind.key)
async def test_policy_equals_that_of_the_command(kind: Kind) -> None:
    proposals = FakeDesk()
    await typed(as_typed(kind, "prod", TYPED[kind.key]), proposals=proposals)
    if kind.key == "member replace":
        assert [done[0] for done in proposals.done] == ["replace"]
    else:
        [(_, _, change_request)] = proposals.proposed
        back = {"task_disable": ("task_enable",)} if change_request.options.lease else {}
        assert change_request.policy_keys == (kind.policy, *back.get(kind.policy, ()))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
def test_form_values_equal_the_typed_command(kind: Kind) -> None:
    """The form's values and the line that could have been typed lead to the same arguments."""
    values = values_of(kind, {f"{FIELD}{name}": f" {value} " for name, value in TYPED[kind.key].items()})
    assert values == TYPED[kind.key]
    line = as_typed(kind, "prod", {name: value.replace('"', "'") for name, value in values.items()})
    parsed = parse(line, COMMANDS, clusters=("prod", "other"), default_cluster=None)
    assert parsed.cluster == "prod"
    plain = {name: value.replace('"', "'") for name, value in values.items()}
    assert parsed.args == validated(kind.command, plain)


@given(st.dictionaries(st.text(max_size=20) | st.sampled_from([f"{FIELD}task", f"{FIELD}for"]), st.text(max_size=50)))
def test_only_the_arguments_of_the_command_are_taken(held: dict[str, str]) -> None:
    kind = KINDS[0]
    assert set(values_of(kind, held)) <= set(kind.command.args.typed())


def names(kind: str, known: FormContext) -> list[str]:
    found = kind_of(kind)
    assert found is not None
    return [entry.name for entry in entries(found, known)]


def test_specific_fields_come_first_and_common_ones_last() -> None:
    assert names("member add", FormContext()) == ["peer_id", "host", "node", "as", "reason", "dry_run"]
    assert names("task disable", FormContext(may_force=True)) == ["task", "for", "reason", "dry_run", "force"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
def test_every_field_has_words_for_people(kind: Kind) -> None:
    """A new argument of a change needs a label in labels.py; no hint shows how the command is typed."""
    assert kind.key in TITLES
    assert [name for name in kind.command.args.typed() if not is_named(kind.key, name)] == []
    asked = entries(kind, FormContext(may_force=True, dialect_known=False))
    assert not re.search(r"_|\w=|/cm", " ".join(f"{each.label} {each.hint}" for each in asked))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
def test_option_does_not_repeat_its_title(kind: Kind) -> None:
    assert not kind.choice.describes.lower().startswith(kind.choice.label.lower())


def test_given_values_fill_the_fields_that_take_them() -> None:
    kind = kind_of("leader transfer")
    assert kind is not None
    asked = entries(kind, FormContext("prod", {Offer.FOLLOWER: (Choice("2", "peer 2"),)}))
    given = {"peer_id": "2", "reason": "rack", "dry_run": "yes"}
    assert {each.name: each.value for each in filled(asked, given) if each.value} == given
    assert list(lost_values(asked, given)) == []
    assert list(lost_values(asked, {"peer_id": "1"})) == ['New leader cannot be "1": choose another.']


def test_unknown_dialect_adds_its_field() -> None:
    assert "dialect" in names("task disable", FormContext(dialect_known=False))


def test_a_reason_is_required_where_the_policy_says() -> None:
    kind = KINDS[0]
    of = {
        known: next(e for e in entries(kind, FormContext(needs_reason=known)) if e.name == "reason")
        for known in (False, True)
    }
    assert (of[False].required, of[True].required) == (False, True)
    assert of[True].most == 300


def test_unreadable_values_are_typed() -> None:
    kind = kind_of("member remove")
    assert kind is not None
    [typed_, *_] = entries(kind, FormContext("prod"))
    [chosen, *_] = entries(kind, FormContext("prod", {Offer.PEER: (Choice("3", "peer 3"),)}))
    assert (typed_.choices, chosen.choices) == ((), (Choice("3", "peer 3"),))


def test_kinds_are_found_by_their_first_word() -> None:
    assert [kind.key for kind in kinds_like(("Member",))] == ["member add", "member remove", "member replace"]
    assert kinds_like(("nothing",)) == ()


@pytest.mark.parametrize("peers", [1, 101, 350])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
def test_every_form_is_within_slack_s_limits(kind: Kind, peers: int) -> None:
    """Peers with any names, and any number of them."""
    many = tuple(Choice(str(number), f"peer {number} <!channel> {'x' * 200}", "y" * 200) for number in range(1, peers))
    offers = {Offer.PEER: many, Offer.TASK: many}
    known = FormContext("p" * 60, offers, may_force=True, needs_reason=True, dialect_known=False)
    view = form(
        Form(
            kinds=[each.choice for each in KINDS],
            kind=kind.key,
            clusters=[Choice(f"cluster-{number}", f"cluster-{number}", "healthy") for number in range(peers)],
            cluster="cluster-0",
            entries=entries(kind, known),
            notes=("<!here> " * 100,),
            sealed="x" * 3000,
        )
    )
    assert check_view(view) == []
    assert "<!" not in str([block for block in view["blocks"] if block["type"] == "context"])


def test_a_form_without_kind_or_cluster_only_asks_for_these() -> None:
    view = form(Form([KINDS[0].choice], "", [Choice("prod", "prod")], "prod", entries=entries(KINDS[0], FormContext())))
    assert [block["block_id"] for block in view["blocks"]] == [KIND, CLUSTER]


def test_other_views_keep_slack_limits() -> None:
    big = Message("x" * 3000, tuple({"type": "divider"} for _ in range(150)))
    for view in (
        loading("<x>"),
        checking("prod"),
        notice(big, "a title that is far too long"),
        notice(Message("plain")),
    ):
        assert check_view(view) == []
        assert "submit" not in view
    assert "51 more parts" in str(notice(big))
