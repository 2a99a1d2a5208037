"""The fields of each change come from its command's spec, and go back into it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chatops.commands.arguments import validated
from bot.chatops.commands.notes import NoteArgs
from bot.chatops.commands.parser import parse
from bot.chatops.commands.registry import COMMANDS
from bot.chatops.forms.controller import asked_first
from bot.chatops.forms.fields import (
    ANSWERS,
    FORMS,
    KINDS,
    FormContext,
    Kind,
    as_typed,
    entries,
    filled,
    given_values,
    kind_of,
    kinds_like,
    lost_values,
    values_of,
)
from bot.chatops.forms.labels import TITLES, WORDINGS, is_named
from bot.interactions.command import Command, Offer, Scope
from bot.interactions.message import Message
from bot.interactions.notes import MAX_NOTE
from bot.operations.policy import POLICIES
from bot.playground.slack_sim.blockkit import check_view
from bot.views.forms import CLUSTER, FIELD, KIND, MAX_TITLE, Form, being_done, checking, form, loading, notice
from bot.views.inputs import Choice
from bot.views.notes import note_text
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
    "ack": {"id": "17", "take": "take", "for": "2h"},
    "unack": {"id": "17"},
    "note": {"about": "alert 17", "text": 'fan 3: it\'s "loud", x=1'},
    "silence": {"rule": "*", "from": "sat 22:00", "until": "sun 02:00", "subject": "3", "reason": "new rack"},
    "unsilence": {"id": "3"},
    "op cancel": {"id": "12"},
    "op reject": {"id": "12", "reason": "after the audit"},
    "op settle": {"id": "12", "outcome": "not-done", "reason": "the log shows nothing"},
}
PROPOSED = [kind for kind in KINDS if kind.policies]


def test_every_change_of_a_cluster_has_a_form() -> None:
    """A new command that proposes a change must be added to the kinds; the policies are those of the operations."""
    changing = {command for command in COMMANDS if command.changes and "force" in command.args.typed()}
    changing |= {command for command in COMMANDS if command.path[:1] == ("maintenance",)}
    assert {kind.command.path for kind in KINDS} == {command.path for command in changing}
    assert {kind.policy for kind in PROPOSED} == set(POLICIES) - {"break_glass"}


@pytest.mark.parametrize(
    "command",
    [
        command
        for command in COMMANDS
        if command.changes and any(info.is_required() for info in command.args.typed().values())
    ],
    ids=lambda command: " ".join(command.path),
)
def test_every_changing_command_with_a_required_argument_has_a_form(command: Command) -> None:
    """A later command of this kind cannot be forgotten; a form without a card says what follows when it is sent."""
    kind = kind_of(" ".join(command.path))
    assert kind is not None
    assert kind.command is command
    assert bool(kind.policies) != (kind.key in WORDINGS)


@pytest.mark.parametrize("key", WORDINGS)
def test_wording_fits_and_names_the_change(key: str) -> None:
    words, kind = WORDINGS[key], kind_of(key)
    assert kind is not None
    assert len(words.title) <= MAX_TITLE
    assert words.submit not in {words.close, "Submit"}
    assert kind.listed or words.title == TITLES[key]


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


@pytest.mark.parametrize("kind", FORMS, ids=lambda kind: kind.key)
def test_form_values_equal_the_typed_command(kind: Kind) -> None:
    """The form's values and the line that could have been typed lead to the same arguments."""
    held = given_values(kind, TYPED[kind.key])
    values = values_of(kind, {f"{FIELD}{name}": f" {value} " for name, value in held.items()})
    assert values == TYPED[kind.key]
    cluster = "prod" if kind.of_cluster else ""
    line = as_typed(kind, cluster, {name: value.replace('"', "'") for name, value in values.items()})
    parsed = parse(line, COMMANDS, clusters=("prod", "other"), default_cluster=None)
    assert (parsed.cluster or "") == cluster
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


@pytest.mark.parametrize("kind", FORMS, ids=lambda kind: kind.key)
def test_every_field_has_words_for_people(kind: Kind) -> None:
    """A new argument of a change needs a label in labels.py; no hint shows how the command is typed."""
    assert kind.key in TITLES
    assert [name for name in kind.command.args.typed() if not is_named(kind.key, name)] == []
    asked = entries(kind, FormContext(may_force=True, dialect_known=False))
    assert not re.search(r"_|\w=|/cm", " ".join(f"{each.label} {each.hint}" for each in asked))


@pytest.mark.parametrize("kind", FORMS, ids=lambda kind: kind.key)
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
@pytest.mark.parametrize("kind", FORMS, ids=lambda kind: kind.key)
def test_every_form_is_within_slack_s_limits(kind: Kind, peers: int) -> None:
    """Choices with any names, and any number of them; with and without what was filled in."""
    many = tuple(Choice(str(number), f"peer {number} <!channel> {'x' * 200}", "y" * 200) for number in range(1, peers))
    offers = dict.fromkeys(Offer, many)
    known = FormContext("p" * 60, offers, may_force=True, needs_reason=True, dialect_known=False)
    view = form(
        Form(
            kinds=[each.choice for each in KINDS],
            kind=kind.key,
            clusters=[Choice(f"cluster-{number}", f"cluster-{number}", "healthy") for number in range(peers)],
            cluster="cluster-0",
            entries=tuple(filled(entries(kind, known), given_values(kind, TYPED[kind.key]))),
            notes=("<!here> " * 100,),
            sealed="x" * 3000,
            wording=WORDINGS.get(kind.key),
            asks=asked_first(kind),
        )
    )
    assert check_view(view) == []
    assert (KIND in str(view), CLUSTER in str(view)) == (kind.listed, kind.of_cluster)
    assert "<!" not in str([block for block in view["blocks"] if block["type"] == "context"])


@pytest.mark.parametrize("kind", ANSWERS, ids=lambda kind: kind.key)
def test_form_with_nothing_to_choose_says_so_and_cannot_be_sent(kind: Kind) -> None:
    asked = Form(
        [], kind.key, [], "", wording=WORDINGS[kind.key], asks=asked_first(kind), nothing="No alert is <open>."
    )
    view = form(asked)
    assert check_view(view) == []
    assert "submit" not in view
    assert [block["text"]["text"] for block in view["blocks"]] == ["No alert is &lt;open&gt;."]


def test_only_forms_of_a_cluster_ask_for_one() -> None:
    assert [kind.key for kind in ANSWERS if kind.of_cluster] == ["silence"]
    assert all(kind.of_cluster for kind in KINDS)
    assert {kind.command.scope for kind in ANSWERS if not kind.of_cluster} == {Scope.NO_CLUSTER}


def test_word_that_may_be_left_out_is_a_box_to_tick() -> None:
    kind = kind_of("ack")
    assert kind is not None
    take = next(each for each in entries(kind, FormContext()) if each.name == "take")
    assert (take.flag, take.label) == (True, "Take it over")
    assert [each.value for each in filled([take], given_values(kind, {"take": "TAKE"}))] == ["yes"]
    assert values_of(kind, {f"{FIELD}take": "yes"}) == {"take": "take"}


def test_note_is_kept_as_it_was_written() -> None:
    kind = kind_of("note")
    assert kind is not None
    text = "“two\nlines”。 #7 <@U1> & <b> &lt;"
    values = values_of(kind, {f"{FIELD}text": text})
    assert note_text(values["text"]) == text
    assert given_values(kind, values) == {"text": text}, "a form that is refused has it again"


@pytest.mark.parametrize("text", ["<a/>" * 400, "&" * MAX_NOTE, "<" * MAX_NOTE, "x" * MAX_NOTE])
def test_note_is_counted_as_it_was_typed_and_not_as_it_is_escaped(text: str) -> None:
    kind = kind_of("note")
    assert kind is not None
    assert [each.most for each in entries(kind, FormContext()) if each.name == "text"] == [MAX_NOTE]
    args = validated(kind.command, {"about": "alert 17", **values_of(kind, {f"{FIELD}text": text})})
    assert isinstance(args, NoteArgs)
    assert note_text(args.text) == text


@pytest.mark.parametrize("key", ["member add", "member replace"])
@pytest.mark.parametrize("needs", [True, False])
def test_service_address_is_required_where_the_cluster_needs_it(key: str, needs: bool) -> None:
    kind = kind_of(key)
    assert kind is not None
    [node] = [each for each in entries(kind, FormContext(needs_service=needs)) if each.name == "node"]
    assert node.required is needs


def test_a_form_without_kind_or_cluster_only_asks_for_these() -> None:
    view = form(Form([KINDS[0].choice], "", [Choice("prod", "prod")], "prod", entries=entries(KINDS[0], FormContext())))
    assert [block["block_id"] for block in view["blocks"]] == [KIND, CLUSTER]


def test_other_views_keep_slack_limits() -> None:
    big = Message("x" * 3000, tuple({"type": "divider"} for _ in range(150)))
    for view in (
        loading("<x>"),
        checking("prod"),
        being_done(),
        notice(big, "a title that is far too long"),
        notice(Message("plain")),
    ):
        assert check_view(view) == []
        assert "submit" not in view
    assert "51 more parts" in str(notice(big))
