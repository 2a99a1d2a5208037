"""Alerts as receivers get them, and the worker that tells them."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from bot.alerting.model import AlertState, Severity
from bot.alerting.receivers import OutputAlert, Receiver, ReceiverKind
from bot.integrations.alertmanager import AlertmanagerSender
from bot.integrations.client import HttpClient
from bot.integrations.pagerduty import PagerDutySender
from bot.integrations.robots import RobotSender
from bot.integrations.sender import ReceiverTarget, Sender
from bot.integrations.webhook import WebhookSender
from bot.integrations.worker import OnOutcome, OutputWorker, SlackDown, SlackOutage
from bot.store.database import Store
from tests.support.databases import Clock

BROKEN = OutputAlert(
    id=17,
    key="cmbot/prod/disk_broken/17/1000",
    cluster="prod",
    rule="disk_broken",
    subject="",
    severity=Severity.CRITICAL,
    state=AlertState.FIRING,
    summary="1 disk of prod is broken.",
    details=("disk 7 in z0",),
    since=1_700_000_000.0 - 60,
    fired_at=1_700_000_000.0 - 30,
)


def resolved(alert: OutputAlert, at: float = 1_700_000_060.0) -> OutputAlert:
    """The alert after its end."""
    return replace(alert, state=AlertState.RESOLVED, resolved_at=at, outcome="The disk was repaired.")


async def never_down(_: float) -> SlackDown | None:
    """Slack can be reached."""
    return None


def sender_of(kind: ReceiverKind, url: str, client: HttpClient, clock: Callable[[], float], **target: Any) -> Sender:
    """A sender without a pause between calls."""
    to = ReceiverTarget("pager", url, **target)
    if kind is ReceiverKind.ALERTMANAGER:
        return AlertmanagerSender(to, client, clock)
    if kind is ReceiverKind.WEBHOOK:
        return WebhookSender(to, client, clock)
    if kind is ReceiverKind.PAGERDUTY:
        return PagerDutySender(to, client)
    return RobotSender(to, kind, client, clock, apart=0.0)


@asynccontextmanager
async def informing(
    store: Store,
    clock: Clock,
    kind: ReceiverKind,
    url: str,
    *,
    owner: str = "one",
    seconds: float = 2.0,
    outage: SlackOutage | None = None,
    receiver: Mapping[str, Any] | None = None,
    on_outcome: OnOutcome | None = None,
    **target: Any,
) -> AsyncIterator[OutputWorker]:
    """A worker that tells one receiver, `pager`."""
    store.receivers = (Receiver("pager", kind, **(receiver or {})),)
    async with HttpClient.opened(seconds) as client:
        senders = {"pager": sender_of(kind, url, client, clock, **target)}
        worker = OutputWorker(
            store,
            senders,
            owner=owner,
            clock=clock,
            random=lambda: 0.0,
            outage=outage or SlackOutage(never_down),
            on_outcome=on_outcome,
        )
        yield worker


async def put(store: Store, *alerts: OutputAlert) -> None:
    """Commit what the receivers must know."""
    async with store.begin() as uow:
        await uow.outputs.put(alerts)


async def drained(worker: OutputWorker, clock: Clock, *, rounds: int = 12) -> None:
    """Tell all, with the pauses after failures."""
    for _ in range(rounds):
        await worker.drain()
        if not any(rows.waiting for rows in (await worker.health()).values()):
            return
        clock.now += 130


def texts(bodies: Sequence[Any]) -> list[str]:
    """The texts that a robot of WeCom or DingTalk got."""
    return [body["text"]["content"] for body in bodies]
