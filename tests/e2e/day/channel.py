"""The posts, replies and edits of a channel over time, and its page in Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bot.playground.slack_sim.message import Message

_DATE = re.compile(r"<!date\^(\d+)\^[^|>]*\|[^>]*>")
_MENTION = re.compile(r"<(?:@U0|!subteam\^S0)([A-Z0-9]+)(?:\|[^>]*)?>")
_CHANNEL = re.compile(r"<#C0([A-Z0-9]+)(?:\|[^>]*)?>")
_BUTTONS = frozenset({"actions"})


def clock(at: float) -> str:
    """The time of the day."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the day: its kind, its message and its text; `times` counts consecutive edits.

    `key` is the outbox's key of the message, "" where it has none.
    """

    at: float
    kind: str
    ts: str
    text: str
    times: int = 1
    since: float = 0.0
    key: str = ""

    @property
    def shown(self) -> str:
        """The line as the page has it."""
        return "\n".join(_shown(self))


@dataclass
class Channel:
    """One channel; `addresses` maps the host addresses, which differ in each run, to names."""

    addresses: Mapping[str, str]
    entries: list[Entry] = field(default_factory=list)
    _known: dict[str, Message] = field(default_factory=dict)

    def happens(self, words: str, at: float) -> None:
        """Record an event that is not a message."""
        self.entries.append(Entry(at, "happens", "", words))

    def see(self, messages: Sequence[Message], now: float) -> None:
        """Record the difference from the previous state."""
        for message in messages:
            before = self._known.get(message.ts)
            if before is None:
                self.entries.append(Entry(now, self._kind(message), message.ts, self._text(message), key=_key(message)))
            elif before.deleted != message.deleted:
                self.entries.append(Entry(now, "deleted", message.ts, self._plain(before.text), key=_key(message)))
            elif before.text != message.text or before.blocks != message.blocks:
                self._edited(message, now)
            self._known[message.ts] = message

    def _kind(self, message: Message) -> str:
        if message.thread_ts:
            return "broadcast" if message.broadcast else "reply"
        return "post"

    def _edited(self, message: Message, now: float) -> None:
        last = self.entries[-1]
        text = f"{self._plain(message.text)}{self._small_print(message)}"
        if last.kind == "edit" and last.ts == message.ts:
            self.entries[-1] = replace(last, at=now, text=text, times=last.times + 1)
        else:
            self.entries.append(Entry(now, "edit", message.ts, text, since=now, key=_key(message)))

    def _small_print(self, message: Message) -> str:
        """The line that names the person who acknowledged the alert, or ""."""
        lines = [line for block in message.blocks if block["type"] == "context" for line in _lines(block)]
        acked = next((line for line in lines if line.startswith("acknowledged")), "")
        return f" ({self._plain(acked)})" if acked else ""

    def _text(self, message: Message) -> str:
        if message.thread_ts or not message.blocks:
            return self._plain(message.text)
        shown = [line for block in message.blocks for line in _lines(block)]
        return self._plain("\n".join(shown) or message.text)

    def _plain(self, text: str) -> str:
        text = _DATE.sub(lambda found: clock(float(found[1])), text)
        text = _MENTION.sub(lambda found: f"@{found[1].lower()}", text)
        text = _CHANNEL.sub(lambda found: f"#{found[1].lower()}", text)
        for address, name in self.addresses.items():
            text = text.replace(address, name)
        return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")

    def page(self, title: str) -> str:
        """The day in Markdown."""
        return "\n".join([f"## {title}", "", *(f"{entry.shown}\n" for entry in self.entries)])


def _key(message: Message) -> str:
    payload = (message.metadata or {}).get("event_payload", {})
    return str(payload.get("slot", ""))


def _lines(block: Mapping[str, object]) -> Iterable[str]:
    """Visible text of a block, without its buttons."""
    if block["type"] in _BUTTONS:
        return
    if block["type"] == "table":
        rows = block["rows"]
        assert isinstance(rows, list | tuple)
        for row in rows:
            yield " | ".join(_cell(cell) for cell in row)
        return
    held = [block.get("text"), *_listed(block.get("fields")), *_listed(block.get("elements"))]
    for part in held:
        if isinstance(part, Mapping):
            yield str(part.get("text", ""))
    if block["type"] == "data_visualization":
        yield f"[chart: {block.get('title')}]"


def _cell(cell: Mapping[str, object]) -> str:
    return str(cell.get("text", "…"))


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


_MARKS = {"post": "", "reply": "in its thread: ", "broadcast": "in its thread and the channel: "}


def _shown(entry: Entry) -> Iterable[str]:
    if entry.kind == "happens":
        yield f"*{clock(entry.at)} · {entry.text}*"
        return
    if entry.kind == "edit":
        often = f" ({entry.times} times since {clock(entry.since)})" if entry.times > 1 else ""
        yield f"`{clock(entry.at)}` ✎ edited{often}: {_one_line(entry.text)}"
        return
    if entry.kind == "deleted":
        yield f"`{clock(entry.at)}` ✗ deleted: {_one_line(entry.text)}"
        return
    first, *rest = entry.text.split("\n")
    yield f"`{clock(entry.at)}` {_MARKS[entry.kind]}{_bold(first)}"
    for line in rest:
        yield ">"
        yield f"> {_bold(line)}"


def _bold(text: str) -> str:
    """Convert Slack bold to Markdown bold."""
    return re.sub(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])", r"**\1**", text).replace("•", "-")


def _one_line(text: str) -> str:
    return _bold(" ".join(text.split()))
