"""State of the workspace: messages, views, triggers, response URLs and violations."""

import asyncio
import itertools
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from bot.playground.slack_sim.errors import ERROR, Violation, not_allowed
from bot.playground.slack_sim.message import Message, View
from bot.playground.slack_sim.team import Channel, Team

TRIGGER_SECONDS = 3.0
RESPONSE_SECONDS = 1800.0
RESPONSE_USES = 5


@dataclass(slots=True)
class ResponseUrl:
    """A URL for answers to one interaction; `original` is the ts of the message that an answer can replace."""

    channel: str
    user: str
    until: float
    original: str = ""
    thread_ts: str = ""
    uses: int = 0


@dataclass(slots=True)
class Trigger:
    """A trigger: permission to open one modal for one person."""

    user: str
    until: float
    used: bool = False


@dataclass(slots=True)
class Grants:
    """The triggers and response URLs that were issued; `clock` returns Unix seconds."""

    clock: Callable[[], float]
    triggers: dict[str, Trigger] = field(default_factory=dict)
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1_000_000_001))

    def new_trigger(self, user: str) -> str:
        """A trigger id, good for one modal within three seconds."""
        key = f"{next(self._numbers)}.{next(self._numbers)}.{secrets.token_hex(16)}"
        self.triggers[key] = Trigger(user, self.clock() + TRIGGER_SECONDS)
        return key

    def use_trigger(self, key: str) -> tuple[str, str]:
        """(person, "") and the trigger is used; or ("", Slack's error code)."""
        trigger = self.triggers.get(key)
        if trigger is None:
            return "", "invalid_trigger_id"
        if trigger.used:
            return "", "exchanged_trigger_id"
        if self.clock() > trigger.until:
            return "", "expired_trigger_id"
        trigger.used = True
        return trigger.user, ""

    def new_response_url(self, channel: str, user: str, *, original: str = "", thread_ts: str = "") -> str:
        """The key of an address at which one interaction may be answered."""
        key = secrets.token_hex(12)
        until = self.clock() + RESPONSE_SECONDS
        self.response_urls[key] = ResponseUrl(channel, user, until, original=original, thread_ts=thread_ts)
        return key

    def use_response_url(self, key: str) -> tuple[ResponseUrl | None, str]:
        """(the address, "") and one use is gone; or (None, Slack's error code)."""
        held = self.response_urls.get(key)
        if held is None:
            return None, "invalid_url"
        if self.clock() > held.until:
            return None, "expired_url"
        if held.uses >= RESPONSE_USES:
            return None, "used_url"
        held.uses += 1
        return held, ""


__all__ = ["Event", "Message", "View", "Violation", "Workspace"]

T = TypeVar("T")
Event = Mapping[str, Any]


@dataclass(slots=True)
class Workspace:
    """State of the workspace; `clock` returns Unix seconds. Observers are called at every change."""

    team: Team
    clock: Callable[[], float]
    messages: list[Message] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    modals: dict[str, list[View]] = field(default_factory=dict)
    homes: dict[str, View] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    ims: dict[str, str] = field(default_factory=dict)
    observers: set[Callable[[Event], None]] = field(default_factory=set)
    refused_kinds: set[str] = field(default_factory=set)
    """Kinds of blocks that the workspace does not take, as one where a new kind is not available yet."""
    refusals: int = 0
    """Number of messages that were refused for that."""
    grants: Grants = field(init=False)
    _last_ts: int = 0
    _places: dict[tuple[str, str], int] = field(default_factory=dict)
    _threads: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.grants = Grants(self.clock)

    def new_ts(self) -> str:
        """A unique timestamp, later than all earlier ones."""
        self._last_ts = max(int(self.clock() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_id(self, kind: str) -> str:
        """An id of that kind (`V`, `F`), unique in this workspace."""
        return f"{kind}0{next(self._ids):08X}"

    def notify(self, event: Event) -> None:
        """Notify the page and waiting callers of a change."""
        for observer in tuple(self.observers):
            observer(event)

    # --- channels

    def channel(self, key: str) -> Channel | None:
        """The channel of that id or name (`#ops`); a direct conversation by its id."""
        for channel in self.team.channels:
            if key in {channel.id, channel.name, f"#{channel.name}"}:
                return channel
        user = next((user for user, im in self.ims.items() if im == key), None)
        return Channel(key, "directmessage", members=(user,), is_im=True) if user else None

    def open_im(self, user: str) -> Channel:
        """The direct conversation between the app and a person, opened when there is none."""
        key = self.ims.setdefault(user, f"D0{user[2:]}")
        return Channel(key, "directmessage", members=(user,), is_im=True)

    # --- messages

    def add(self, message: Message) -> Message:
        """Put a message (its `ts` is given by the workspace unless set)."""
        placed = replace(message, ts=message.ts or self.new_ts())
        self._places[placed.channel, placed.ts] = len(self.messages)
        if placed.thread_ts:
            self._threads.setdefault((placed.channel, placed.thread_ts), []).append(len(self.messages))
        self.messages.append(placed)
        self._notify_of("ephemeral" if placed.only_for else "message", placed)
        return placed

    def find(self, channel: str, ts: str) -> Message | None:
        """The message of that timestamp, unless it was deleted."""
        place = self._places.get((channel, ts))
        return None if place is None or self.messages[place].deleted else self.messages[place]

    def change(self, message: Message, **changes: Any) -> Message:
        """Replace a message by a changed one."""
        changed = replace(message, **changes)
        self.messages[self._places[message.channel, message.ts]] = changed
        self._notify_of("deleted" if changed.deleted else "changed", changed)
        return changed

    def replies(self, channel: str, ts: str) -> list[Message]:
        """The replies in a thread that all members see, oldest first."""
        thread = (self.messages[place] for place in self._threads.get((channel, ts), ()))
        return [m for m in thread if m.ts != ts and not m.deleted and not m.only_for]

    def visible(self, channel: str, user: str) -> list[Message]:
        """The messages that a person sees in a channel, threads included, oldest first ("": those that all see)."""
        place = self.channel(channel)
        if place is None or (user and not self.team.is_in(user, place)):
            return []
        return [m for m in self.messages if m.channel == place.id and not m.deleted and m.only_for in {"", user}]

    def _notify_of(self, kind: str, message: Message) -> None:
        thread = {"channel": message.channel, "thread_ts": message.thread_ts, "ts": message.ts}
        self.notify({"type": kind, **thread, "user": message.only_for})

    # --- views

    def modal(self, user: str) -> View | None:
        """The modal on top of a person's stack."""
        stack = self.modals.get(user)
        return stack[-1] if stack else None

    def view(self, view_id: str, external_id: str = "") -> View | None:
        """An open modal or a Home tab, by either of its ids."""
        everything = itertools.chain(*self.modals.values(), self.homes.values())
        for view in everything:
            if view.id == view_id or (external_id and view.content.get("external_id") == external_id):
                return view
        return None

    def put_view(self, view: View) -> View:
        """Show a view: in place of the one with its id, else as a person's Home tab or on top of their stack."""
        if view.content.get("type") == "home":
            self.homes[view.user] = view
            self.notify({"type": "home", "user": view.user})
            return view
        stack = self.modals.setdefault(view.user, [])
        at = next((i for i, held in enumerate(stack) if held.id == view.id), len(stack))
        stack[at : at + 1] = [view]
        self.notify({"type": "view", "user": view.user})
        return view

    def drop_views(self, user: str, *, everything: bool = False) -> None:
        """Close the modal on top, or all of a person's."""
        stack = self.modals.get(user, [])
        del stack[0 if everything else -1 :]
        self.notify({"type": "view", "user": user})

    # --- violations, and waits

    def violate(self, rule: str, detail: str, where: str = "") -> None:
        """Record that the app broke a rule (Slack's error code, or a name of ours)."""
        self.violations.append(Violation(self.clock(), rule, detail, where))
        self.notify({"type": "violation"})

    def assert_no_violations(self, allow: Collection[str] = (ERROR,)) -> None:
        """Raise AssertionError if the app broke a rule; `allow` names accepted rules and categories.

        By default, errors about a state of the workspace (a channel without the app) are accepted; `()` accepts none.
        """
        wrong = not_allowed(self.violations, allow)
        if wrong:
            lines = (f"{each.rule} ({each.category}) at {each.where or '-'}: {each.detail}" for each in wrong)
            raise AssertionError("the app broke rules of the platform:\n" + "\n".join(lines))

    async def wait_until(self, look: Callable[[], T | None], timeout: float = 10.0) -> T:  # noqa: ASYNC109 - a caller's plain deadline reads better than a wrapped one
        """Return the first result of `look` that is not empty; it runs at every change. Raises TimeoutError."""
        woken = asyncio.Event()

        def wake(_event: Event) -> None:
            woken.set()

        self.observers.add(wake)
        try:
            async with asyncio.timeout(timeout):
                while not (found := look()):
                    await woken.wait()
                    woken.clear()
                return found
        finally:
            self.observers.discard(wake)

    async def wait_for_message(
        self,
        channel: str,
        fits: Callable[[Message], bool] = lambda _message: True,
        timeout: float = 10.0,  # noqa: ASYNC109 - as in wait_until
    ) -> Message:
        """The newest matching message in a channel (threads and ephemeral ones included). Raises TimeoutError."""
        place = self.channel(channel)
        key = place.id if place else channel

        def look() -> Message | None:
            return next((m for m in reversed(self.messages) if m.channel == key and not m.deleted and fits(m)), None)

        return await self.wait_until(look, timeout)

    async def wait_for_modal(self, user: str, timeout: float = 10.0) -> View:  # noqa: ASYNC109 - as in wait_until
        """The modal a person has open. Raises TimeoutError."""
        return await self.wait_until(lambda: self.modal(user), timeout)
