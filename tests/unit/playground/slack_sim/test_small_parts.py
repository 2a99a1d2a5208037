"""The small parts: escaping, passes, faults, inputs, the doors, timestamps, waiting, violations."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.slack_sim.blockkit import check_blocks
from bot.playground.slack_sim.errors import ActRefused
from bot.playground.slack_sim.faults import FaultRefused, Faults
from bot.playground.slack_sim.inputs import chosen, escape_typed, form_state, initial, with_choice, wrong_in
from bot.playground.slack_sim.message import Message
from bot.playground.slack_sim.server import refusal
from bot.playground.slack_sim.team import DEMO_TEAM
from bot.playground.slack_sim.workspace import Grants, Workspace


@dataclass
class Clock:
    """Unix seconds that stand still until they are moved."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("stat prod", "stat prod"),
        ("@bob", "<@U0BOB|bob>"),
        ("ask @bob, please", "ask <@U0BOB|bob>, please"),
        ("@oncall", "<!subteam^S0ONCALL|@oncall>"),
        ("@unknown", "@unknown"),
        ("@channel", "<!channel>"),
        ("#storage", "<#C0STORAGE|storage>"),
        ("#nowhere", "#nowhere"),
        ("http://10.0.0.1:9998", "<http://10.0.0.1:9998>"),
        ("http://x/?a=1&b=2", "<http://x/?a=1&amp;b=2>"),
        ("node1.example.com:9998", "<http://node1.example.com:9998|node1.example.com:9998>"),
        ("10.0.0.1:9998", "10.0.0.1:9998"),
        ("a@example.com", "<mailto:a@example.com|a@example.com>"),
        ("1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2"),
        ("<!channel>", "&lt;!channel&gt;"),
    ],
)
def test_typed_text_arrives_escaped_like_in_slack(typed: str, sent: str) -> None:
    assert escape_typed(typed, DEMO_TEAM) == sent


def test_a_trigger_opens_one_modal_within_three_seconds() -> None:
    clock = Clock()
    grants = Grants(clock)
    first, late = grants.new_trigger("U1"), grants.new_trigger("U1")
    clock.now += 3.0
    assert grants.use_trigger(first) == ("U1", "")
    assert grants.use_trigger(first) == ("", "exchanged_trigger_id")
    clock.now += 0.1
    assert grants.use_trigger(late) == ("", "expired_trigger_id")
    assert grants.use_trigger("1.2.3") == ("", "invalid_trigger_id")


def test_response_url_allows_five_uses_in_thirty_minutes() -> None:
    clock = Clock()
    grants = Grants(clock)
    key, late = grants.new_response_url("C", "U"), grants.new_response_url("C", "U")
    assert [grants.use_response_url(key)[1] for _ in range(6)] == [""] * 5 + ["used_url"]
    clock.now += 1800.1
    assert grants.use_response_url(late) == (None, "expired_url")
    assert grants.use_response_url("x") == (None, "invalid_url")


def test_a_fault_is_used_up_and_meets_its_method_only() -> None:
    faults = Faults()
    faults.inject("ratelimited", method="chat.postMessage", count=2)
    assert faults.take(("ratelimited",), "chat.update") is None
    assert [faults.take(("ratelimited",), "chat.postMessage") is not None for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    "wrong", [{"kind": "explode"}, {"kind": "delay", "count": 0}, {"kind": "delay", "seconds": -1.0}]
)
def test_a_fault_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(FaultRefused):
        Faults().inject(**wrong)  # type: ignore[arg-type] # wrong on purpose


OPTIONS = [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("a", "b")]


def test_element_returns_its_choice() -> None:
    assert chosen({"type": "static_select", "options": OPTIONS}, "b")["selected_option"] == OPTIONS[1]
    assert chosen({"type": "checkboxes", "options": OPTIONS}, ["a", "b"])["selected_options"] == OPTIONS
    assert chosen({"type": "datepicker"}, "2026-01-02") == {"type": "datepicker", "selected_date": "2026-01-02"}
    assert initial({"type": "static_select", "initial_option": OPTIONS[0]}) == "a"
    assert initial({"type": "checkboxes", "initial_options": OPTIONS}) == ["a", "b"]
    with pytest.raises(ActRefused):
        chosen({"type": "static_select", "options": OPTIONS}, "c")


def test_form_names_missing_fields() -> None:
    needed = {"type": "input", "block_id": "b", "element": {"type": "plain_text_input", "action_id": "a"}}
    blocks = (needed, {**needed, "block_id": "c", "optional": True})
    assert wrong_in(blocks, form_state(blocks, {})) == {"b": "Please complete this required field."}
    assert wrong_in(blocks, form_state(blocks, {"a": "x"})) == {}
    with pytest.raises(ActRefused):
        form_state(blocks, {"typo": "x"})
    element = {"type": "plain_text_input", "action_id": "a", "max_length": 2, "min_length": 2}
    short = ({**needed, "element": element},)
    assert wrong_in(short, form_state(short, {"a": "xx"})) == {}
    assert wrong_in(short, form_state(short, {"a": "xxx"})) == {"b": "This value must be at most 2 characters."}
    assert wrong_in(short, form_state(short, {"a": "x"})) == {"b": "This value must be at least 2 characters."}


def test_an_initial_option_must_be_one_of_those_offered() -> None:
    """Field by field, as Slack compares them; grouped options count as well."""
    option = {"text": {"type": "plain_text", "text": "a"}, "value": "a"}
    other = {**option, "value": "b"}
    menu = {"type": "static_select", "action_id": "m", "initial_option": option}
    for offered, right in (
        ({"options": [option]}, True),
        ({"options": [other]}, False),
        ({"option_groups": [{"label": option["text"], "options": [option]}]}, True),
        ({"option_groups": [{"label": option["text"], "options": [other]}]}, False),
    ):
        problems = check_blocks([{"type": "actions", "elements": [{**menu, **offered}]}])
        assert (problems == []) == right


def test_choice_in_a_view_is_part_of_its_state() -> None:
    acted = {
        "type": "static_select",
        "block_id": "b",
        "action_id": "m",
        "selected_option": {"value": "x"},
        "action_ts": "1",
    }
    state = with_choice({"c": {"n": {"type": "plain_text_input", "value": "kept"}}}, acted)
    assert state["b"] == {"m": {"type": "static_select", "selected_option": {"value": "x"}}}
    assert state["c"]["n"]["value"] == "kept"
    assert with_choice({}, {"type": "button", "block_id": "b", "action_id": "a"}) == {}


OURS = {"X-Playground": "1", "Origin": "http://127.0.0.1:8"}


@pytest.mark.parametrize(
    ("host", "path", "method", "headers", "why"),
    [
        ("127.0.0.1:8", "/play/post", "POST", OURS, ""),
        ("127.0.0.1:8", "/play/post", "POST", {"X-Playground": "1"}, ""),
        ("evil.example", "/", "GET", {}, "wrong_host"),
        ("evil.example:8", "/api/chat.postMessage", "POST", {}, "wrong_host"),
        ("", "/", "GET", {}, "wrong_host"),
        ("127.0.0.1:8", "/play/post", "POST", {}, "cross_site"),
        ("127.0.0.1:8", "/control/faults", "DELETE", {}, "cross_site"),
        ("127.0.0.1:8", "/play/post", "POST", OURS | {"Origin": "http://evil.example"}, "cross_site"),
        ("127.0.0.1:8", "/play/post", "POST", OURS | {"Origin": "null"}, "cross_site"),
        ("127.0.0.1:8", "/play/state", "GET", {"Sec-Fetch-Site": "cross-site"}, "cross_site"),
        ("127.0.0.1:8", "/play/state", "GET", {}, ""),
        ("localhost:8", "/api/auth.test", "POST", {}, ""),
    ],
)
def test_only_our_own_page_gets_in(host: str, path: str, method: str, headers: dict[str, str], why: str) -> None:
    assert refusal(host, path, method, headers) == why


@given(st.lists(st.floats(0, 2_000_000_000), min_size=1, max_size=50))
def test_timestamps_are_unique_and_grow_with_any_clock(times: list[float]) -> None:
    clock = Clock()
    workspace = Workspace(DEMO_TEAM, clock)
    stamps = []
    for clock.now in times:
        stamps.append(workspace.new_ts())
    assert stamps == sorted(set(stamps), key=float)


async def test_wait_ends_with_its_condition() -> None:
    workspace = Workspace(DEMO_TEAM, Clock())
    waiting = asyncio.create_task(workspace.wait_for_message("storage", lambda m: m.text == "two"))
    await asyncio.sleep(0)
    workspace.add(Message("C0STORAGE", "", "U0BOB", "one"))
    workspace.add(Message("C0STORAGE", "", "U0BOB", "two"))
    assert (await waiting).text == "two"
    assert not workspace.observers
    with pytest.raises(TimeoutError):
        await workspace.wait_for_message("storage", lambda m: m.text == "three", timeout=0.01)


def test_violations_fail_a_test_unless_they_are_allowed() -> None:
    workspace = Workspace(DEMO_TEAM, Clock())
    workspace.violate("not_in_channel", "#random", "chat.postMessage")
    workspace.assert_no_violations()
    with pytest.raises(AssertionError, match="not_in_channel"):
        workspace.assert_no_violations(allow=())
    workspace.violate("invalid_blocks", "too many", "chat.postMessage")
    with pytest.raises(AssertionError, match="invalid_blocks"):
        workspace.assert_no_violations()
    workspace.assert_no_violations(allow=("error", "invalid_blocks"))


def test_ephemeral_message_is_seen_by_one_user() -> None:
    workspace = Workspace(DEMO_TEAM, Clock())
    workspace.add(Message("C0STORAGE", "", "U0CMBOT", "for bob", only_for="U0BOB"))
    assert [m.text for m in workspace.visible("C0STORAGE", "U0BOB")] == ["for bob"]
    assert workspace.visible("C0STORAGE", "U0ALICE") == []
    direct = workspace.open_im("U0BOB")
    workspace.add(Message(direct.id, "", "U0CMBOT", "psst"))
    assert workspace.visible(direct.id, "U0ALICE") == []
    assert [m.text for m in workspace.visible(direct.id, "U0BOB")] == ["psst"]
