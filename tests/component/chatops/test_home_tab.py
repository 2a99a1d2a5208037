"""The Home tab over a database: content for each role, repeated events, outages of the database and of Slack."""

import json
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from structlog.testing import capture_logs

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.model import Alert, AlertState, EngineNotes, LegacyDetail, Severity
from bot.chatops.forms.events import HomeOpened
from bot.chatops.home import HomeTab
from bot.chatops.inbox import Inbox
from bot.common.message_key import MessageKey
from bot.config import AccessSettings, Members
from bot.delivery.worker import Outbox
from bot.interactions.message import Message
from bot.operations.model import Operation, OpState
from bot.operations.policy import POLICIES, Policy
from bot.operations.requests import MemberRemove, Request, TaskSwitch
from bot.permissions.access import Access
from bot.store.database import Store
from bot.views.alert_text.table import alert_text
from bot.views.home import CHANGE, STORE_DOWN
from bot.watch.alert_actions import AlertActions
from bot.workflow.repository import OperationRepository
from tests.support.databases import Clock
from tests.support.in_memory_ports import no_members
from tests.support.scripted_slack import FakeSlack
from tests.support.slack_recorder import SlackRecorder

ACCESS = AccessSettings(
    operators=Members(users=("U0ANNA",)), approvers=Members(users=("U0ANNA",)), admins=Members(users=("U0ADMIN",))
)


def policies(_cluster: str, _keys: Sequence[str], _forced: bool) -> Policy:
    return POLICIES["member_remove"]


def tab(store: Store, clock: Clock, slack: SlackRecorder) -> HomeTab:
    return HomeTab(
        names=["prod"],
        remembered=lambda _: ClusterNote(level="healthy"),
        access=Access(ACCESS, no_members),
        alerts=AlertActions(store, lambda: None, clock, {"prod": "C0ALERTS"}),
        repository=OperationRepository(store, lambda: None, clock),
        policies=policies,
        slack=slack,
        inbox=Inbox(store, "one", clock),
        clock=clock,
    )


async def propose(store: Store, clock: Clock, requester: str, request: Request) -> None:
    """Store an operation that waits for approval."""
    repository = OperationRepository(store, lambda: None, clock)
    op = await repository.open(
        Operation("prod", request, requester, created_at=clock.now, expires_at=clock.now + 900.0, channel="C0OPS")
    )
    await repository.move(op, OpState.WAITING)


async def raise_alert(store: Store, clock: Clock, severity: Severity = Severity.INFO) -> None:
    """Store a firing alert."""
    alert = Alert(
        "prod", "peer_down", "3", AlertState.FIRING, severity, LegacyDetail("Peer 3 is down."), clock.now - 60.0
    )
    async with store.begin() as uow:
        await uow.alerts.save(alert, alert_text(alert))


@pytest.fixture
async def busy(store: Store, clock: Clock) -> Store:
    """A store with two waiting operations, the first of Anna and the second of Ben, and two refused messages."""
    await propose(store, clock, "U0ANNA", MemberRemove(3))
    await propose(store, clock, "U0BEN", TaskSwitch("balance", on=False))
    async with store.begin() as uow:
        for number in (8, 9):
            await uow.outbox.put(MessageKey.parse(f"alert:{number}"), "C0GONE", Message("lost"))
    slack = FakeSlack(clock)
    slack.refuse["C0GONE"] = "channel_not_found"
    outbox = Outbox(store, slack, owner="one", clock=clock, random=Random(7).random, pause=clock.pause)
    assert await outbox.drain(patience=600.0) == 0
    return store


async def published(store: Store, clock: Clock, user: str) -> str:
    """Show the tab to a person; returns its blocks as text."""
    slack = SlackRecorder()
    await tab(store, clock, slack).show(user)
    [(whom, blocks)] = slack.homes
    assert whom == user
    return json.dumps(list(blocks), ensure_ascii=False)


async def test_approver_sees_waiting_operations(busy: Store, clock: Clock) -> None:
    await raise_alert(busy, clock)
    text = await published(busy, clock, "U0ANNA")
    mine, _, others = text.partition("Operation #1")
    assert "Operation #2" in mine, "what Ben asked for"
    assert mine.count("you may approve it") == 1
    assert "https://slack.example/C0OPS/" in mine, "the card has a link"
    assert "you may approve it" not in others, "not their own removal"
    assert "*#1* " in text
    assert "Peer 3 is down." in text
    assert CHANGE in text


async def test_a_folded_alert_links_to_the_message_it_is_in(store: Store, clock: Clock) -> None:
    since = clock.now - 60.0
    first = Alert("prod", "disk_broken", "", AlertState.FIRING, Severity.WARNING, LegacyDetail("2 disks broke."), since)
    also = replace(first, rule="volumes_at_risk", detail=LegacyDetail("At risk."), notes=EngineNotes(folded=first.pair))
    async with store.begin() as uow:
        for alert in (first, also):
            await uow.alerts.save(alert, alert_text(alert))
        await uow.outbox.put(MessageKey.alert(1), "C0STORAGE", Message("2 disks broke."))
    outbox = Outbox(store, FakeSlack(clock), owner="one", clock=clock, random=Random(7).random, pause=clock.pause)
    await outbox.drain(patience=600.0)
    text = await published(store, clock, "U0ANNA")
    assert "At risk. (for 1 min, in the message of #1)" in text
    assert text.count("|Open its message and thread>") == 2, "the second one is in the message of the first"


async def test_a_viewer_sees_the_same_without_buttons_to_change(busy: Store, clock: Clock) -> None:
    text = await published(busy, clock, "U0EVE")
    assert "Operation #2" in text
    assert "you may approve it" not in text
    assert CHANGE not in text
    assert "You are not an operator" in text


async def test_undelivered_messages_are_shown_to_admins_only(busy: Store, clock: Clock) -> None:
    assert "2 messages could not be posted: `/cm ops` lists them." in await published(busy, clock, "U0ADMIN")
    assert "could not be posted" not in await published(busy, clock, "U0ANNA")


async def test_repeated_event_shows_nothing_unless_the_database_is_down(
    store: Store, clock: Clock, tmp_path_factory: pytest.TempPathFactory
) -> None:
    slack = SlackRecorder()
    for key in ("E1", "E1", "E2"):
        await tab(store, clock, slack).opened(HomeOpened(key, f"U-{key}"))
    async with Store.open(f"sqlite:///{tmp_path_factory.mktemp('down') / 'no-tables.db'}", clock=clock) as down:
        for key in ("E3", "E3"):
            await tab(down, clock, slack).opened(HomeOpened(key, f"U-{key}"))
    assert [user for user, _ in slack.homes] == ["U-E1", "U-E2", "U-E3", "U-E3"]


async def test_home_shows_no_cluster_milder_than_its_worst_alert(store: Store, clock: Clock) -> None:
    await raise_alert(store, clock, Severity.CRITICAL)
    text = await published(store, clock, "U0ANNA")
    assert "🔴 *prod* is critical, because alert #1 is still open. Peer 3 is down." in text
    assert "0 of 1 cluster are healthy" in text


async def test_without_the_database_the_clusters_are_shown_all_the_same(database_url: str, clock: Clock) -> None:
    """The database here has no tables."""
    async with Store.open(database_url, clock=clock) as down:
        text = await published(down, clock, "U0ANNA")
    assert STORE_DOWN in text
    assert "1 of 1 cluster is healthy" in text


async def test_a_failure_is_logged_only(store: Store, clock: Clock) -> None:
    slack = SlackRecorder(refuses="internal_error")
    with capture_logs() as logs:
        await tab(store, clock, slack).show("U0ANNA")
    assert [(line["event"], line["code"]) for line in logs] == [("home.failed", "internal_error")]
