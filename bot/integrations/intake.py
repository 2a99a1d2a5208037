"""The webhook of an Alertmanager (version 4): its alerts about configured clusters are kept for their watches.

Source: "Webhook receiver" in the configuration reference of Alertmanager. It repeats a delivery that is answered with
5xx, and gives up one that is answered with 4xx.
"""

import asyncio
import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.alerting.external import MAX_LABELS, ExternalAlert
from bot.common.errors import StoreError
from bot.common.frozen import frozen
from bot.integrations.alertmanager import SOURCE
from bot.store.database import Store
from bot.views.text import clean

log = structlog.get_logger(__name__)

PATH = "/alertmanager"
"""The path of the webhook."""
_READ_SECONDS = 10.0
_MAX_ALERTS = 1000
_MAX_LINE = 300
_MAX_SUMMARY = 1000
_MAX_ADDRESS = 500
_SHOWN_ELSEWHERE = frozenset({"alertname", "severity"})
Texts = Annotated[Mapping[str, str], Field(max_length=200)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class ReportedAlert(_Part):
    """One alert of a delivery."""

    status: Literal["firing", "resolved"]
    labels: Texts = Field(default_factory=dict)
    annotations: Texts = Field(default_factory=dict)
    starts_at: datetime | None = Field(None, alias="startsAt")
    generator_url: str = Field("", alias="generatorURL")
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]


class ReceivedAlerts(_Part):
    """What Alertmanager sends."""

    version: Literal["4"]
    alerts: Annotated[tuple[ReportedAlert, ...], Field(max_length=_MAX_ALERTS)]


@frozen
class Intake:
    """Takes deliveries with the bearer token `token`.

    `label` names the cluster of an alert, one of `clusters`. `received` is called with the clusters of which something
    was kept. `expire_after` are the seconds after which an alert that is not reported again is over.
    """

    store: Store
    token: str = field(repr=False)
    clusters: Collection[str]
    label: str
    expire_after: float
    clock: Callable[[], float]
    received: Callable[[Collection[str]], None]
    refused: Counter[str] = field(default_factory=Counter)

    def mount(self, server: web.Application) -> None:
        """Add the route to `server`."""
        server.router.add_post(PATH, self.handle)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one delivery."""
        if not self._authorised(request.headers.get("Authorization", "")):
            self._count("unauthorised", request.remote)
            return web.Response(status=HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
        try:
            async with asyncio.timeout(_READ_SECONDS):
                body = await request.read()  # at most the server's client_max_size (1 MiB), else aiohttp answers 413
        except TimeoutError:
            return web.Response(status=HTTPStatus.REQUEST_TIMEOUT)
        try:
            delivery = ReceivedAlerts.model_validate_json(body)
        except (ValidationError, RecursionError):
            self._count("unreadable", request.remote)
            return web.json_response(
                {"error": "this is not a webhook of Alertmanager (version 4)"}, status=HTTPStatus.BAD_REQUEST
            )
        return await self._keep(delivery.alerts)

    async def _keep(self, alerts: Sequence[ReportedAlert]) -> web.Response:
        now = self.clock()
        ours = [each for each in alerts if each.labels.get("source") != SOURCE]
        named = [each for each in ours if each.labels.get(self.label, "") in self.clusters]
        kept = [self._kept(each, now) for each in named]
        refused = 0
        if kept:
            try:
                async with self.store.begin() as uow:
                    refused = await uow.external_alerts.put(kept)
            except StoreError as error:
                log.debug("intake.store_down", error=str(error))
                return web.json_response({"error": str(error)}, status=HTTPStatus.SERVICE_UNAVAILABLE)
            self.received({each.cluster for each in kept})
        if refused:
            self._count("too many", None)
        answer = {
            "kept": len(kept) - refused,
            "too_many": refused,
            "of_no_cluster": len(ours) - len(named),
            "of_cmbot": len(alerts) - len(ours),
        }
        return web.json_response(answer)

    def _kept(self, alert: ReportedAlert, now: float) -> ExternalAlert:
        said = alert.annotations.get("summary") or alert.annotations.get("description", "")
        labels = sorted((name, value) for name, value in alert.labels.items() if name not in self._named)
        return ExternalAlert(
            cluster=alert.labels[self.label],
            fingerprint=alert.fingerprint,
            firing=alert.status == "firing",
            name=_line(alert.labels.get("alertname", "")) or "an alert without a name",
            severity=_line(alert.labels.get("severity", ""))[:40],
            summary=_line(said, _MAX_SUMMARY),
            labels=tuple((_line(name), _line(value)) for name, value in labels[:MAX_LABELS]),
            source=_address(alert.generator_url),
            started_at=_seconds(alert.starts_at),
            received_at=now,
            expires_at=now + self.expire_after,
        )

    @property
    def _named(self) -> frozenset[str]:
        return _SHOWN_ELSEWHERE | {self.label}

    def _authorised(self, header: str) -> bool:
        scheme, _, given = header.partition(" ")
        # Digests have one length, so that the time of the comparison says nothing about the token.
        same = hmac.compare_digest(_digest(given.strip()), _digest(self.token))
        return scheme.lower() == "bearer" and same

    def _count(self, why: str, remote: str | None) -> None:
        """Log the 1st, 2nd, 4th, 8th … refusal of a kind: anyone may send requests."""
        self.refused[why] += 1
        times = self.refused[why]
        if times & (times - 1) == 0:
            log.warning("intake.refused", why=why, remote=remote, times=times)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()


def _line(text: str, most: int = _MAX_LINE) -> str:
    return clean(text[: most * 4]).strip()[:most]


def _address(text: str) -> str:
    """An address without a user or password; "" if it is none."""
    try:
        parts = urlsplit(text)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return ""
    return _line(text, _MAX_ADDRESS) if known else ""


def _seconds(at: datetime | None) -> float:
    """Unix seconds; 0 for a time that Alertmanager does not know, which it sends as the year 1."""
    try:
        return max(0.0, at.timestamp()) if at is not None else 0.0
    except (OverflowError, ValueError, OSError):
        return 0.0
