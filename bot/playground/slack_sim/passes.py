"""What an interaction hands to the app for a short time: trigger ids and response addresses."""

import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

TRIGGER_SECONDS = 3.0
RESPONSE_SECONDS = 1800.0
RESPONSE_USES = 5


@dataclass(slots=True)
class ResponseUrl:
    """Where the app may answer one interaction; `original` is the ts of the message that can be replaced."""

    channel: str
    user: str
    until: float
    original: str = ""
    thread_ts: str = ""
    uses: int = 0


@dataclass(slots=True)
class Trigger:
    """Leave to open one modal for one person."""

    user: str
    until: float
    used: bool = False


@dataclass(slots=True)
class Passes:
    """All triggers and response addresses given out; `clock` gives Unix seconds."""

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
