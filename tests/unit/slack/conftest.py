"""Payloads as Slack sends them, and a dispatcher that only notes what it is handed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.dispatch import Click, Invocation
from bot.errors import StoreError

COMMAND: Mapping[str, Any] = {
    "command": "/cm",
    "text": "stat prod",
    "trigger_id": "11.22.abc",
    "user_id": "U0ALICE",
    "channel_id": "C0STORAGE",
    "response_url": "https://hooks.slack.com/commands/1",
    "team_id": "T1",
}
CLICK: Mapping[str, Any] = {
    "type": "block_actions",
    "trigger_id": "33.44.def",
    "user": {"id": "U0ALICE"},
    "team": {"id": "T1"},
    "channel": {"id": "C0STORAGE"},
    "container": {"type": "message", "message_ts": "1.5", "channel_id": "C0STORAGE"},
    "message": {"ts": "1.5"},
    "response_url": "https://hooks.slack.com/actions/1",
    "actions": [{"type": "button", "action_id": "op_confirm", "block_id": "b", "value": "7:1"}],
}
HOME: Mapping[str, Any] = {
    "type": "event_callback",
    "event_id": "Ev1",
    "team_id": "T1",
    "event": {"type": "app_home_opened", "user": "U0ALICE", "tab": "home", "channel": "D1"},
}


@dataclass
class Desk:
    """Notes what was persisted, worked and read; `down` makes its store fail."""

    down: bool = False
    accepted: list[Invocation | Click] = field(default_factory=list)
    worked: list[Invocation | Click] = field(default_factory=list)
    answered: list[Invocation | Click] = field(default_factory=list)

    def changes(self, text: str) -> bool:
        return text.startswith("task")

    async def accept(self, work: Invocation | Click) -> bool:
        if self.down:
            raise StoreError("the database does not answer")
        if any(work.key == earlier.key for earlier in self.accepted):
            return False
        self.accepted.append(work)
        return True

    async def work(self, work: Invocation | Click) -> None:
        self.worked.append(work)

    async def read(self, work: Invocation | Click) -> None:
        self.answered.append(work)


@pytest.fixture
def desk() -> Desk:
    """A dispatcher that only notes."""
    return Desk()
