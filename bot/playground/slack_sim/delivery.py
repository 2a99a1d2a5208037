"""Delivery to the app: over a socket, else by signed HTTP; acknowledged within three seconds, events retried."""

import asyncio
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.playground.slack_sim.faults import Faults
from bot.playground.slack_sim.sockets import Socket, Sockets
from bot.playground.slack_sim.workspace import Workspace

COMMAND, INTERACTION, EVENT = "slash_commands", "interactive", "events_api"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Ack:
    """How the app acknowledged: `error` is "", `operation_timeout` or `dispatch_failed`; `payload` what it said.

    `errors` is what is wrong in a submitted form, by block_id.
    """

    error: str = ""
    payload: Any = None
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Delivery:
    """Hands payloads to the app: over its sockets, or signed to `request_url` while it has none.

    `ack_seconds` and `retry_delays` (the pauses before the retries of an event) are real seconds.
    """

    workspace: Workspace
    faults: Faults
    links: Sockets
    signing_secret: str
    request_url: str = ""
    ack_seconds: float = 3.0
    retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def connected(self) -> bool:
        """Whether a payload would find its way."""
        return bool(self.sockets) or bool(self.request_url)

    @property
    def sockets(self) -> list[Socket]:
        """The open Socket Mode connections."""
        return self.links.open

    async def disconnect(self, *, warning: bool = False) -> None:
        """Ask every connection to come back anew, then close it."""
        await self.links.disconnect(warning=warning)

    async def deliver(self, kind: str, payload: Mapping[str, Any], retry: int = 0) -> Ack:
        """Hand over one payload and wait for its acknowledgement; a late one is noted as a violation."""
        times = 2 if self.faults.take(("duplicate",)) else 1
        lost = self.faults.take(("lost_delivery",)) is not None
        if self.sockets:
            ack, excused = await self._by_socket(kind, payload, retry, 0 if lost else times)
        elif self.request_url:
            answers = [await self._by_http(kind, payload, retry) for _ in range(times)]
            ack, excused = answers[0], False
        else:
            ack, excused = Ack("dispatch_failed"), False
        if ack.error and not excused:
            self.workspace.violate(ack.error, f"{kind} {_named(payload)}was not acknowledged", kind)
        return ack

    async def _by_socket(self, kind: str, payload: Mapping[str, Any], retry: int, times: int) -> tuple[Ack, bool]:
        key = str(uuid.uuid4())
        envelope: dict[str, Any] = {"envelope_id": key, "type": kind, "payload": payload}
        envelope["accepts_response_payload"] = kind == COMMAND or payload.get("type") == "view_submission"
        if kind == EVENT:
            envelope |= {"retry_attempt": retry, "retry_reason": "timeout" if retry else ""}
        future = self.links.waiting[key] = asyncio.get_running_loop().create_future()
        arrived = [await self.links.send(envelope) for _ in range(times)]
        try:
            async with asyncio.timeout(self.ack_seconds):
                return Ack(payload=await future), False
        except TimeoutError:
            return Ack("operation_timeout"), not any(arrived)
        finally:
            del self.links.waiting[key]

    async def _by_http(self, kind: str, payload: Mapping[str, Any], retry: int) -> Ack:
        body, content_type = _body(kind, payload)
        headers = self.signed(body) | {"Content-Type": content_type}
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.ack_seconds)) as session,
                session.post(self.request_url, data=body, headers=headers) as response,
            ):
                text = await response.text()
        except TimeoutError:
            return Ack("operation_timeout")
        except aiohttp.ClientError:
            return Ack("dispatch_failed")
        return Ack(payload=_said(text)) if response.ok else Ack("dispatch_failed")

    def signed(self, body: bytes, at: float | None = None) -> dict[str, str]:
        """The signature headers of a request body (Slack's v0 scheme), at a time of Unix seconds."""
        stamp = str(int(self.workspace.clock() if at is None else at))
        digest = hmac.new(self.signing_secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

    async def event(self, payload: Mapping[str, Any]) -> Ack:
        """Send an event: the first attempt is awaited, the retries that it needs run on."""
        ack = await self.deliver(EVENT, payload)
        if ack.error:
            task = asyncio.create_task(self._retry(payload))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return ack

    async def _retry(self, payload: Mapping[str, Any]) -> None:
        for retry, delay in enumerate(self.retry_delays, start=1):
            await asyncio.sleep(delay)
            ack = await self.deliver(EVENT, payload, retry)
            if not ack.error:
                return

    async def close(self) -> None:
        """End the retries."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _named(payload: Mapping[str, Any]) -> str:
    actions: Any = payload.get("actions") or ({},)
    name: Any = payload.get("command") or actions[0].get("action_id") or payload.get("type")
    return f"({name}) " if name else ""


def _body(kind: str, payload: Mapping[str, Any]) -> tuple[bytes, str]:
    if kind == COMMAND:
        flat = {key: "false" if value is False else value for key, value in payload.items() if value is not None}
        return urlencode(flat).encode(), _FORM
    if kind == INTERACTION:
        return urlencode({"payload": json.dumps(payload)}).encode(), _FORM
    return json.dumps(payload).encode(), "application/json"


def _said(text: str) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return {"text": text}
