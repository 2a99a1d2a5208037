"""Message keys: each names one message that the bot keeps in Slack. No I/O."""

from typing import Self

from bot.common.frozen import frozen

_ALERT, _CARD, _GROUP, _SILENCE, _STATUS, _UNPOSTED = "alert", "op", "digest", "silence", "status", "unposted"
_NOTICES = frozenset({"blind", "channel", "clock", "handover", "left", "settings", "summary"})
"""Kinds that are posted once and never edited."""
_GROUP_PARTS = 2


@frozen
class MessageKey:
    """The key of one message; its text form (`alert:17`, `alert:17:line:3`, `op:12`) is stored and must not change.

    `parts` follow the kind: the first ones name the subject, later ones a reply in its thread.
    """

    kind: str
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the text form."""
        return ":".join((self.kind, *self.parts))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form; every text is some key, and its text form is the same again."""
        kind, *parts = text.split(":")
        return cls(kind, tuple(parts))

    @classmethod
    def alert(cls, alert_id: int) -> Self:
        """Name the message of an alert."""
        return cls(_ALERT, (str(alert_id),))

    @classmethod
    def card(cls, card_id: int) -> Self:
        """Name the card of an operation: an operation that took over a card has the card's number."""
        return cls(_CARD, (str(card_id),))

    @classmethod
    def group(cls, channel: str, number: int) -> Self:
        """Name the message of a group of alerts, by its number in the channel."""
        return cls(_GROUP, (channel, str(number)))

    @classmethod
    def silence(cls, silence_id: int, *event: str) -> Self:
        """Name the message of a silence, or of an event of it: `lifted`, `over`, or the new end of an extended one."""
        return cls(_SILENCE, (str(silence_id), *event))

    @classmethod
    def report(cls, kind: str, job: str, due_at: float) -> Self:
        """Name the message of a scheduled report; `kind` is `summary` or `handover`."""
        return cls(kind, (job, f"{due_at:.0f}"))

    @classmethod
    def status(cls, channel: str) -> Self:
        """Name the status line of a channel."""
        return cls(_STATUS, (channel,))

    @classmethod
    def clock(cls, replica: str, at: float, channel: str) -> Self:
        """Name the notice that the clock of a replica jumped."""
        return cls("clock", (replica, f"{at:.0f}", channel))

    @classmethod
    def stale(cls, cluster: str, at: float) -> Self:
        """Name the notice that a cluster was not polled for a while."""
        return cls("blind", (cluster, str(int(at))))

    @classmethod
    def left(cls, cluster: str, channel: str, at: float) -> Self:
        """Name the notice that a cluster is no longer configured."""
        return cls("left", (cluster, channel, str(int(at))))

    @classmethod
    def channel_left(cls, cluster: str, channel: str, at: float) -> Self:
        """Name the notice in a channel that the alerts of a cluster are announced elsewhere."""
        return cls("channel", (cluster, channel, str(int(at))))

    @classmethod
    def settings(cls, replica: str, at: float) -> Self:
        """Name the notice that the settings that a person had read again are not used."""
        return cls("settings", (replica, str(int(at))))

    @classmethod
    def unposted(cls, channel: str) -> Self:
        """Name the notice that the bot can post in a channel again; until it is sent, the channel counts as closed."""
        return cls(_UNPOSTED, (channel,))

    def line(self, number: int) -> Self:
        """Name a reply in the thread of an alert or of a group of alerts."""
        return self._reply("line", str(number))

    def step(self, op_id: int, version: int, *, passing: bool) -> Self:
        """Name the reply about one version of an operation; a `passing` one may be replaced before it is posted."""
        return self._reply("step" if passing else "line", f"{op_id}.{version}")

    def direct(self, op_id: int, version: int) -> Self:
        """Name the direct message to the requester about one version of an operation."""
        return self._reply("direct", f"{op_id}.{version}")

    def warning(self, op_id: int, number: int) -> Self:
        """Name the announcement that a lease ends soon."""
        return self._reply("warn", f"{op_id}.{number}")

    def note(self, number: int) -> Self:
        """Name the reply that shows a note."""
        return self._reply("note", str(number))

    def moved(self, alert_id: int) -> Self:
        """Name the reply that an alert folded into this one is in another message now."""
        return self._reply("moved", str(alert_id))

    def page(self, number: int) -> Self:
        """Name a page of a report, in the thread of the report."""
        return self._reply(str(number))

    def _reply(self, *parts: str) -> Self:
        return type(self)(self.kind, (*self.parts, *parts))

    @property
    def lines(self) -> str:
        """The prefix of the text forms of all lines of an alert or of a group of alerts."""
        return f"{self}:line:"

    def passing_steps(self, op_id: int) -> str:
        """Return the prefix of the text forms of an operation's passing steps."""
        return f"{self}:step:{op_id}."

    @property
    def root(self) -> Self:
        """The message of the subject itself."""
        return type(self)(self.kind, self.parts[: self._own_parts])

    @property
    def is_root(self) -> bool:
        """True for the message of a subject, which is edited; False for replies and notices."""
        return len(self.parts) <= self._own_parts

    @property
    def _own_parts(self) -> int:
        return _GROUP_PARTS if self.kind == _GROUP else 1

    @property
    def alert_id(self) -> int | None:
        """The alert whose message this is, None for any other message."""
        return self._number if self.kind == _ALERT and self.is_root else None

    @property
    def card_id(self) -> int | None:
        """The card that this is, None for any other message."""
        return self._number if self.kind == _CARD and self.is_root else None

    @property
    def group_channel(self) -> str | None:
        """The channel of a group's message, None for any other message."""
        return self.parts[0] if self.kind == _GROUP and self.parts else None

    @property
    def subject_id(self) -> int | None:
        """The number of the alert, operation or silence that the message is about, None for other subjects."""
        return self._number if self.kind in {_ALERT, _CARD, _SILENCE} else None

    @property
    def _number(self) -> int | None:
        number = self.parts[0] if self.parts else ""
        return int(number) if number.isdecimal() else None

    @property
    def is_notice(self) -> bool:
        """True for a message that is posted once and never edited."""
        return self.kind in _NOTICES

    @property
    def is_status(self) -> bool:
        """True for the status line of a channel."""
        return self.kind == _STATUS

    @property
    def is_unposted(self) -> bool:
        """True for the notice of `unposted`."""
        return self.kind == _UNPOSTED

    @property
    def of_operation(self) -> bool:
        """True for a card and for the replies in its thread."""
        return self.kind == _CARD

    @property
    def of_alerts(self) -> bool:
        """True for an alert, a group of alerts, and the replies in their threads."""
        return self.kind in {_ALERT, _GROUP}


UNPOSTED_PREFIX = f"{_UNPOSTED}:"
"""The prefix of the text forms of all keys made by `MessageKey.unposted`."""
