"""A form that was sent: what is wrong is said at its field, what is right becomes work; nothing is proposed here."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerting.cluster_state.state import ClusterNote
from bot.chatops.forms.controller import asked_first
from bot.chatops.forms.events import ViewState, ViewSubmission
from bot.chatops.forms.fields import FORMS, kind_of
from bot.chatops.forms.signing import Origin, key_of, sign
from bot.chatops.forms.validation import FormValidator
from bot.common.errors import SlackError
from bot.config import AccessSettings, Members
from bot.interactions.command import Call, Caller
from bot.interactions.events import Invocation
from bot.operations.policy import Policy
from bot.permissions.access import Access
from bot.views.forms import CALLBACK, CLUSTER, FIELD, KIND
from tests.support.in_memory_ports import (
    ACCESS,
    FakeAlerts,
    FakeAudit,
    FakeCluster,
    FakeDesk,
    FakeForms,
    FakeReports,
)
from tests.support.view_samples import AT

KEY = key_of("xoxb-1")
CLUSTERS = {"prod": FakeCluster()}
DESK = FakeDesk()
ORIGIN = Origin("U0ANNA", "C1", "https://hooks.slack.com/1", "task disable", "prod")


def call_of(invocation: Invocation, cluster: str) -> Call:
    return Call(
        caller=Caller(invocation.user, invocation.channel, invocation.key),
        clusters=CLUSTERS,
        cluster=CLUSTERS[cluster],
        now=AT,
        proposer=DESK,
        operations=DESK,
        access=ACCESS,
        alerts=FakeAlerts(),
        reports=FakeReports(),
        remembered=lambda _: ClusterNote(),
        audit=FakeAudit(),
        share=None,
        forms=FakeForms(),
        rules=lambda _: (),
    )


REFUSALS: list[tuple[str, str]] = []
"""The person and the cluster of each recorded refusal."""


async def record_refusal(invocation: Invocation, cluster: str, why: str) -> None:
    assert why
    REFUSALS.append((invocation.user, cluster))


async def no_members(group: str) -> frozenset[str]:
    raise SlackError(f"cannot tell {group}", code="ratelimited")


def validator(policy: Policy | None = None) -> FormValidator:
    members = Members(users=("U0ANNA",))
    access = Access(AccessSettings(operators=members, approvers=members), no_members)
    return FormValidator(CLUSTERS, access, lambda _c, _k, _f: policy or Policy(), call_of, KEY, record_refusal)


def sent(values: Mapping[str, str], origin: Origin = ORIGIN, **changes: Any) -> ViewSubmission:
    asked = asked_first(kind_of(origin.kind))
    held = {name: value for name, value in ((KIND, origin.kind), (CLUSTER, origin.cluster)) if name in asked}
    held |= {f"{FIELD}{name}": value for name, value in values.items()}
    blocks = {action: f"block of {action}" for action in held}
    view = ViewState("V1", "h", CALLBACK, sign(origin, KEY), held, blocks)
    return ViewSubmission("1.2", "U0ANNA", replace(view, **changes))


async def errors(values: Mapping[str, str], kind: str = "task disable", policy: Policy | None = None) -> Any:
    evaluation = await validator(policy).validate(sent(values, replace(ORIGIN, kind=kind)))
    assert evaluation.work is None
    assert evaluation.answer["response_action"] == "errors"
    [(block, words)] = evaluation.answer["errors"].items()
    return block.removeprefix(f"block of {FIELD}"), words


async def test_valid_form_becomes_work_with_its_origin() -> None:
    evaluation = await validator().validate(sent({"task": "balance", "for": "2h"}))
    work = evaluation.work
    assert work is not None
    assert evaluation.answer["response_action"] == "update"
    assert (work.key, work.user, work.channel, work.view_id) == ("form:V1", "U0ANNA", "C1", "V1")
    assert (work.response_url, work.command, work.cluster) == (ORIGIN.answer_to, "task disable", "prod")
    assert (work.values, work.text) == ({"task": "balance", "for": "2h"}, "task disable balance prod for=2h")
    assert DESK.proposed == [], "only rehearsed"


@pytest.mark.parametrize(
    ("kind", "values", "field", "words"),
    [
        ("task disable", {"task": "ballance"}, "task", "Did you mean balance?"),
        ("task disable", {"task": "balance", "for": "soon"}, "for", "takes a time such as 30m"),
        ("task disable", {"task": "balance", "for": "99d"}, "for", "between 1m and 30d"),
        ("task disable", {"task": "balance", "reason": "x" * 301}, "reason", "at most 300 characters"),
        ("task disable", {"task": "balance", "dialect": "v2"}, "dialect", "one of v1, v3"),
        ("member remove", {"peer_id": "abc"}, "peer_id", "a whole number in plain digits"),
        ("member remove", {"peer_id": "-1"}, "peer_id", "out of range"),
        ("member remove", {"peer_id": str(2**64)}, "peer_id", "out of range"),
        ("member add", {"peer_id": "0", "host": "a:1"}, "peer_id", "Peer id 0 cannot be used"),
        ("member add", {"peer_id": "4", "host": "http://a:1"}, "host", "a scheme such as http://"),
        ("member add", {"peer_id": "4", "host": "a"}, "host", "has no port"),
        ("member add", {"peer_id": "4", "host": "a:1", "node": "a:1"}, "node", "are both"),
        ("member replace", {"dead": "3", "new": "x", "host": "a:1"}, "new", "a whole number"),
        ("member replace", {"dead": "3", "new": "4", "host": "a:1", "node": "b"}, "node", "has no port"),
    ],
)
async def test_error_is_shown_at_its_field(kind: str, values: dict[str, str], field: str, words: str) -> None:
    at, said = await errors(values, kind)
    assert at == field
    assert words in said


async def test_missing_value_without_field_is_reported_at_the_top() -> None:
    at, said = await errors({"host": "10.0.0.4:1"}, "member add")
    assert at == f"block of {KIND}"
    assert "needs peer_id" in said


async def test_a_reason_is_asked_for_where_the_policy_requires_it() -> None:
    at, said = await errors({"task": "balance", "reason": ""}, policy=Policy(reason="required"))
    assert (at, "needs a reason" in said) == ("reason", True)


async def test_form_rights_are_checked_by_the_proposal_service() -> None:
    evaluation = await validator().validate(sent({"task": "balance"}, replace(ORIGIN, user="U0ANNA")))
    assert evaluation.work is not None
    forced = await validator().validate(sent({"task": "balance", "force": "yes", "reason": "fire"}))
    assert forced.work is not None, "Anna may not break the glass: the desk says so and it is noted"


async def test_form_without_role_is_refused_before_it_opens() -> None:
    REFUSALS.clear()
    stranger = replace(sent({"peer_id": "abc"}, replace(ORIGIN, user="U0EVE", kind="member remove")), user="U0EVE")
    evaluation = await validator().validate(stranger)
    assert evaluation.work is None
    assert evaluation.answer["response_action"] == "update"
    assert "You are not an operator" in str(evaluation.answer["view"])
    assert REFUSALS == [("U0EVE", "prod")]


async def test_unconfigured_cluster_is_refused_at_its_field() -> None:
    evaluation = await validator().validate(sent({"task": "balance"}, replace(ORIGIN, cluster="gone")))
    assert evaluation.answer["errors"] == {f"block of {CLUSTER}": 'There is no cluster "gone". Configured: prod.'}


@pytest.mark.parametrize(
    "changes",
    [{"callback": "cmbot_change:0"}, {"callback": ""}, {"sealed": ""}, {"sealed": "1.0.{}"}, {"blocks": {}}],
)
async def test_foreign_schema_is_refused(changes: Mapping[str, Any]) -> None:
    evaluation = await validator().validate(sent({"task": "balance"}, **changes))
    assert evaluation.work is None
    assert evaluation.answer["response_action"] == "update"
    assert "open a new one with /cm do" in str(evaluation.answer["view"])


async def test_a_choice_that_was_not_drawn_yet_is_not_sent() -> None:
    """The fields that were filled in belong to another kind than the one that is chosen now."""
    good = sent({"task": "balance"})
    held = {**good.view.values, KIND: "task enable"}
    evaluation = await validator().validate(replace(good, view=replace(good.view, values=held)))
    assert evaluation.work is None
    assert "still being redrawn" in str(evaluation.answer["errors"])


ANSWER = replace(ORIGIN, kind="ack", cluster="")


async def test_form_without_cluster_becomes_work() -> None:
    found = await validator().validate(sent({"id": "17", "take": "yes", "for": "2h"}, ANSWER))
    work = found.work
    assert work is not None
    assert (work.command, work.cluster, work.text) == ("ack", "", "ack 17 take for=2h")
    assert work.values == {"id": "17", "take": "take", "for": "2h"}
    assert "cmbot is doing this" in str(found.answer["view"]), "no cluster is checked"


async def test_silence_becomes_work_of_its_cluster() -> None:
    origin = replace(ORIGIN, kind="silence")
    found = await validator().validate(sent({"rule": "*", "from": "sat 22:00", "reason": "new rack"}, origin))
    assert found.work is not None
    assert found.work.text == 'silence * prod from="sat 22:00" reason="new rack"'
    redrawn = sent({"rule": "*"}, origin)
    held = {**redrawn.view.values, CLUSTER: "other"}
    found = await validator().validate(replace(redrawn, view=replace(redrawn.view, values=held)))
    assert "still being redrawn" in str(found.answer["errors"])


@pytest.mark.parametrize(
    ("kind", "values", "field", "words"),
    [
        ("ack", {"id": "x"}, "id", "Alert cannot be"),
        ("ack", {"id": "17", "for": "soon"}, "for", "For how long cannot be"),
        ("note", {"about": "soon", "text": "x"}, "about", "alert 17"),
        ("op reject", {"id": "12", "reason": "x" * 301}, "reason", "at most 300 characters"),
    ],
)
async def test_error_of_an_answer_is_shown_at_its_field(
    kind: str, values: dict[str, str], field: str, words: str
) -> None:
    found = await validator().validate(sent(values, replace(ANSWER, kind=kind)))
    assert found.work is None
    [(block, said)] = found.answer["errors"].items()
    assert (block, words in said) == (f"block of {FIELD}{field}", True)


@pytest.mark.parametrize(
    ("kind", "refused"), [("ack", True), ("op settle", True), ("op cancel", True), ("op reject", False)]
)
async def test_form_without_cluster_needs_the_role_of_its_command_somewhere(kind: str, refused: bool) -> None:
    """The policy of an operation decides who may reject it, so that form is open to all."""
    REFUSALS.clear()
    values = {"id": "12", "outcome": "done", "reason": "seen"}
    form = replace(sent(values, replace(ANSWER, kind=kind, user="U0EVE")), user="U0EVE")
    found = await validator().validate(form)
    assert (found.work is None) is refused
    assert bool(REFUSALS) is refused


@given(
    kind=st.sampled_from([kind.key for kind in FORMS]),
    values=st.dictionaries(
        st.sampled_from(
            [
                "task",
                "for",
                "peer_id",
                "host",
                "node",
                "as",
                "reason",
                "dry_run",
                "force",
                "dialect",
                "new",
                "id",
                "text",
            ]
        ),
        st.text(st.characters(exclude_categories=()), max_size=80),
    ),
)
async def test_form_accepts_any_input(kind: str, values: dict[str, str]) -> None:
    evaluation = await validator().validate(sent(values, replace(ORIGIN, kind=kind)))
    assert evaluation.answer["response_action"] in {"errors", "update"}
    assert DESK.proposed == []
