"""Actions in views that are out of date: the view says so, and nothing else happens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from bot.chatops.forms.controller import Forms
from bot.chatops.forms.events import Acted, ViewState
from bot.chatops.forms.signing import Origin, sign
from bot.chatops.forms.view_versions import Shown, ViewVersions
from bot.common.errors import SlackError
from bot.config import AccessSettings, Members
from bot.permissions.access import Access
from bot.views.forms import CLUSTER, KIND
from bot.views.home import CHANGE, STATUS
from tests.support.in_memory_ports import FakeCluster

KEY = b"key"
VIEW = ViewState("V1", "h1", sealed=sign(Origin("U0EVE", "C1", "", "", ""), KEY))


@dataclass
class Screens:
    """Slack's modals; `error` is raised when one is opened."""

    error: SlackError | None = None
    shown: list[str] = field(default_factory=list)

    async def open_view(self, _trigger: str, view: Mapping[str, Any]) -> Shown:
        if self.error is not None:
            raise self.error
        self.shown.append(str(view))
        return Shown("V1", "h1")

    async def update_view(self, view_id: str, view: Mapping[str, Any], *, hash: str = "") -> Shown:  # noqa: A002 - Slack's word
        self.shown.append(str(view))
        return Shown(view_id, f"{hash}+")


@dataclass
class Refusals:
    """An audit log that records refused commands."""

    noted: list[tuple[str, str]] = field(default_factory=list)

    async def refused_command(self, work: Any, cluster: str, _why: str) -> None:
        self.noted.append((work.text, cluster))


async def no_members(_group: str) -> frozenset[str]:
    return frozenset()


def forms(screens: Screens, refusals: Refusals) -> Forms:
    other: Any = None
    return Forms(
        clusters={"prod": FakeCluster()},
        access=Access(AccessSettings(operators=Members(users=("U0ANNA",))), no_members),
        policies=other,
        remembered=other,
        views=screens,
        screens=ViewVersions(screens),
        responder=other,
        direct=other,
        audit=cast("Any", refusals),
        home=other,
        key=KEY,
    )


def acted(action: str, value: str, user: str = "U0EVE") -> Acted:
    return Acted("T1", user, action, value, VIEW)


async def test_status_of_a_removed_cluster_says_so() -> None:
    screens = Screens()
    await forms(screens, Refusals()).acted(acted(STATUS, "gone"))
    assert "That cluster is no longer configured. Open this tab again." in screens.shown[-1]


async def test_unknown_action_is_ignored_and_logged() -> None:
    screens = Screens()
    with capture_logs() as logs:
        await forms(screens, Refusals()).acted(acted("a_later_release", ""))
    assert [line["event"] for line in logs] == ["form.passed_over"]
    assert screens.shown == []


@pytest.mark.parametrize(("action", "value", "cluster"), [(KIND, "task disable", ""), (CLUSTER, "prod", "prod")])
async def test_choice_without_the_role_is_refused_in_the_form(action: str, value: str, cluster: str) -> None:
    screens, refusals = Screens(), Refusals()
    await forms(screens, refusals).acted(acted(action, value))
    assert "operators" in screens.shown[-1]
    assert refusals.noted == [(f"do ({action})", cluster)]


async def test_form_of_a_removed_cluster_needs_the_role_anywhere() -> None:
    screens, refusals = Screens(), Refusals()
    await forms(screens, refusals).acted(acted(CHANGE, "gone"))
    assert "to `access.operators` in its settings" in screens.shown[-1]
    assert [text for text, _ in refusals.noted] == [f"do ({CHANGE})"]


async def test_form_that_slack_does_not_open_is_no_refusal() -> None:
    screens = Screens(SlackError("Slack refused views.open: expired_trigger_id.", code="expired_trigger_id"))
    refusals = Refusals()
    with capture_logs() as logs:
        await forms(screens, refusals).acted(acted(CHANGE, "prod", "U0ANNA"))
    assert "expired_trigger_id" in logs[-1]["error"]
    assert (screens.shown, refusals.noted) == ([], [])
