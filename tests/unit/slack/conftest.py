"""Payloads as Slack sends them, and a dispatcher that only records."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.chatops.dispatcher import Dispatcher
from bot.common.errors import StoreError
from bot.interactions.events import Work

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
VIEW: Mapping[str, Any] = {
    "id": "V1",
    "type": "modal",
    "hash": "1.abc",
    "callback_id": "cmbot_change:1",
    "private_metadata": "sealed",
    "state": {
        "values": {
            "b1": {"kind": {"type": "static_select", "selected_option": {"value": "task disable"}}},
            "b2": {"reason": {"type": "plain_text_input", "value": "rush hour"}},
            "b3": {"dry_run": {"type": "checkboxes", "selected_options": [{"value": "yes"}]}},
            "b4": {"force": {"type": "checkboxes", "selected_options": []}},
        }
    },
}
VIEW_ACT: Mapping[str, Any] = {
    "type": "block_actions",
    "trigger_id": "77.88.jkl",
    "user": {"id": "U0ALICE"},
    "container": {"type": "view", "view_id": "V1"},
    "view": VIEW,
    "actions": [{"type": "button", "action_id": "home:status", "block_id": "b", "value": "prod"}],
}
SUBMISSION: Mapping[str, Any] = {
    "type": "view_submission",
    "trigger_id": "99.11.mno",
    "user": {"id": "U0ALICE"},
    "view": VIEW,
}
HOME: Mapping[str, Any] = {
    "type": "event_callback",
    "event_id": "Ev1",
    "team_id": "T1",
    "event": {"type": "app_home_opened", "user": "U0ALICE", "tab": "home", "channel": "D1"},
}


MENTION: Mapping[str, Any] = {
    "type": "event_callback",
    "event_id": "Ev2",
    "team_id": "T1",
    "event": {
        "type": "app_mention",
        "user": "U0ALICE",
        "text": "<@U0CMBOT> stat",
        "ts": "1.5",
        "thread_ts": "1.1",
        "channel": "C0STORAGE",
    },
}
SHORTCUT: Mapping[str, Any] = {
    "type": "message_action",
    "callback_id": "cm_acknowledge",
    "trigger_id": "77.88.pqr",
    "user": {"id": "U0ALICE"},
    "channel": {"id": "C0STORAGE", "name": "storage"},
    "message_ts": "1.5",
    "message": {"type": "message", "user": "U0BOB", "ts": "1.5", "thread_ts": "1.1", "text": "a secret"},
    "response_url": "https://hooks.slack.com/app/1",
}


class RecordingDispatcher(Dispatcher):
    """Records what was stored, worked and executed; `down` makes its store fail."""

    def __init__(self) -> None:
        self.down = False
        self.accepted: list[Work] = []
        self.worked: list[Work] = []
        self.answered: list[Work] = []

    async def accept(self, work: Work) -> bool:
        if self.down:
            raise StoreError("the database does not answer")
        if any(work.key == earlier.key for earlier in self.accepted):
            return False
        self.accepted.append(work)
        return True

    async def work(self, work: Work) -> None:
        self.worked.append(work)

    async def execute(self, work: Work) -> None:
        self.answered.append(work)


@pytest.fixture
def dispatcher() -> RecordingDispatcher:
    """A dispatcher that only records."""
    return RecordingDispatcher()
