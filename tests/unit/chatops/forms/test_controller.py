"""Actions in views that are out of date: the view says so, and nothing else happens."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.model import Alert
from bot.chatops.forms.controller import Forms
from bot.chatops.forms.events import ViewAction, ViewState
from bot.chatops.forms.signing import Origin, sign, verify
from bot.chatops.forms.stored_choices import StoredChoices
from bot.chatops.forms.view_versions import ViewVersions
from bot.common.json_object import JsonObject
from bot.config import AccessSettings, Members
from bot.interactions.command import Caller
from bot.operations.policy import Policy
from bot.permissions.access import Access
from bot.playground.slack_sim.blockkit import check_view
from bot.views.forms import CLUSTER, GIVEN_LOST, KIND
from bot.views.home import CHANGE, STATUS
from tests.support.in_memory_ports import FakeAlerts, FakeCluster, FakeDesk
from tests.support.slack_recorder import SlackRecorder

KEY = b"key"
VIEW = ViewState("V1", "h1", sealed=sign(Origin("U0EVE", "C1", "", "", ""), KEY))


async def no_members(_group: str) -> frozenset[str]:
    return frozenset()


@dataclass
class Refusals:
    """An audit log that records refused commands."""

    noted: list[tuple[str, str]] = field(default_factory=list)

    async def refused_command(self, work: Any, cluster: str, _why: str) -> None:
        self.noted.append((work.text, cluster))


def forms(slack: SlackRecorder, refusals: Refusals) -> Forms:
    other: Any = None
    return Forms(
        clusters={"prod": FakeCluster()},
        access=Access(AccessSettings(operators=Members(users=("U0ANNA",))), no_members),
        policies=other,
        remembered=other,
        slack=slack,
        screens=ViewVersions(slack),
        record_refusal=refusals.refused_command,
        home=other,
        stored=other,
        key=KEY,
    )


def acted(action: str, value: str, user: str = "U0EVE") -> ViewAction:
    return ViewAction("T1", user, action, value, VIEW)


async def test_status_of_a_removed_cluster_says_so() -> None:
    slack = SlackRecorder()
    await forms(slack, Refusals()).acted(acted(STATUS, "gone"))
    assert "That cluster is no longer configured. Open this tab again." in str(slack.shown[-1])


async def test_unknown_action_is_ignored_and_logged() -> None:
    slack = SlackRecorder()
    with capture_logs() as logs:
        await forms(slack, Refusals()).acted(acted("a_later_release", ""))
    assert [line["event"] for line in logs] == ["form.passed_over"]
    assert slack.shown == []


@pytest.mark.parametrize(("action", "value", "cluster"), [(KIND, "task disable", ""), (CLUSTER, "prod", "prod")])
async def test_choice_without_the_role_is_refused_in_the_form(action: str, value: str, cluster: str) -> None:
    slack, refusals = SlackRecorder(hash=VIEW.hash), Refusals()
    await forms(slack, refusals).acted(acted(action, value))
    assert "operators" in str(slack.shown[-1])
    assert refusals.noted == [(f"do ({action})", cluster)]


async def test_form_of_a_removed_cluster_needs_the_role_anywhere() -> None:
    slack, refusals = SlackRecorder(), Refusals()
    await forms(slack, refusals).acted(acted(CHANGE, "gone"))
    assert "to `access.operators` in its settings" in str(slack.shown[-1])
    assert [text for text, _ in refusals.noted] == [f"do ({CHANGE})"]


async def test_form_that_slack_does_not_open_is_no_refusal() -> None:
    slack, refusals = SlackRecorder(refuses="expired_trigger_id"), Refusals()
    with capture_logs() as logs:
        await forms(slack, refusals).acted(acted(CHANGE, "prod", "U0ANNA"))
    assert "expired_trigger_id" in logs[-1]["error"]
    assert (slack.shown, refusals.noted) == ([], [])


async def asking_for_a_cluster(kind: str, given: Mapping[str, str]) -> JsonObject:
    """Open the form of a command that lacks its cluster, and return its view."""
    slack, other = SlackRecorder(), forms(SlackRecorder(), Refusals())
    held = replace(other, slack=slack, screens=ViewVersions(slack), remembered=lambda _: ClusterNote())
    await held.open(Caller("U0ANNA", "C1", "T1", answer_to="https://hooks.slack.com/1"), kind, "", given)
    view = slack.shown[-1]
    assert check_view(view) == []
    return view


@pytest.mark.parametrize("char", ["x", "盘", "\N{OPTICAL DISC}"])
async def test_long_text_is_kept_until_the_cluster_is_chosen(char: str) -> None:
    """Cut to what its field takes, as where the cluster is known."""
    view = await asking_for_a_cluster("silence", {"reason": char * 3000, "rule": "disk_broken", "other": "y" * 3000})
    given = verify(view["private_metadata"], KEY, "U0ANNA").given
    assert given["rule"] == "disk_broken"
    assert given["reason"].startswith(char * 250)
    assert len(given["reason"]) <= 300
    assert GIVEN_LOST not in str(view)


async def test_text_that_cannot_be_kept_until_the_cluster_is_chosen_is_said_to_be_lost() -> None:
    view = await asking_for_a_cluster("member add", dict.fromkeys(("host", "node", "reason"), "\x01" * 300))
    assert not verify(view["private_metadata"], KEY, "U0ANNA").given
    assert GIVEN_LOST in str(view)


@pytest.mark.parametrize("kind", ["", "task disable", "silence"])
async def test_form_says_that_no_cluster_is_operated(kind: str) -> None:
    """Every cluster names its own operators, and this person is an operator of all others."""
    slack, other = SlackRecorder(), forms(SlackRecorder(), Refusals())
    access = replace(other.access, own={"prod": AccessSettings(operators=Members(users=("U0BEN",)))})
    held = replace(other, slack=slack, screens=ViewVersions(slack), access=access)
    await held.open(Caller("U0ANNA", "C1", "T1"), kind, "")
    view = slack.shown[-1]
    assert "You operate none of the configured clusters" in str(view)
    assert check_view(view) == []
    assert "submit" not in view


class SlowBook(FakeAlerts):
    """A database that does not answer; `asked` is set when it is read."""

    asked: asyncio.Event

    async def open(self, cluster: str | None = None) -> tuple[Alert, ...]:  # noqa: ARG002 - the port's
        self.asked.set()
        await asyncio.Event().wait()
        return ()


async def test_form_opens_before_the_database_answers() -> None:
    """Slack gives three seconds to open a form, and a slow database takes longer."""
    slack, other = SlackRecorder(), forms(SlackRecorder(), Refusals())
    book = SlowBook()
    book.asked = asyncio.Event()
    stored = StoredChoices(book, FakeDesk(), other.access, lambda *_: Policy(), lambda: 0.0, ("prod",))
    held = replace(other, slack=slack, screens=ViewVersions(slack), remembered=lambda _: ClusterNote(), stored=stored)
    opening = asyncio.create_task(held.open(Caller("U0ANNA", "C1", "T1"), "ack", ""))
    await book.asked.wait()
    assert "Reading what is open" in str(slack.shown[-1])
    assert not opening.done()
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
