"""The state of the workspace: messages, views, triggers, response addresses, and everything the app did wrong."""

import itertools
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.playground.slack.team import Team

TRIGGER_SECONDS = 3.0
RESPONSE_SECONDS = 1800.0
RESPONSE_USES = 5


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `only_for` is the one person who sees an ephemeral one; `user` is who wrote it."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: tuple[Mapping[str, Any], ...] = ()
    metadata: Mapping[str, Any] | None = None
    thread_ts: str = ""
    broadcast: bool = False
    edited: bool = False
    deleted: bool = False
    only_for: str = ""
    pinned: bool = False
    files: tuple[Mapping[str, Any], ...] = ()

    @property
    def full_text(self) -> str:
        """The fallback and every text in the blocks, one a line: what asserts look at."""
        return "\n".join([self.text, *_texts(list(self.blocks))])


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        own = [held for key, held in value.items() if key in {"text", "title", "caption"} and isinstance(held, str)]
        return own + [text for key, held in value.items() if not isinstance(held, str) for text in _texts(held)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return []


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule of the platform that the app broke; `rule` names its kind."""

    at: float
    rule: str
    detail: str


@dataclass(slots=True)
class ResponseUrl:
    """Where the app may answer one interaction: so often, so long."""

    channel: str
    user: str
    until: float
    original: str = ""
    thread_ts: str = ""
    uses: int = 0


@dataclass(slots=True)
class View:
    """An open modal or a Home tab; `user` is who sees it."""

    id: str
    user: str
    content: Mapping[str, Any]
    hash: str


Event = Mapping[str, Any]


@dataclass(slots=True)
class Workspace:
    """All that the workspace knows; `clock` gives Unix seconds. Observers are told of every change."""

    team: Team
    clock: Callable[[], float]
    messages: list[Message] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    views: dict[str, View] = field(default_factory=dict)
    homes: dict[str, View] = field(default_factory=dict)
    triggers: dict[str, tuple[str, float]] = field(default_factory=dict)
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)
    reactions: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    observers: set[Callable[[Event], None]] = field(default_factory=set)
    _last_ts: int = 0
    _ids: "itertools.count[int]" = field(default_factory=itertools.count)

    def new_ts(self) -> str:
        """A timestamp that no other message has and that is later than all before."""
        self._last_ts = max(int(self.clock() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_id(self, kind: str) -> str:
        """An id of that kind (`V`, `F`), unique in this workspace."""
        return f"{kind}0{next(self._ids):06X}"

    def violate(self, rule: str, detail: str) -> None:
        """Note that the app broke a rule."""
        self.violations.append(Violation(self.clock(), rule, detail))
        self.tell({"type": "violation"})

    def tell(self, event: Event) -> None:
        """Tell the page and whoever waits that something changed."""
        for observer in tuple(self.observers):
            observer(event)

    # --- messages

    def add(self, message: Message) -> Message:
        """Put a message (its `ts` is given by the workspace unless set)."""
        placed = replace(message, ts=message.ts or self.new_ts())
        self.messages.append(placed)
        kind = "ephemeral" if placed.only_for else "message"
        self.tell({"type": kind, "channel": placed.channel, "thread_ts": placed.thread_ts, "user": placed.only_for})
        return placed

    def find(self, channel: str, ts: str) -> Message | None:
        """The message of that timestamp, unless it was deleted."""
        return next((m for m in self.messages if (m.channel, m.ts) == (channel, ts) and not m.deleted), None)

    def change(self, message: Message, **changes: Any) -> Message:
        """Replace a message by a changed one."""
        changed = replace(message, **changes)
        self.messages[self.messages.index(message)] = changed
        kind = "deleted" if changed.deleted else "changed"
        self.tell({"type": kind, "channel": changed.channel, "thread_ts": changed.thread_ts})
        return changed

    def visible(self, channel: str, user: str) -> list[Message]:
        """What a person sees in a channel, threads included, oldest first."""
        return [m for m in self.messages if m.channel == channel and not m.deleted and m.only_for in {"", user}]

    # --- what an interaction is given

    def new_trigger(self, user: str) -> str:
        """A trigger id, good for one modal within three seconds."""
        trigger = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self.triggers[trigger] = (user, self.clock() + TRIGGER_SECONDS)
        return trigger

    def use_trigger(self, trigger: str) -> str | None:
        """The person whose trigger it is; None when it is unknown, used or expired (a violation)."""
        user, until = self.triggers.pop(trigger, ("", 0.0))
        if user and self.clock() <= until:
            return user
        self.violate("expired_trigger_id", "a trigger_id was used twice, or later than 3 s")
        return None

    def new_response_url(self, channel: str, user: str, *, original: str = "", thread_ts: str = "") -> str:
        """The key of an address at which one interaction may be answered."""
        key = secrets.token_hex(12)
        until = self.clock() + RESPONSE_SECONDS
        self.response_urls[key] = ResponseUrl(channel, user, until, original=original, thread_ts=thread_ts)
        return key
