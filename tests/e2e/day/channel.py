"""The posts, replies and edits of a channel over time, and its page in Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import takewhile

from bot.playground.slack_sim.message import Message

_DATE = re.compile(r"<!date\^(\d+)\^[^|>]*\|[^>]*>")
_NAMES = re.compile(r"`[^`]*`|\d+")
_DAY_SECONDS = 86400
_MAX_LINES = 3
"""Lines of a list that the page shows of a message; the others are counted."""
_MENTION = re.compile(r"<(?:@U0|!subteam\^S0)([A-Z0-9]+)(?:\|[^>]*)?>")
_CHANNEL = re.compile(r"<#C0([A-Z0-9]+)(?:\|[^>]*)?>")
_BUTTONS = frozenset({"actions"})


def clock(at: float) -> str:
    """The time of the day."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M")


def shown_time(at: float, now: float) -> str:
    """The time of the day, with the day where it is not that of `now`."""
    days = int(at // _DAY_SECONDS) - int(now // _DAY_SECONDS)
    if days == 0:
        return clock(at)
    named = {-1: "yesterday", 1: "tomorrow"}.get(days) or datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
    return f"{named} {clock(at)}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the day: its kind, its message and its text; `times` counts consecutive edits.

    `key` is the outbox's key of the message, "" where it has none; `also` is where the text of an edit was posted too.
    """

    at: float
    kind: str
    ts: str
    text: str
    times: int = 1
    since: float = 0.0
    key: str = ""
    thread: str = ""
    also: str = ""

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
    _now: float = 0.0

    @property
    def folded(self) -> list[Entry]:
        """The entries as the page has them: each edit once, with its line in the thread; one of several alike."""
        return fold_alike(fold_edits(merge_lines(self.entries)))

    def happens(self, words: str, at: float) -> None:
        """Record an event that is not a message."""
        self.entries.append(Entry(at, "happens", "", words))

    def see(self, messages: Sequence[Message], now: float) -> None:
        """Record the difference from the previous state."""
        self._now = now
        for message in messages:
            before = self._known.get(message.ts)
            if before is None:
                text, thread = self._text(message), message.thread_ts
                kind = self._kind(message)
                self.entries.append(Entry(now, kind, message.ts, text, key=_key(message), thread=thread))
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
        shown = [line for block in message.blocks for line in _shown_lines(block)]
        return self._plain("\n".join(shown) or message.text)

    def _plain(self, text: str) -> str:
        text = _DATE.sub(lambda found: shown_time(float(found[1]), self._now), text)
        text = _MENTION.sub(lambda found: f"@{found[1].lower()}", text)
        text = _CHANNEL.sub(lambda found: f"#{found[1].lower()}", text)
        for address, name in self.addresses.items():
            text = text.replace(address, name)
        return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")

    def page(self, title: str) -> str:
        """The day in Markdown."""
        return "\n".join([f"## {title}", "", *(f"{entry.shown}\n" for entry in self.folded)])


def merge_lines(entries: Sequence[Entry]) -> list[Entry]:
    """Merge a reply into the edit before it if both say the same."""
    merged: list[Entry] = []
    for entry in entries:
        last = merged[-1] if merged else None
        if (
            last is not None
            and last.kind == "edit"
            and not last.also
            and entry.kind in _MARKS
            and entry.thread == last.ts
            and _one_line(entry.text) == _one_line(last.text)
        ):
            merged[-1] = replace(last, also=entry.kind, at=entry.at)
        else:
            merged.append(entry)
    return merged


def fold_edits(entries: Sequence[Entry]) -> list[Entry]:
    """Leave out an edit that no one was notified of if another one follows before the next event of the day."""
    folded: list[Entry] = []
    later: dict[str, int] = {}
    for entry in reversed(entries):
        if entry.kind == "happens":
            later.clear()
        at = later.get(entry.ts) if entry.kind == "edit" else None
        if at is not None and not entry.also:
            follower = folded[at]
            folded[at] = replace(follower, times=follower.times + entry.times, since=entry.since or entry.at)
            continue
        folded.append(entry)
        if entry.kind == "edit":
            later[entry.ts] = len(folded) - 1
    return folded[::-1]


def fold_alike(entries: Sequence[Entry]) -> list[Entry]:
    """Count messages that differ from the one before in names and numbers only, if they came at one time."""
    folded: list[Entry] = []
    shape = ""
    for entry in entries:
        last = folded[-1] if folded else None
        alike = entry.kind == "post" and last is not None and entry.at == last.at and _shape(entry) == shape
        if alike and last is not None and last.kind == "alike":
            folded[-1] = replace(last, times=last.times + 1)
        elif alike:
            folded.append(replace(entry, kind="alike"))
        else:
            folded.append(entry)
            shape = _shape(entry) if entry.kind == "post" else ""
    return folded


def _shape(entry: Entry) -> str:
    return _NAMES.sub("_", entry.text)


def _key(message: Message) -> str:
    payload = (message.metadata or {}).get("event_payload", {})
    return str(payload.get("slot", ""))


def _lines(block: Mapping[str, object]) -> Iterable[str]:
    """Visible text of a block, without its buttons."""
    if block["type"] in _BUTTONS:
        return
    if block["type"] in {"table", "data_table"}:
        rows = block["rows"]
        assert isinstance(rows, list | tuple)
        for row in rows:
            yield " | ".join(_cell(cell) for cell in row)
        return
    if isinstance(title := block.get("title"), Mapping):
        # Folded: a reader sees the title.
        yield f"▸ {title.get('text', '')}"
        return
    held = [block.get("text"), *_listed(block.get("elements"))]
    for part in held:
        if isinstance(part, Mapping):
            yield str(part.get("text", ""))
    for part in _listed(block.get("fields")):
        if isinstance(part, Mapping):
            # A label, and below it the value.
            yield str(part.get("text", "")).replace("\n", " ")
    if block["type"] == "data_visualization":
        yield f"[chart: {block.get('title')}]"


def _shown_lines(block: Mapping[str, object]) -> Iterable[str]:
    """The lines of a block as the page has them: small print is one line."""
    lines = list(_lines(block))
    return [" · ".join(lines)] if block["type"] == "context" and lines else lines


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
        also = f", and {_MARKS[entry.also].removesuffix(': ')}" if entry.also else ""
        yield f"`{clock(entry.at)}` ✎ edited{often}{also}: {_one_line(entry.text)}"
        return
    if entry.kind == "alike":
        messages = "message" if entry.times == 1 else "messages"
        yield f"`{clock(entry.at)}` … and {entry.times} more {messages} like it, with other names and numbers"
        return
    if entry.kind == "deleted":
        yield f"`{clock(entry.at)}` ✗ deleted: {_one_line(entry.text)}"
        return
    first, *rest = entry.text.split("\n")
    yield f"`{clock(entry.at)}` {_MARKS[entry.kind]}{_bold(first)}"
    points = 0
    for line in rest:
        points = points + 1 if line.startswith("•") else 0
        if points <= _MAX_LINES:
            yield from (() if points > 1 else (">",))
            yield f"> {_bold(line)}"
        elif points == _MAX_LINES + 1:
            more = _points_from(rest, line)
            yield f"> - … {more} more {'line' if more == 1 else 'lines'}"


def _points_from(lines: Sequence[str], first: str) -> int:
    """Number of lines of a list from its line `first` on."""
    return len([*takewhile(lambda line: line.startswith("•"), lines[lines.index(first) :])])


def _bold(text: str) -> str:
    """Convert Slack bold to Markdown bold."""
    return re.sub(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])", r"**\1**", text).replace("•", "-")


def _one_line(text: str) -> str:
    return _bold(" ".join(text.split()))
