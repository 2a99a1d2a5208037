"""`cmbot check` and `cmbot status`: every token, scope, channel and host that the settings name, looked at."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import product
from urllib.parse import urlsplit

from rich.table import Table
from rich.text import Text

from bot.alerting.cluster_state.counters import known_of
from bot.alerting.cluster_status import StatusLevel, cluster_status
from bot.alerting.model import Alert
from bot.alerting.rules.thresholds import configure
from bot.alerting.text import count
from bot.clustermgr.cluster import Cluster
from bot.common.errors import CmbotError, ConfigError, StoreError
from bot.config import Members, Settings
from bot.config.model import AccessSettings
from bot.operations.approval_rules import POLICIES, Policy, short_of
from bot.permissions.roles import HELD_ROLES, Role
from bot.runtime.app import build
from bot.runtime.lifecycle import App
from bot.runtime.settings_mapping import check_words, entries_of, policy
from bot.slack.client import SlackGateway
from bot.slack.diagnostics import check_slack
from bot.slack.tokens import bot_fault, delivery_fault
from bot.store.database import Store
from bot.views.alert_text.table import alert_text
from bot.views.text import clean

_TWO_LOOKS_APART = 3.2
"""Seconds between two looks at a cluster: only two of them prove a voter healthy."""


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One thing looked at; `mend` says what to do when it is not well."""

    what: str
    well: bool
    found: str
    mend: str = ""


def table(rows: list[CheckRow]) -> Table:
    """The rows as a table for a terminal; what others said is shown without what could steer it."""
    shown = Table("", "what", "found", "what to do", box=None, pad_edge=False)
    for row in rows:
        mark = Text("✓ ok", style="green") if row.well else Text("✗ failed", style="bold red")
        shown.add_row(mark, *(Text(clean(words)) for words in (row.what, row.found, row.mend)))
    return shown


def refuse_faulty_tokens(settings: Settings) -> None:
    """Refuse to run with tokens that cannot be right; whether Slack accepts the others, only Slack can tell."""
    own = settings.secrets
    app, signing = own.slack_app_token.get_secret_value(), own.slack_signing_secret.get_secret_value()
    found = (bot_fault(own.slack_bot_token.get_secret_value()), delivery_fault(app, signing))
    if faults := [fault.sentence for fault in found if fault is not None]:
        raise ConfigError("\n".join(faults))


async def checkup(settings: Settings) -> list[CheckRow]:
    """Look at everything the settings name; the settings themselves are valid already."""
    rows = [await _row("rules and names", lambda: _rules(settings), "mend the settings")]
    rows.append(await _row("store", lambda: _store(settings), "see store.url in the settings"))
    rows += address(settings.slack.api_url)
    async with AsyncExitStack() as stack:
        token = settings.secrets.slack_bot_token.get_secret_value()
        gateway = await stack.enter_async_context(SlackGateway(token, settings.slack.api_url))
        rows += await _slack(settings, gateway)
    # What is asked here is whether the settings are right: a cluster that is ill but understood is looked at well.
    fine = (StatusLevel.HEALTHY, StatusLevel.DEGRADED, StatusLevel.CRITICAL)
    return rows + (await look_at_all(settings, fine) if rows[0].well and rows[1].well else [])


def address(url: str) -> list[CheckRow]:
    """A row for an address of Slack that would carry the tokens unencrypted; none otherwise."""
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname in {"127.0.0.1", "::1", "localhost"}:
        return []
    return [CheckRow("slack.api_url", False, "plain http: tokens travel unencrypted", "write it with https://")]  # noqa: FBT003 - Row's second field


async def _row(what: str, look: Callable[[], Awaitable[str]], mend: str) -> CheckRow:
    try:
        return CheckRow(what, True, await look())  # noqa: FBT003 - Row's second field
    except CmbotError as error:
        return CheckRow(what, False, str(error), mend)  # noqa: FBT003 - Row's second field


async def _rules(settings: Settings) -> str:
    check_words(settings)
    entries_of(settings)
    for cluster in settings.clusters:
        configure(settings.rules, cluster.rules)
    return count(len(settings.clusters), "cluster")


async def _store(settings: Settings) -> str:
    async with Store.open(settings.store_url) as store:
        await store.migrate()
        async with store.read() as uow:
            waiting = await uow.outbox.depth()
        return f"{store.where} is up to date, {count(waiting, 'message')} to be sent"


async def _slack(settings: Settings, gateway: SlackGateway) -> list[CheckRow]:
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
    return [*(CheckRow(one.what, one.ok, one.words, one.mend) for one in checked), *roles, *own, *policies(settings)]


_CHANGES = (
    *((key,) for key in POLICIES if key not in {"break_glass", "member_replace"}),
    ("member_replace", "member_remove"),
    ("member_replace", "member_add"),
)
"""The policies that apply together to one change."""


def policies(settings: Settings) -> list[CheckRow]:
    """A row for each policy on which nobody could ever decide; user groups may hold anybody, so those pass."""
    found: dict[str, CheckRow] = {}
    for cluster, keys, forced in product((own.name for own in settings.clusters), _CHANGES, (False, True)):
        access = settings.own_access.get(cluster, settings.access)
        # Without breakers the row of that role says so.
        if forced and not access.breakers.users:
            continue
        own = f"clusters.{cluster}." if cluster in settings.own_access else ""
        what = f"{own}policies.{'break_glass' if forced else keys[0]}"
        why, then = _undecidable(access, own, policy(settings, cluster, keys, forced))
        if why:
            found.setdefault(what, CheckRow(what, False, why, then))  # noqa: FBT003 - Row's second field
    return list(found.values())


def _undecidable(access: AccessSettings, own: str, rule: Policy) -> tuple[str, str]:
    """Why nobody could decide by this policy, and what to do; both "" when somebody can.

    `own` is the part of the settings before `access`: of one cluster, or "".
    """
    if rule.channels == ():
        return "the policies that apply together name no channel in common", "change their channels"
    for need in rule.needs:
        held = {str(role): getattr(access, f"{role.value}s") for role in HELD_ROLES}.get(need.source)
        # Without anybody in a role the rows of the roles say so.
        if held is None or held.groups or access.operators.groups or not held.users:
            continue
        one = replace(rule, approvals=need.approvals, source=need.source, also=())
        if why := short_of(one, frozenset(held.users), frozenset(access.operators.users)):
            return why, f"name more people under {own}{Role(need.source).key}"
    return "", ""


_WITHOUT = {
    Role.OPERATOR: "nobody may change anything",
    Role.APPROVER: "what needs an approver is refused",
    Role.ADMIN: "only its requester can cancel an operation, and nobody can settle one by hand",
    Role.BREAKER: "nobody can use break-glass",
}


def _role(role: Role, settings: Settings) -> CheckRow:
    held: Members = getattr(settings.access, f"{role.value}s")
    own = [getattr(cluster.access, f"{role.value}s") is not None for cluster in settings.clusters]
    if held == Members() and all(own):
        return CheckRow(role.key, True, "nobody, but each cluster names who holds it there")  # noqa: FBT003 - Row's second field
    return _held(role.key, role, held)


def own_roles(settings: Settings) -> list[CheckRow]:
    """A row for each role that a cluster names itself."""
    named = [
        (f"clusters.{cluster.name}.{role.key}", role, getattr(cluster.access, f"{role.value}s"))
        for cluster in settings.clusters
        for role in HELD_ROLES
    ]
    return [_held(what, role, held) for what, role, held in named if held is not None]


def _held(what: str, role: Role, held: Members) -> CheckRow:
    if held != Members():
        return CheckRow(what, True, f"{count(len(held.users), 'user')} and {count(len(held.groups), 'user group')}")  # noqa: FBT003 - Row's second field
    # Without operators the program only looks; the others may be left out on purpose.
    return CheckRow(what, role is not Role.OPERATOR, f"nobody: {_WITHOUT[role]}", "name users or user groups")


async def look_at_all(settings: Settings, fine: tuple[StatusLevel, ...] = (StatusLevel.HEALTHY,)) -> list[CheckRow]:
    """Look at every cluster twice, so that health is proven, and tell the verdict and each silent host.

    `fine` are the verdicts with which a cluster counts as well.
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
    before = await cluster.look(cluster.deadline, bad_disks=False)
    await asyncio.sleep(max(0.0, before.at + _TWO_LOOKS_APART - cluster.clock()))
    now = await cluster.look(cluster.deadline)
    rules = app.watches[cluster.name].watched.rules
    known = known_of(app.noted.get(cluster.name, {}), now, rules, await _alerts(app, cluster.name), alert_text)
    status = cluster_status(now, before, known)
    dialect = await cluster.dialect()
    hosts = [
        CheckRow(
            f"host {look.host}",
            look.error is None,
            f"answered in {look.took * 1000:.0f} ms" if look.error is None else str(look.error),
            "" if look.error is None else "is the address right, the node up, the way to it open?",
        )
        for look in now.looks
    ]
    why = "; ".join(status.reasons)
    found = f"{status.sentence} {why}".strip() + f" Dialect {dialect.dialect or 'not told'}: {dialect.why}"
    mend = "" if status.level is StatusLevel.HEALTHY else f"see /cm stat {cluster.name}"
    return [CheckRow(f"cluster {cluster.name}", status.level in fine, found, mend), *hosts]
