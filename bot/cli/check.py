"""`cmbot check` and `cmbot status`: check every token, scope, channel and host that the settings name."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from itertools import product
from urllib.parse import urlsplit

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.alerting.cluster_state.counters import status_context
from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.cluster_status import StatusLevel, cluster_status
from bot.alerting.model import Alert
from bot.alerting.rules.thresholds import configure
from bot.cli.check_outputs import check_outputs
from bot.cli.check_row import CheckRow
from bot.cli.terminal.mrkdwn import terminal_words
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.scheduler_survey import SchedulerAnswer, SchedulerFault, SchedulerSurvey
from bot.common.errors import CmbotError, ConfigError, StoreError
from bot.common.text import count
from bot.config import AccessSettings, Members, Settings
from bot.operations.policy import POLICIES, Policy, short_of
from bot.permissions.roles import HELD_ROLES, Role
from bot.runtime.app import build
from bot.runtime.parts import App
from bot.runtime.settings_mapping import policy, refuse_reserved_names, report_jobs_of
from bot.runtime.windows import windows_of
from bot.slack.client import SlackClient
from bot.slack.diagnostics import check_slack
from bot.slack.tokens import bot_fault, delivery_fault
from bot.store.database import Store
from bot.views.alert_text.schedulers import FAULTS
from bot.views.decisions import shortfall_text
from bot.views.dialect_text import evidence_text
from bot.views.errors import error_text
from bot.views.status_text import listed_reasons, status_sentence
from bot.views.text import clean

_POLLS_APART = 3.2
"""Seconds between two polls of a cluster: one poll cannot prove a voter healthy."""


_passed = partial(CheckRow, well=True)
_failed = partial(CheckRow, well=False)


def table(rows: Sequence[CheckRow]) -> RenderableType:
    """Render one finding a line, the problems first, then their number; foreign text cannot steer the terminal."""
    shown = Table.grid(padding=(0, 2, 0, 0))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for row in sorted(rows, key=lambda each: each.well):
        mark = Text("✓ ok", style="green") if row.well else Text("✗ failed", style="bold red")
        fix = (f" → {clean(terminal_words(row.fix))}", "yellow") if row.fix else ""
        shown.add_row(mark, Text.assemble((clean(row.what), "bold"), f": {clean(row.found)}", fix))
    bad = sum(not row.well for row in rows)
    total = f"{bad} of {count(len(rows), 'check')} failed." if bad else f"All {count(len(rows), 'check')} passed."
    return Group(shown, Text(total, style="bold"))


def refuse_faulty_tokens(settings: Settings) -> None:
    """Raise ConfigError for tokens of a wrong form; only Slack can check the others."""
    own = settings.secrets
    app, signing = own.slack_app_token.get_secret_value(), own.slack_signing_secret.get_secret_value()
    found = (bot_fault(own.slack_bot_token.get_secret_value()), delivery_fault(app, signing))
    if faults := [fault.sentence for fault in found if fault is not None]:
        raise ConfigError("\n".join(faults))


async def check_all(settings: Settings, *, send_test: bool = False) -> list[CheckRow]:
    """Check everything that the settings name; the settings have been validated before.

    With `send_test` each receiver of alerts outside Slack gets a test message.
    """
    rows = [await _row("rules and names", lambda: _rules(settings), "correct the settings")]
    rows.append(await _row("store", lambda: _store(settings), "see store.url in the settings"))
    rows += address(settings.slack.api_url)
    async with AsyncExitStack() as stack:
        token = settings.secrets.slack_bot_token.get_secret_value()
        gateway = await stack.enter_async_context(SlackClient(token, settings.slack.api_url))
        rows += await _slack(settings, gateway)
    rows += await check_outputs(settings, send=send_test)
    # The check is about the settings: a cluster in a bad state passes as long as the program understands it.
    fine = (StatusLevel.HEALTHY, StatusLevel.DEGRADED, StatusLevel.CRITICAL)
    return rows + (await check_clusters(settings, fine) if rows[0].well and rows[1].well else [])


def address(url: str) -> list[CheckRow]:
    """Return a row if the tokens would travel to Slack unencrypted, else none."""
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname in {"127.0.0.1", "::1", "localhost"}:
        return []
    return [
        _failed("slack.api_url", found="it is plain http, so tokens travel unencrypted", fix="write it with https://")
    ]


async def _row(what: str, read: Callable[[], Awaitable[str]], fix: str) -> CheckRow:
    try:
        return _passed(what, found=await read())
    except CmbotError as error:
        return _failed(what, found=error_text(error), fix=fix)


async def _rules(settings: Settings) -> str:
    refuse_reserved_names(settings)
    report_jobs_of(settings)
    windows_of(settings)
    for cluster in settings.clusters:
        configure(settings.rules, cluster.rules)
    return count(len(settings.clusters), "cluster")


async def _store(settings: Settings) -> str:
    async with Store.open(settings.store_url) as store:
        await store.migrate()
        async with store.read() as uow:
            waiting = await uow.outbox.depth()
        return f"{store.where} is up to date; {count(waiting, 'message')} to send"


async def _slack(settings: Settings, gateway: SlackClient) -> list[CheckRow]:
    channels: dict[str, str] = {}
    for cluster in settings.clusters:
        channels.setdefault(cluster.alert_channel, f"clusters.{cluster.name}.alert_channel")
        channels.setdefault(cluster.card_channel, f"clusters.{cluster.name}.operations_channel")
    for status in settings.status:
        channels.setdefault(status.channel, "status.channel")
    if settings.alerts.fallback_channel:
        channels.setdefault(settings.alerts.fallback_channel, "alerts.fallback_channel")
    for summary in settings.summaries:
        channels.setdefault(summary.channel, "summaries.channel")
    checked = await check_slack(
        gateway,
        app_token=settings.secrets.slack_app_token.get_secret_value(),
        signing_secret=settings.secrets.slack_signing_secret.get_secret_value(),
        channels=channels,
        groups=settings.groups,
    )
    roles = [_role(role, settings) for role in HELD_ROLES]
    own = own_roles(settings)
    return [*(CheckRow(one.what, one.ok, one.words, one.fix) for one in checked), *roles, *own, *policies(settings)]


_CHANGES = (
    *((key,) for key in POLICIES if key not in {"break_glass", "member_replace"}),
    ("member_replace", "member_remove"),
    ("member_replace", "member_add"),
)
"""Policies that apply together to one change."""


def policies(settings: Settings) -> list[CheckRow]:
    """Return a row for each policy that no person can ever satisfy.

    A policy of a user group passes: the members of the group are not known here.
    """
    found: dict[str, CheckRow] = {}
    for cluster, keys, forced in product((own.name for own in settings.clusters), _CHANGES, (False, True)):
        access = settings.own_access.get(cluster, settings.access)
        # Missing breakers have a row already: that of the role.
        if forced and not access.breakers.users:
            continue
        own = f"clusters.{cluster}." if cluster in settings.own_access else ""
        what = f"{own}policies.{'break_glass' if forced else keys[0]}"
        why, then = _undecidable(access, own, policy(settings, cluster, keys, forced))
        if why:
            found.setdefault(what, _failed(what, found=why, fix=then))
    return list(found.values())


def _undecidable(access: AccessSettings, own: str, rule: Policy) -> tuple[str, str]:
    """Return why no person can satisfy the policy, and the fix; both "" if one can.

    `own` is the path of the settings before `access`: that of one cluster, or "".
    """
    if rule.channels == ():
        return "the policies that apply together have no channel in common", "change their channels"
    for need in rule.needs:
        held = {str(role): getattr(access, f"{role.value}s") for role in HELD_ROLES}.get(need.source)
        # An empty role has a row already.
        if held is None or held.groups or access.operators.groups or not held.users:
            continue
        one = replace(rule, approvals=need.approvals, source=need.source, also=())
        if found := short_of(one, frozenset(held.users), frozenset(access.operators.users)):
            return shortfall_text(found), f"name more people under {own}{Role(need.source).key}"
    return "", ""


_WITHOUT = {
    Role.OPERATOR: "no one may change anything",
    Role.APPROVER: "changes that need an approver are refused",
    Role.ADMIN: "only its requester can cancel an operation, and no one can settle one by hand",
    Role.BREAKER: "no one can use break-glass",
}


def _role(role: Role, settings: Settings) -> CheckRow:
    held: Members = getattr(settings.access, f"{role.value}s")
    own = [getattr(cluster.access, f"{role.value}s") is not None for cluster in settings.clusters]
    if held == Members() and all(own):
        return _passed(role.key, found="no one, but each cluster names its own")
    return _held(role.key, role, held)


def own_roles(settings: Settings) -> list[CheckRow]:
    """Return a row for each role that a cluster names itself."""
    named = [
        (f"clusters.{cluster.name}.{role.key}", role, getattr(cluster.access, f"{role.value}s"))
        for cluster in settings.clusters
        for role in HELD_ROLES
    ]
    return [_held(what, role, held) for what, role, held in named if held is not None]


def _held(what: str, role: Role, held: Members) -> CheckRow:
    if held != Members():
        return _passed(what, found=f"{count(len(held.users), 'user')} and {count(len(held.groups), 'user group')}")
    # Without operators no change is possible; the other roles may be empty on purpose.
    return CheckRow(what, role is not Role.OPERATOR, f"no one: {_WITHOUT[role]}", "name users or user groups")


async def check_clusters(settings: Settings, fine: tuple[StatusLevel, ...] = (StatusLevel.HEALTHY,)) -> list[CheckRow]:
    """Poll every cluster twice, which proves health, and report its verdict and each of its hosts.

    A cluster passes at the levels of `fine`.
    """
    async with build(settings) as app:
        found = await asyncio.gather(*(_cluster(app, cluster, fine) for cluster in app.clusters.values()))
    return [row for rows in found for row in rows]


async def _alerts(app: App, name: str) -> tuple[Alert, ...]:
    try:
        return await app.alert_actions.open(name)
    except StoreError:
        return ()


async def _cluster(app: App, cluster: Cluster, fine: tuple[StatusLevel, ...]) -> list[CheckRow]:
    before = await cluster.snapshot(cluster.deadline, bad_disks=False)
    await asyncio.sleep(max(0.0, before.at + _POLLS_APART - cluster.clock()))
    now = await cluster.snapshot(cluster.deadline)
    rules = app.watches[cluster.name].watched.rules
    alerts = await _alerts(app, cluster.name)
    state = app.cluster_notes.get(cluster.name, ClusterNote()).state
    known = status_context(state, now, rules, alerts)
    status = cluster_status(now, before, known)
    dialect = await cluster.dialect()
    hosts = [
        CheckRow(
            f"host {answer.host}",
            answer.error is None,
            f"answered in {answer.took * 1000:.0f} ms" if answer.error is None else str(answer.error),
            "" if answer.error is None else "check the address, the node and the network between",
        )
        for answer in now.answers
    ]
    why = "; ".join(listed_reasons(status))
    found = (
        f"{status_sentence(status)} {why}".strip()
        + f" Dialect {dialect.dialect or 'unknown'}: {evidence_text(dialect.evidence)}"
    )
    fix = "" if status.level is StatusLevel.HEALTHY else f"type /cm stat {cluster.name}"
    schedulers = scheduler_rows(cluster.name, await cluster.ask_schedulers())
    return [CheckRow(f"cluster {cluster.name}", status.level in fine, found, fix), *hosts, *schedulers]


def scheduler_rows(name: str, survey: SchedulerSurvey | None) -> list[CheckRow]:
    """Return a row for each scheduler that was asked; none if the settings name and allow none (`survey` is None)."""
    if survey is None:
        return []
    if not survey.answers:
        found = "the settings name none, and no registered one is within the networks that they allow"
        return [_failed(f"schedulers of {name}", found=found, fix=f"check clusters.{name}.schedulers")]
    return [_scheduler_row(name, answer) for answer in survey.answers]


def _scheduler_row(name: str, answer: SchedulerAnswer) -> CheckRow:
    what = f"scheduler {answer.host}"
    if answer.fault is None:
        return _passed(what, found=f"has statistics of {count(len(answer.tasks), 'task')}")
    # A release without statistics is no fault of the settings.
    well = answer.fault is SchedulerFault.NO_STATISTICS
    return CheckRow(what, well, FAULTS[answer.fault], "" if well else f"check clusters.{name}.schedulers and the host")
