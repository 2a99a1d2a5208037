"""No view breaks a limit of Slack in any state: zero, huge, hostile, right-to-left, Chinese, 500 disks, 9 peers."""

import json
import re
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.interactions.message import Message
from bot.playground.slack_sim.blockkit import HOME, MESSAGE, check_blocks, check_view
from bot.views.plain_forms import forms
from tests.support.budget import examples
from tests.support.view_calls import State, ViewCall, view_calls

TEXTS = (
    "<!channel> *bold* `code` ```fence``` & <https://evil.example|click> <@U0EVIL> :boom:\n• forged line",
    "tab\there \x00\x07\x1b[31m\x7f\x85\u2028\ufeff",
    "\u202e\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED}\u202c \u2067\N{ARABIC LETTER MEEM}\N{ARABIC LETTER DAD}\u2069",
    "主机名非常长的磁盘路径" * 400,
    "x" * 20_000,
    "&<>" * 3_000,
    "👩‍👩‍👧‍👦🇩🇪" * 300,
    " ",
    "",
)
NUMBERS = (0, 1, 2**31, 2**63 - 1)
LENGTHS = (0, 1, 9, 500)
STATES = st.builds(
    State,
    st.sampled_from([None, *TEXTS]),
    st.sampled_from([None, *NUMBERS]),
    st.sampled_from([None, *LENGTHS]),
)
CALLS = view_calls()
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u202a-\u202e\u2066-\u2069]")


def words(value: Any) -> str:
    """Every text in a message or a view, one a line."""
    if isinstance(value, Mapping):
        return "\n".join(words(held) for held in value.values())
    return "\n".join(map(words, value)) if isinstance(value, list | tuple) else value if isinstance(value, str) else ""


def problems(call: ViewCall, shown: Any) -> list[str]:
    """What Slack would refuse, and what a person must not see."""
    if shown is None:
        return []
    if isinstance(shown, Message):
        found = [] if 0 < len(shown.text) <= 3000 else [f"a text of {len(shown.text)} characters"]
        for form in forms(shown):
            found += check_blocks(list(form.blocks)) if form.blocks else []
    elif isinstance(shown, Mapping) and shown.get("type") in {"modal", "home"}:
        found = check_view(shown)
    else:
        blocks = [shown] if isinstance(shown, Mapping) else list(shown)
        found = check_blocks(blocks, HOME if call.name.startswith("home") else MESSAGE)
    said = words(shown.to_json() if isinstance(shown, Message) else shown)
    found += [f"{each!r} is left" for each in set(HIDDEN.findall(said))]
    found += [f"{each} is left" for each in ("<!channel>", "<https://evil", "<@U0EVIL>", "\n• forged") if each in said]
    json.dumps(shown.to_json() if isinstance(shown, Message) else shown, allow_nan=False)
    return found


def test_every_view_has_samples() -> None:
    assert len(CALLS) > 60


@settings(deadline=None, max_examples=examples(15))
@given(st.data())
def test_no_view_breaks_a_limit(data: st.DataObject) -> None:
    """Each example draws one sample and one state for every view."""
    wrong = {}
    state = data.draw(STATES)
    for name, calls in CALLS.items():
        call = data.draw(st.sampled_from(calls), label=name)
        if found := problems(call, call.render(state)):
            wrong[name] = found[:3]
    assert wrong == {}
