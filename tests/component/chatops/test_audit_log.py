"""What gets into the audit log: every step of an operation, and everybody who was refused."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest

from bot.alerting.cluster_state.state import ClusterNote
from bot.audit.chain import AuditRow, verify
from bot.audit.query import AuditQuery
from bot.chatops.audit_log import AuditLog
from bot.chatops.button_router import ButtonRouter
from bot.chatops.commands.registry import COMMANDS
from bot.chatops.commands.stat import NoArgs
from bot.chatops.dispatcher import Dispatcher
from bot.chatops.forms.controller import Forms
from bot.chatops.forms.signing import key_of
from bot.chatops.forms.stored_choices import StoredChoices
from bot.chatops.forms.view_versions import ViewVersions
from bot.chatops.inbox import Inbox
from bot.common.errors import Conflict, StoreError, UserError
from bot.config import AccessSettings, Members
from bot.interactions.command import Call, Command, Reply
from bot.interactions.events import Click, Invocation
from bot.operations.model import ObservedState, ObservedSwitch, Operation, OpState, StepKind
from bot.operations.policy import POLICIES, Policy
from bot.operations.requests import TaskSwitch
from bot.operations.step_facts import LegacyWords
from bot.permissions.access import Access
from bot.permissions.roles import Role
from bot.store.database import Store
from bot.watch.alert_actions import AlertActions
from bot.workflow.approvals import ApprovalService
from bot.workflow.executor import Executor
from bot.workflow.repository import OperationRepository
from bot.workflow.reversions import TimeLimitClicks
from tests.support.databases import Clock
from tests.support.in_memory_ports import FakeAlerts, FakeCluster, FakeDesk, FakeReports, no_members
from tests.support.slack_recorder import SlackRecorder

OPERATION = Operation(
    cluster="prod",
    request=TaskSwitch("balance", on=False),
    requester="U0ANNA",
    created_at=1_700_000_000.0,
    expires_at=1_700_000_900.0,
    seen=ObservedState(dialect="v3", switch=ObservedSwitch("balance", "true", "on", "false", "v3")),
    channel="C0OPS",
    reason="rush hour",
)


async def noted(store: Store) -> list[AuditRow]:
    async with store.read() as uow:
        rows = await uow.audit.range()
    assert verify(rows) is None
    return rows


def repository(store: Store, clock: Clock) -> OperationRepository:
    return OperationRepository(store, lambda: None, clock)


async def test_every_step_of_an_operation_is_a_row(store: Store, clock: Clock) -> None:
    book = repository(store, clock)
    op = await book.open(OPERATION)
    op = await book.move(op, OpState.WAITING, by="U0ANNA", fact=LegacyWords("asked"))
    clock.now += 60
    op = await book.move(op, OpState.RUNNING, by="U0BEN", kind=StepKind.CONFIRMED)
    await book.move(op, OpState.VERIFIED, fact=LegacyWords("balance is now off"))
    rows = await noted(store)
    assert [(row.action, row.actor, row.at - OPERATION.created_at) for row in rows] == [
        ("operation.proposed", "U0ANNA", 0.0),
        ("operation.waiting", "U0ANNA", 0.0),
        ("operation.running", "U0BEN", 60.0),
        ("operation.verified", "", 60.0),
    ]
    assert {(row.cluster, row.op_id) for row in rows} == {("prod", op.id)}
    assert rows[3].details["words"] == "balance is now off"
    assert rows[3].details["request"] == {"task": "balance", "on": False, "reason": "rush hour"}
    assert rows[3].details["reason"] == "rush hour"


async def test_lost_step_adds_no_audit_row(store: Store, clock: Clock) -> None:
    book = repository(store, clock)
    op = await book.open(OPERATION)
    await book.move(op, OpState.WAITING)
    with pytest.raises(Conflict):
        await book.move(op, OpState.CANCELLED, by="U0LATE")
    assert [row.action for row in await noted(store)] == ["operation.proposed", "operation.waiting"]


ACCESS = AccessSettings(operators=Members(users=("U0ANNA",)), approvers=Members(users=("U0BEN",)))


def dispatcher(
    store: Store,
    clock: Clock,
    slack: SlackRecorder,
    *more: Command,
    private: bool = False,
    own: Mapping[str, AccessSettings] | None = None,
    access: AccessSettings = ACCESS,
) -> Dispatcher:
    clusters = {name: FakeCluster(name) for name in ("prod", *(own or {}))}
    rights = Access(access, no_members, (), own or {})
    operations, audit_log = repository(store, clock), AuditLog(store, clock)
    executor = Executor(operations, clusters, clock, verify_within=1.0)
    approvals = ApprovalService(
        operations, executor, rights, clusters, policies, clock, TimeLimitClicks(operations), no_members
    )
    alert_actions = AlertActions(store, lambda: None, clock, dict.fromkeys(clusters, "C0ALERTS"))

    async def home(user: str) -> None:
        await slack.publish_home(user, ())

    return Dispatcher(
        commands=(*COMMANDS, *more),
        clusters=clusters,
        default_of_channel={},
        access=rights,
        proposer=FakeDesk(),
        operations=FakeDesk(),
        alerts=FakeAlerts(),
        reports=FakeReports(),
        buttons=ButtonRouter(approvals, alert_actions, rights),
        slack=slack,
        forms=Forms(
            clusters,
            rights,
            policies,
            lambda _: ClusterNote(),
            slack,
            ViewVersions(slack),
            audit_log.refused_command,
            home,
            StoredChoices(FakeAlerts(), FakeDesk(), rights, policies, clock, tuple(clusters)),
            key_of("xoxb-1"),
        ),
        inbox=Inbox(store, "test", clock),
        audit=audit_log,
        remembered=lambda _: ClusterNote(),
        clock=clock,
        ended=lambda _what, _how: None,
        answers_private=private,
    )


def policies(_cluster: str, keys: Sequence[str], _forced: bool) -> Policy:
    return POLICIES[keys[0]]


def typed(text: str, user: str) -> Invocation:
    return Invocation("trigger-1", user, "C0OPS", text, "https://answer")


def clicked(value: str) -> Click:
    return Click("trigger-2", "U0MALLORY", "C0OPS", "op_confirm", value, "1.5", "https://answer")


async def test_command_without_rights_is_refused_and_recorded(store: Store, clock: Clock) -> None:
    slack = SlackRecorder()
    await dispatcher(store, clock, slack).execute(typed("task disable balance prod reason=fun", "U0MALLORY"))
    [row] = await noted(store)
    assert (row.actor, row.action, row.cluster, row.at) == ("U0MALLORY", "refused.command", "prod", clock.now)
    assert row.details["text"] == "/cm task disable balance prod reason=fun"
    assert slack.said == [row.details["words"]]
    assert "You are not an operator" in slack.said[0]


async def test_a_command_refused_for_another_reason_is_not_noted(store: Store, clock: Clock) -> None:
    async def run(_call: Call, _args: NoArgs) -> AsyncIterator[Reply]:
        raise UserError("That cannot be.")
        yield

    slack = SlackRecorder()
    strange = Command(("strange",), "Fails.", NoArgs, run, role=Role.OPERATOR)
    await dispatcher(store, clock, slack, strange).execute(typed("strange", "U0ANNA"))
    await dispatcher(store, clock, slack).execute(typed("no-such-command", "U0MALLORY"))
    assert slack.said[0] == "That cannot be."
    assert await noted(store) == []


async def test_a_refused_click_is_noted_with_its_operation(store: Store, clock: Clock) -> None:
    op = await repository(store, clock).open(OPERATION)
    slack = SlackRecorder()
    await dispatcher(store, clock, slack).execute(clicked(json.dumps({"op": op.id, "v": 0})))
    row = (await noted(store))[-1]
    assert (row.actor, row.action, row.cluster, row.op_id) == ("U0MALLORY", "refused.click", "prod", op.id)
    assert slack.said == [row.details["words"]]
    assert slack.said[0].startswith("You are not an approver, so you may not do this.")


@pytest.mark.parametrize(
    "value", ["", "x" * 2000, "[" * 2000, "null", '{"op": true}', '{"op": -1}', '{"op": 999}', '{"op": 1e400}', "\x00"]
)
async def test_a_forged_click_is_noted_without_believing_it(store: Store, clock: Clock, value: str) -> None:
    await dispatcher(store, clock, SlackRecorder()).execute(clicked(value))
    [row] = await noted(store)
    assert (row.cluster, row.op_id) == ("", 0)
    assert len(str(row.details["value"])) <= 300


async def test_refusal_holds_without_an_audit_row(database_url: str, clock: Clock) -> None:
    """The database here has no tables."""
    slack = SlackRecorder()
    async with Store.open(database_url, clock=clock) as empty:
        await dispatcher(empty, clock, slack).execute(clicked("{}"))
        with pytest.raises(StoreError):
            await noted(empty)
    assert slack.said == ["This button belongs to no known operation. Type the command again."]


async def test_the_log_is_shown_to_operators_with_the_file(store: Store, clock: Clock) -> None:
    await repository(store, clock).open(OPERATION)
    slack = SlackRecorder()
    await dispatcher(store, clock, slack).execute(typed("audit since=1h cluster=prod", "U0ANNA"))
    assert slack.said[0].startswith("The audit log has 1 row since")
    [(channel, content)] = slack.files
    assert channel == "C0OPS"
    assert content.decode().splitlines()[0].startswith('"seq","at","actor","action"')
    assert '"U0ANNA","operation.proposed","prod"' in content.decode()


async def test_private_audit_answer_has_no_file(store: Store, clock: Clock) -> None:
    await repository(store, clock).open(OPERATION)
    slack = SlackRecorder()
    await dispatcher(store, clock, slack, private=True).execute(typed("audit", "U0ANNA"))
    assert slack.said == ["The audit log has 1 row."]
    assert slack.files == []


async def test_audit_log_is_for_operators_and_audits_refusals(store: Store, clock: Clock) -> None:
    slack = SlackRecorder()
    await dispatcher(store, clock, slack).execute(typed("audit", "U0MALLORY"))
    assert "You are not an operator" in slack.said[0]
    assert [row.action for row in await noted(store)] == ["refused.command"]


async def test_audit_file_has_newest_rows_in_order(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    book = repository(store, clock)
    op = await book.open(OPERATION)
    await book.move(await book.move(op, OpState.WAITING), OpState.CANCELLED, by="U0ANNA")
    monkeypatch.setattr("bot.chatops.audit_log.MAX_ROWS", 2)
    sheet = await AuditLog(store, clock).sheet(AuditQuery())
    assert (sheet.rows, sheet.total) == (2, 3)
    assert [line.split(",")[0] for line in sheet.content.decode().splitlines()] == ['"seq"', '"2"', '"3"']
