"""Messages and views (modals, Home tabs) of the local workspace."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Blocks = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message; `user` is its author, `ts` its id; `only_for` is the person who sees an ephemeral one."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: Blocks = ()
    metadata: Mapping[str, Any] | None = None
    thread_ts: str = ""
    broadcast: bool = False
    edited_ts: str = ""
    deleted: bool = False
    only_for: str = ""
    pinned: bool = False
    files: tuple[Mapping[str, Any], ...] = ()
    reactions: tuple[tuple[str, str], ...] = ()

    @property
    def full_text(self) -> str:
        """The fallback text and every text in the blocks, one a line."""
        return "\n".join([self.text, *texts(list(self.blocks))])

    @property
    def edited(self) -> bool:
        """True if the message was edited."""
        return bool(self.edited_ts)

    @property
    def in_channel(self) -> bool:
        """True if the message is in the channel itself, not only in a thread."""
        return not self.thread_ts or self.broadcast

    def action_ids(self) -> list[str]:
        """The action ids of all interactive elements, in reading order."""
        return [str(element["action_id"]) for _block, element in interactive(self.blocks)]


@dataclass(frozen=True, slots=True)
class View:
    """An open modal or the Home tab of `user`; `errors` are shown beside its inputs."""

    id: str
    user: str
    content: Mapping[str, Any]
    hash: str
    root_id: str = ""
    previous_id: str = ""
    errors: Mapping[str, str] | None = None

    @property
    def blocks(self) -> Blocks:
        """The blocks of the view."""
        return tuple(self.content.get("blocks", ()))

    @property
    def full_text(self) -> str:
        """Every text in the view, one a line."""
        return "\n".join(texts(dict(self.content)))


_TEXT_KEYS = frozenset({"text", "title", "caption", "label", "name", "url"})


def texts(value: Any) -> list[str]:
    """Every readable text in a JSON value, in order."""
    if isinstance(value, Mapping):
        own = [held for key, held in value.items() if key in _TEXT_KEYS and isinstance(held, str)]
        return own + [text for held in value.values() if not isinstance(held, str) for text in texts(held)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in texts(item)]
    return []


def interactive(blocks: Blocks) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Every (block, element) with an action id."""
    for block in blocks:
        held = [*block.get("elements", ()), block.get("accessory"), block.get("element")]
        for element in held:
            if isinstance(element, Mapping) and element.get("action_id"):
                yield block, element
