"""Rights come before arguments, and a cluster may have roles that replace those of all clusters."""

import pytest

from bot.audit.chain import AuditEntry
from bot.chatops.commands.registry import COMMANDS
from bot.chatops.commands.usage import SLASH
from bot.chatops.dispatcher import Dispatcher
from bot.config import AccessSettings, Members
from bot.interactions.events import Submission
from bot.permissions.access import Access
from bot.store.database import Store
from bot.views.access_text import standing_text
from tests.component.chatops.test_audit_log import dispatcher, noted, typed
from tests.support.databases import Clock
from tests.support.in_memory_ports import no_members
from tests.support.slack_recorder import SlackRecorder

OWN = {"lab": AccessSettings(operators=Members(users=("U0LARS",)), admins=Members(users=("U0LARS",)))}


def of_two(store: Store, clock: Clock, slack: SlackRecorder) -> Dispatcher:
    """Anna operates prod, Lars the lab; in the lab Anna holds no role."""
    return dispatcher(store, clock, slack, own=OWN)


@pytest.mark.parametrize(
    "text",
    [
        "member remove banana prod",
        "member remove",
        "member add 4 http://x prod",
        "task disable no-such-task",
        'task disable balance reason="never closed',
        "task disable balance colour=red",
        "task disable balance nowhere",
        "op cancel banana",
        "op settle 1 maybe",
        "ack",
        "silence nothing for=never",
        "audit since=yesterday",
        "do nonsense",
        "do a b c d",
        "leader transfer 0",
    ],
)
async def test_wrong_arguments_without_the_right_are_refused_and_noted(store: Store, clock: Clock, text: str) -> None:
    slack = SlackRecorder()
    await dispatcher(store, clock, slack).execute(typed(text, "U0MALLORY"))
    [row] = await noted(store)
    assert (row.actor, row.action, row.details["text"]) == ("U0MALLORY", "refused.command", f"{SLASH} {text}")
    assert len(slack.said) == 1
    expected = "The settings name no one under `access.admins`" if text.startswith("op settle") else "You are not an "
    assert expected in slack.said[0]


async def test_wrong_arguments_with_the_right_are_explained(store: Store, clock: Clock) -> None:
    slack = SlackRecorder()
    await dispatcher(store, clock, slack).execute(typed("member remove banana prod", "U0ANNA"))
    assert "whole number in plain digits" in slack.said[0]
    assert await noted(store) == []


async def test_submitted_form_without_role_is_refused_before_validation(store: Store, clock: Clock) -> None:
    form = Submission("form:1", "U0MALLORY", "C0OPS", "", "V1", "member remove", "prod", {"colour": "red"}, "member")
    slack = SlackRecorder()
    await dispatcher(store, clock, slack).execute(form)
    [row] = await noted(store)
    assert (row.actor, row.action, row.cluster) == ("U0MALLORY", "refused.command", "prod")
    [view] = slack.shown
    assert "You are not an operator" in str(view)


@pytest.mark.parametrize(
    ("user", "cluster", "may"),
    [("U0ANNA", "prod", True), ("U0ANNA", "lab", False), ("U0LARS", "lab", True), ("U0LARS", "prod", False)],
)
async def test_own_roles_of_a_cluster_replace_the_global_ones(
    store: Store, clock: Clock, user: str, cluster: str, may: bool
) -> None:
    slack = SlackRecorder()
    await of_two(store, clock, slack).execute(typed(f"task disable balance {cluster}", user))
    rows = await noted(store)
    if may:
        assert (slack.said, rows) == (["see the card"], [])
    else:
        assert [(row.actor, row.action, row.cluster) for row in rows] == [(user, "refused.command", cluster)]
        place = "clusters.lab.access.operators" if cluster == "lab" else "access.operators"
        assert f"`{place}`" in slack.said[0]


async def test_break_glass_is_refused_before_its_arguments(store: Store, clock: Clock) -> None:
    slack = SlackRecorder()
    await dispatcher(store, clock, slack).execute(typed("member remove banana prod force=yes", "U0ANNA"))
    assert [row.action for row in await noted(store)] == ["refused.command"]


@pytest.mark.parametrize(
    ("user", "text", "seen"),
    [
        ("U0ANNA", "audit", ["other", "", "prod"]),
        ("U0LARS", "audit", ["lab"]),
        ("U0ANNA", "audit cluster=prod", ["prod"]),
        ("U0LARS", "audit cluster=lab", ["lab"]),
        ("U0LARS", "audit cluster=prod", []),
        ("U0ANNA", "audit cluster=lab", []),
        ("U0LARS", "audit cluster=other", []),
    ],
)
async def test_the_audit_log_shows_rows_of_operated_clusters_only(
    store: Store, clock: Clock, user: str, text: str, seen: list[str]
) -> None:
    async with store.begin() as uow:
        for cluster in ("prod", "lab", "", "other"):
            await uow.audit.append(AuditEntry(clock(), "U0EVE", "operation.proposed", cluster))
    slack = SlackRecorder()
    await of_two(store, clock, slack).execute(typed(text, user))
    if slack.files:
        content = slack.files[0][1].decode()
        lines = content.splitlines()[1:]
        assert sorted(line.split('","')[4] for line in lines) == sorted(seen)
        assert slack.said[0].startswith(f"The audit log has {len(seen)} row")
    else:
        assert seen == []


async def test_whoami_names_the_clusters_with_own_roles() -> None:
    two = Access(AccessSettings(operators=Members(users=("U0ANNA",))), no_members, (), {**OWN, "lab2": OWN["lab"]})
    anna = " ".join(standing_text(await two.standing("U0ANNA")))
    assert "On lab and lab2 you hold no role" in anna
    lars = " ".join(standing_text(await two.standing("U0LARS")))
    assert "On lab and lab2 you are *operator* and *admin*" in lars
    assert "except `/cm audit`" not in lars


async def test_every_changing_command_has_a_role() -> None:
    """But for a rejection: the policy of its operation says who may reject it."""
    assert [each.path for each in COMMANDS if each.changes and each.role == "viewer"] == [("op", "reject")]
