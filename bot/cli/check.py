"""`cmbot check` and `cmbot status`: check every token, scope, channel and host that the settings name."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from urllib.parse import urlsplit

from bot.alerting.cluster_state.counters import status_context
from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.cluster_status import StatusLevel, cluster_status
from bot.alerting.model import Alert
from bot.cli.check_outputs import check_outputs
from bot.cli.check_policies import agent_rows, code_row, mode_row, own_roles, policies, role_rows
from bot.cli.check_row import CheckRow
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.scheduler_survey import SchedulerAnswer, SchedulerFault, SchedulerSurvey
from bot.common.errors import CmbotError, SlackError, StoreError
from bot.common.text import count
from bot.config import Settings
from bot.interactions.command_name import DEFAULT
from bot.operations.policy import PolicyMode
from bot.runtime.app import build
from bot.runtime.parts import App
from bot.runtime.validation import refuse_wrong
from bot.slack.client import SlackClient
from bot.slack.diagnostics import check_slack
from bot.store.database import Store
from bot.views.alert_text.schedulers import FAULTS
from bot.views.dialect_text import evidence_text
from bot.views.errors import error_text
from bot.views.status_text import listed_reasons, status_sentence

_POLLS_APART = 3.2
"""Seconds between two polls of a cluster: one poll cannot prove a voter healthy."""


_passed = partial(CheckRow, well=True)
_failed = partial(CheckRow, well=False)


async def check_all(settings: Settings, *, send_test: bool = False) -> list[CheckRow]:
    """Check everything that the settings name; the settings have been validated before.

    With `send_test` each receiver of alerts outside Slack gets a test message.
    """
    rows = [await _row("rules and names", lambda: _rules(settings), "correct the settings")]
    rows.append(await _row("store", lambda: _store(settings), "see store.url in the settings"))
    began_as, enrolled = await _stored(settings) if rows[1].well else (PolicyMode.STRICT, None)
    rows += [mode_row(settings, began_as), code_row(settings, enrolled)]
    rows += [*address(settings.slack.api_url), *command_name(settings.slack.command)]
    async with AsyncExitStack() as stack:
        token = settings.secrets.slack_bot_token.get_secret_value()
        gateway = await stack.enter_async_context(
            SlackClient(token, settings.slack.api_url, proxy=settings.slack_proxy, command=settings.slack.command)
        )
        rows += await _slack(settings, gateway, began_as)
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


def command_name(name: str) -> list[CheckRow]:
    """Return a row for a command with another name: Slack tells no app the names of its commands."""
    if name == DEFAULT:
        return []
    found = f"answers name {name}; the app's manifest must have the same name, and the log says if people type another"
    return [_passed("slack.command", found=found)]


async def _row(what: str, read: Callable[[], Awaitable[str]], fix: str) -> CheckRow:
    try:
        return _passed(what, found=await read())
    except CmbotError as error:
        return _failed(what, found=error_text(error), fix=fix)


async def _rules(settings: Settings) -> str:
    refuse_wrong(settings)
    return count(len(settings.clusters), "cluster")


async def _store(settings: Settings) -> str:
    async with Store.open(settings.store_url) as store:
        await store.migrate()
        async with store.read() as uow:
            waiting = await uow.outbox.depth()
        return f"{store.where} is up to date; {count(waiting, 'message')} to send"


async def _stored(settings: Settings) -> tuple[PolicyMode, frozenset[str]]:
    """Return the default policies with which the installation began, and the people with a code."""
    async with Store.open(settings.store_url) as store, store.read() as uow:
        return await uow.facts.policies(), frozenset(each.user for each in await uow.codes.every())


async def _slack(settings: Settings, gateway: SlackClient, began_as: PolicyMode) -> list[CheckRow]:
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
    members = await _members(settings, gateway)
    roles = [*role_rows(settings), *own_roles(settings), *policies(settings, began_as, members)]
    roles += agent_rows(settings, began_as, members)
    return [*(CheckRow(one.what, one.ok, one.words, one.fix, one.warns) for one in checked), *roles]


async def _members(settings: Settings, gateway: SlackClient) -> Mapping[str, frozenset[str]]:
    """Return the members of the user groups that Slack lists; the others have a row already."""
    found = {}
    for group in settings.groups:
        with suppress(SlackError):
            found[group] = await gateway.group_members(group)
    return found


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
