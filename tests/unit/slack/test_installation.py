"""Whose payloads are taken: those of our workspace or organisation, and of our app."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.identity import Identity
from bot.slack.installation import foreign
from bot.slack.strangers import is_stranger

ALONE = Identity("U0ME", "B0ME", "Local", frozenset(), "T0OURS")
ORGANISED = Identity("U0ME", "B0ME", "Local", frozenset(), "T0OURS", "E0OURS")
APP = "A0OURS"


def command(team: Any = "T0OURS", app: Any = APP, enterprise: Any = None) -> dict[str, Any]:
    """A slash command."""
    return {"command": "/cm", "team_id": team, "api_app_id": app, "enterprise_id": enterprise}


def click(team: Any = "T0OURS", app: Any = APP, enterprise: Any = None) -> dict[str, Any]:
    """A click on a message."""
    place = {"id": team} if team else None
    return {"type": "block_actions", "team": place, "api_app_id": app, "enterprise": {"id": enterprise}}


def form(team: Any = "T0OURS", app: Any = APP, enterprise: Any = None) -> dict[str, Any]:
    """A form that was sent, by a person of a workspace that the channel is shared with."""
    view = {"id": "V1", "app_installed_team_id": team}
    return {"type": "view_submission", "team": {"id": "T0GUEST"}, "view": view, "api_app_id": app} | (
        {"enterprise": {"id": enterprise}} if enterprise else {}
    )


def event(team: Any = "T0OURS", app: Any = APP, enterprise: Any = None) -> dict[str, Any]:
    """An event of a channel that is shared with another workspace."""
    installed = {"team_id": team, "enterprise_id": enterprise}
    return {"type": "event_callback", "team_id": "T0GUEST", "api_app_id": app, "authorizations": [installed]}


KINDS = [command, click, form, event]


@pytest.mark.parametrize("make", KINDS)
def test_payload_of_our_workspace_and_app_is_taken(make: Any) -> None:
    assert foreign(make(), ALONE, APP) == ""
    assert foreign(make(app="A0ANY"), ALONE, "") == ""


@pytest.mark.parametrize("make", KINDS)
def test_payload_of_another_app_is_refused(make: Any) -> None:
    assert foreign(make(app="A0OTHER"), ALONE, APP) == "another app"
    assert foreign(make(app=None), ALONE, APP) == "another app"


@pytest.mark.parametrize("make", KINDS)
def test_payload_of_another_workspace_is_refused(make: Any) -> None:
    for team in ("T0OTHER", "", None):
        assert foreign(make(team), ALONE, APP) == "another workspace"
    assert foreign(make("T0OTHER", enterprise="E0OTHER"), ORGANISED, APP) == "another workspace"
    assert foreign(make("T0OTHER", enterprise="E0OURS"), ALONE, APP) == "another workspace"


@pytest.mark.parametrize("make", KINDS)
def test_payload_of_our_organisation_is_taken(make: Any) -> None:
    assert foreign(make("T0SECOND", enterprise="E0OURS"), ORGANISED, APP) == ""


def test_unknown_workspace_takes_nothing() -> None:
    nameless = Identity("U0ME", "B0ME", "", frozenset(), "")
    for make in KINDS:
        assert foreign(make(""), nameless, "") == "another workspace"


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=9) | st.integers(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["team", "team_id", "id", "view", "authorizations", "enterprise_id"]), inner)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["team", "team_id", "view", "authorizations", "enterprise", "type"]), JSON))
def test_hostile_payload_is_refused_without_a_crash(body: dict[str, Any]) -> None:
    assert foreign(body, ALONE, "") == "another workspace"


@pytest.mark.parametrize(
    ("body", "me", "stranger"),
    [
        ({"user": {"id": "U1", "team_id": "T0OURS"}}, ALONE, False),
        ({"user": {"id": "U1"}}, ALONE, False),
        ({"command": "/cm", "user_id": "U1", "team_id": "T0OURS"}, ALONE, False),
        ({"user": {"id": "U1", "team_id": "T0OTHER"}}, ALONE, True),
        ({"user": {"id": "U1"}, "team": {"id": "T0OTHER"}}, ALONE, True),
        ({"user": {"id": "U1", "team_id": "T0SECOND"}, "enterprise": {"id": "E0OURS"}}, ORGANISED, False),
        ({"user": {"id": "U1", "team_id": "E0OURS"}}, ORGANISED, False),
        ({"user": {"id": "U1", "team_id": "T0OTHER"}, "enterprise": None}, ORGANISED, True),
        ({"user": {"id": "U1", "team_id": "T0OTHER", "enterprise_id": "E0OTHER"}}, ORGANISED, True),
    ],
)
def test_person_of_another_organisation_is_recognised(body: dict[str, Any], me: Identity, stranger: bool) -> None:
    assert is_stranger(body, me) is stranger
