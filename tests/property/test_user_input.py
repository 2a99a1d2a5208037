"""Any typed text, click or form: an answer or a refusal, in steps linear in the text."""

import contextlib
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.alerting.model import Alert, AlertState, LegacyDetail, Severity
from bot.chatops.button_router import ButtonRouter
from bot.chatops.commands.parser import addressed, is_changing, parse
from bot.chatops.commands.registry import COMMANDS
from bot.chatops.commands.tokenizer import MAX_TEXT
from bot.chatops.forms.fields import FORMS, as_typed, values_of
from bot.common.errors import NotFound, UserError
from bot.interactions.events import Click, RunCommand
from bot.slack.payloads import read
from bot.views.alert_actions import ACTIONS
from bot.views.forms import FIELD
from tests.support.in_memory_ports import FakeAlerts, FakeAudit, FakeCluster, typed
from tests.support.view_samples import healthy

CLUSTERS = ("prod", "prod-eu")
HIDDEN = "\u200b \u202e \u2066 \ufeff \u00ad \u3000 \u2028 \u2800"
SIGNS = "= \uff1d # \uff03 \u2014 \u2013 -- * \uff0a . \u3002 : / , ; < > & |"
QUOTES = "\" ' \u201c \u201d \u300c \u300d \u00ab \uff02 \\"
WORDS = " ".join(" ".join(command.path) for command in COMMANDS if command.path)
VALUES = "prod prod-eu nope 0 3 4 \uff11\uff17 -1 99999999999999999999 2h30m 1w 0m balance peer_down broken yes done"
KEYS = "reason= for= since= subject= status= host= idc= dry-run=yes force=yes cluster=prod limit= state= user= as="
PIECES = st.sampled_from(
    [*WORDS.split(), *VALUES.split(), *KEYS.split(), *SIGNS.split(), *QUOTES.split(), *HIDDEN.split(" ")]
)
ANY = st.text(st.characters(exclude_categories=()), max_size=30)
TEXTS = st.one_of(
    ANY,
    st.lists(st.one_of(PIECES, ANY), max_size=12).map(" ".join),
    st.lists(PIECES, max_size=20).map("".join),
    st.tuples(st.sampled_from([" ".join(command.path) for command in COMMANDS]), st.lists(PIECES, max_size=6)).map(
        lambda parts: " ".join((parts[0], *parts[1]))
    ),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), ANY),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(ANY, inner, max_size=4)),
    max_leaves=12,
)
OPEN = Alert(
    "prod", "disk_broken", "", AlertState.FIRING, Severity.WARNING, LegacyDetail("1 disk of prod is broken."), 0.0, id=7
)


@given(TEXTS)
async def test_any_typed_text_is_answered_or_refused(text: str) -> None:
    cluster, other = FakeCluster("prod", seen=(healthy(),)), FakeCluster("prod-eu", seen=(healthy(),))
    with contextlib.suppress(UserError, NotFound):
        replies = await typed(text, cluster, other, alerts=FakeAlerts((OPEN,)), audit=FakeAudit())
        assert all(reply.message.text for reply in replies)


@given(TEXTS)
def test_the_command_meant_is_the_command_parsed(text: str) -> None:
    meant, where = addressed(text, COMMANDS, clusters=CLUSTERS, default_cluster="prod")
    with contextlib.suppress(UserError):
        parsed = parse(text, COMMANDS, clusters=CLUSTERS, default_cluster="prod")
        assert (meant, where) == (parsed.command, parsed.cluster or "")
        assert is_changing(text) == parsed.command.changes


class Attention:
    """One open alert."""

    async def alert(self, alert_id: int) -> Alert:
        if alert_id != OPEN.id:
            raise UserError(f"There is no alert #{alert_id}.")
        return OPEN

    async def acknowledge(self, alert_id: int, by: str, *, take: bool = False, seen: str | None = None) -> Alert:
        assert by
        assert take == (seen is not None)
        return await self.alert(alert_id)

    async def give_back(self, alert_id: int, by: str, *, seen: str | None = None) -> Alert:
        assert by
        assert seen is not None
        return await self.alert(alert_id)


class Rights:
    """Refuses everybody who is not Anna."""

    async def require(self, user: str, role: str, cluster: str = "") -> None:
        assert cluster == OPEN.cluster
        await self.require_somewhere(user, role)

    async def require_somewhere(self, user: str, role: str) -> None:
        if user != "U0ANNA":
            raise UserError(f"You are no {role}.")


@given(
    action=st.sampled_from([each for each in sorted(ACTIONS) if "silence" not in each]),
    value=st.one_of(ANY, JSON.map(json.dumps), st.just("[" * 3000), st.just('{"alert": 7}')),
    user=st.sampled_from(["U0ANNA", "U0EVE"]),
)
async def test_any_value_of_a_button_is_acted_on_or_refused(action: str, value: str, user: str) -> None:
    clicks: Any = ButtonRouter
    click = Click("1.2", user, "C1", action, value, "1.5", "https://answer")
    with contextlib.suppress(UserError):
        done = await clicks(None, Attention(), Rights()).decide(click)
        assert done is None or isinstance(done, RunCommand)
    assert 0 <= click.number("op") < 1 << 53


@given(
    kind=st.sampled_from(FORMS),
    held=st.dictionaries(st.sampled_from(["task", "peer_id", "host", "reason", "for", "id", "about", "text"]), ANY),
)
def test_any_form_is_values_that_a_command_takes_or_refuses(kind: Any, held: Mapping[str, str]) -> None:
    values = values_of(kind, {f"{FIELD}{name}": value for name, value in held.items()})
    assert set(values) <= set(kind.command.args.typed())
    assert values.get("reason", "") in {"", held.get("reason", "").strip()}
    with contextlib.suppress(UserError):
        parsed = parse(
            as_typed(kind, "prod" if kind.of_cluster else "", values), COMMANDS, clusters=CLUSTERS, default_cluster=None
        )
        assert parsed.command == kind.command


@given(kind=st.sampled_from(["block_actions", "view_submission", "event_callback", "", "x"]), body=JSON, more=JSON)
def test_any_payload_is_read_as_something(kind: str, body: Any, more: Any) -> None:
    parts = ("view", "actions", "user", "container", "event", "channel", "trigger_id", "text")
    for shape in (
        {"type": kind, **dict.fromkeys(parts, body)},
        {"type": kind, "view": {"state": body}, "actions": [more]},
    ):
        assert read(shape) is not None


def _steps(work: Callable[[str], object], text: str) -> int:
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        with contextlib.suppress(UserError):
            work(text[:MAX_TEXT])
    finally:
        sys.setprofile(before)
    return steps


@given(
    st.sampled_from(
        [
            "\u200b",
            "\uff1d",
            "\u300c",
            "\u2014",
            "a\u3000",
            "reason=\u201ca ",
            "\u3002",
            "-",
            "--a=",
            "\u202e",
            '"\u3002',
        ]
    )
)
def test_parsing_steps_grow_linearly_with_the_text(piece: str) -> None:
    def work(text: str) -> object:
        return parse(text, COMMANDS, clusters=CLUSTERS, default_cluster="prod")

    head = "task disable balance reason="
    work(head + "x")
    few, many = (_steps(work, head + piece * times) for times in (150, 600))
    assert many < 8 * few + 4000
