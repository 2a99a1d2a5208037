"""Fuzz targets: one function per input from outside; each raises when the program does not answer as specified."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from pydantic import SecretStr

from bot.chatops.button_router import _alert_of
from bot.chatops.commands.parser import is_changing, parse
from bot.chatops.commands.registry import COMMANDS
from bot.chatops.forms.events import ViewSubmission
from bot.chatops.forms.fields import FORMS, values_of
from bot.chatops.forms.signing import verify
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.status_codes import Answer
from bot.common.errors import ClusterError, ConfigError, UserError
from bot.config import Secrets
from bot.config.loader import parse as parse_settings
from bot.interactions.events import Click
from bot.slack.http import _read as read_body
from bot.slack.payloads import read as read_payload

HOST = "127.0.0.1:9998"
CLUSTERS = ("prod", "test-2")
MAX_INPUT = 16_384
"""Bytes of one input; larger bodies are bounded before they are parsed (tests of the transport and of HTTP mode)."""


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of input: `check` raises for a fault, `seeds` are valid inputs."""

    name: str
    check: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def slash_text(data: bytes) -> None:
    """Text behind /cm: a command or one bounded sentence."""
    text = data.decode("utf-8", "surrogateescape")
    with suppress(UserError):
        is_changing(text)
        parsed = parse(text, COMMANDS, clusters=CLUSTERS, default_cluster="prod")
        assert parsed.command in COMMANDS
        assert parsed.cluster in {None, *CLUSTERS}


def action_value(data: bytes) -> None:
    """The value of a clicked button: an operation, an alert, or a refusal."""
    value = data.decode("utf-8", "surrogateescape")
    found = read_payload(_click(value))
    if isinstance(found, Click):
        assert 0 <= found.number("op") < 1 << 53
        with suppress(UserError):
            assert 0 < _alert_of(found) < 1 << 53


def _click(value: str) -> Mapping[str, object]:
    return {
        "type": "block_actions",
        "trigger_id": "1.2.abc",
        "user": {"id": "U0ALICE"},
        "channel": {"id": "C0OPERATIONS"},
        "container": {"message_ts": "1.2", "channel_id": "C0OPERATIONS"},
        "actions": [{"action_id": "op_confirm", "type": "button", "value": value}],
    }


def view_state(data: bytes) -> None:
    """A submitted form: the state of its inputs and its signed metadata."""
    try:
        view = json.loads(data)
    except (ValueError, RecursionError):
        return
    found = read_payload({"type": "view_submission", "trigger_id": "1.2.abc", "user": {"id": "U0ALICE"}, "view": view})
    if isinstance(found, ViewSubmission):
        with suppress(UserError):
            verify(found.view.sealed, b"key", found.user)
        for kind in FORMS:
            assert all(isinstance(value, str) for value in values_of(kind, found.view.values).values())


def http_body(data: bytes) -> None:
    """The body of a signed delivery, as a form and as JSON: a payload, or an error that is answered 400."""
    for kind in ("application/x-www-form-urlencoded", "application/json"):
        with suppress(ValueError, TypeError, LookupError, AttributeError, RecursionError):
            read_payload(read_body(data, kind).body)


class _CannedWire:
    """A transport that answers every read with one body, and accepts every write."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def get(self, host: str, target: str, *_: object) -> Answer:  # noqa: ARG002 - the transport's port
        return Answer(host=host, status=200, body=self._body, trace_id="", took=0.0, is_json=True)


def cluster_answer(data: bytes) -> None:
    """A body of a cluster's answer, to every reading call: a typed value or a ClusterError."""
    client = ClustermgrClient((HOST,))
    client._transport = _CannedWire(data)  # type: ignore[assignment]
    calls: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: client.stat(HOST),
        lambda: client.config_get("balance", host=HOST),
        lambda: client.disk_list(limit=400),
        client.disk_dropping,
        lambda: client.disk_chunks(1),
        lambda: client.disk_info(1),
        lambda: client.kv_list(HOST),
        lambda: client.config_list(HOST),
    )

    async def ask() -> None:
        for call in calls:
            with suppress(ClusterError):
                await call()

    asyncio.run(ask())


def settings_text(data: bytes) -> None:
    """The settings file: settings, or one line per problem."""
    text = data.decode("utf-8", "replace")
    secrets = Secrets.model_construct(
        slack_bot_token=SecretStr("xoxb-1-2-abc"), slack_app_token=SecretStr("xapp-1-A1-2-abc")
    )
    with suppress(ConfigError):
        parse_settings(text, secrets=secrets, environment={})


_STAT = b'{"leader_host":"127.0.0.1:9998","raft_status":{"nodeId":1,"term":2,"leader":1,"peers":[{"id":1}]}}'
_DISKS = b'{"disks":[{"disk_id":1,"status":2,"host":"http://127.0.0.1:8899","idc":"z0"}],"marker":0}'
_SETTINGS = (
    b"slack: {api_url: 'http://127.0.0.1:1/api/'}\nclusters:\n  - {name: prod, hosts: ['h:1'], alert_channel: C0A}\n"
)

TARGETS = (
    Target(
        "slash_text",
        slash_text,
        (
            b'task enable balance for=2h reason="a b" prod',
            b"silence disk_broken subject=3",
            b"member add 4 [fd00::2]:1",
        ),
    ),
    Target("action_value", action_value, (b'{"op": 12, "v": 3}', b'{"alert": 4, "for": "2h"}')),
    Target(
        "view_state",
        view_state,
        (
            b'{"id":"V1","hash":"h","callback_id":"c","private_metadata":"","state":{"values":{"b":{"a":{"value":"x"}}}}}',
        ),
    ),
    Target(
        "http_body", http_body, (b"command=%2Fcm&text=stat&trigger_id=1", b"payload=%7B%22type%22%3A%22x%22%7D", b"{}")
    ),
    Target("cluster_answer", cluster_answer, (_STAT, _DISKS, b'"true"', b'{"configs":{"balance":"true"}}', b"{}")),
    Target("settings_text", settings_text, (_SETTINGS,)),
)
