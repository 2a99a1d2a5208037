"""What all senders have: the target that the settings name, the wording of times, and the port of the worker."""

from collections.abc import Sequence
from dataclasses import field
from datetime import UTC, datetime
from ssl import SSLContext
from typing import Protocol

from bot.alerting.model import AlertState, Severity
from bot.alerting.receivers import OutputAlert
from bot.common.frozen import frozen
from bot.store.repositories.outputs import OutputClaim


@frozen
class ReceiverTarget:
    """A receiver of the settings; its address, key and secret are never shown. `docs_url` is where the manual is."""

    name: str
    url: str = field(repr=False)
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    context: SSLContext | None = field(default=None, repr=False)
    docs_url: str = ""

    def runbook(self, alert: OutputAlert) -> str:
        """The address of the runbook of an alert, its place in the manual if the settings do not say where that is."""
        place = f"alerts.md#{alert.rule}"
        return f"{self.docs_url.rstrip('/')}/{place}" if self.docs_url else place


class Sender(Protocol):
    """Tells one receiver.

    `batch` is the most alerts of one call, `apart` the least number of seconds between two calls of all replicas
    together, and `again` the seconds until an open alert is sent again (0: never).
    """

    @property
    def batch(self) -> int:
        """Most alerts of one call."""

    @property
    def apart(self) -> float:
        """Least seconds between two calls."""

    @property
    def again(self) -> float:
        """Seconds until an open alert is sent again, 0 for never."""

    async def send(self, claims: Sequence[OutputClaim]) -> None:
        """Tell the receiver of these alerts, at most `batch`. Raises DeliveryFailed."""

    async def check(self) -> str:
        """Check what can be checked without telling anyone; return it in words. Raises DeliveryFailed."""


def rfc3339(at: float) -> str:
    """Unix seconds as a time in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def trial(name: str, now: float, *, resolved: bool = False) -> OutputClaim:
    """An alert that says that it is a test."""
    alert = OutputAlert(
        id=0,
        key=f"cmbot/test/{name}",
        cluster="test",
        rule="cmbot_test",
        subject="",
        severity=Severity.INFO,
        state=AlertState.RESOLVED if resolved else AlertState.FIRING,
        summary="This is a test of cmbot check: nothing is wrong.",
        outcome="The test of cmbot check is over." if resolved else "",
        since=now,
        fired_at=now,
        resolved_at=now if resolved else 0.0,
    )
    return OutputClaim(0, name, alert, alert if resolved else None, 1 + resolved, f"test.{now:.0f}", 0)
