"""One message of the local workspace, and the views (modals, Home tabs) that people see."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Blocks = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `only_for` is the one person who sees an ephemeral one; `user` is who wrote it; `ts` its id."""

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
        """The fallback and every text in the blocks, one a line: what a person could read."""
        return "\n".join([self.text, *texts(list(self.blocks))])

    @property
    def edited(self) -> bool:
        """Whether it was changed after it was posted."""
        return bool(self.edited_ts)

    @property
    def in_channel(self) -> bool:
        """Whether it stands in the channel itself, not only in a thread."""
        return not self.thread_ts or self.broadcast

    def action_ids(self) -> list[str]:
        """The action ids of everything that can be clicked in it, in reading order."""
        return [str(element["action_id"]) for _block, element in interactive(self.blocks)]


@dataclass(frozen=True, slots=True)
class View:
    """An open modal or a Home tab as `user` sees it; `values` are what its inputs hold: block → action → state."""

    id: str
    user: str
    content: Mapping[str, Any]
    hash: str
    root_id: str = ""
    previous_id: str = ""
    errors: Mapping[str, str] | None = None

    @property
    def blocks(self) -> Blocks:
        """Its blocks."""
        return tuple(self.content.get("blocks", ()))

    @property
    def full_text(self) -> str:
        """Every text in it, one a line."""
        return "\n".join(texts(dict(self.content)))


_TEXT_KEYS = frozenset({"text", "title", "caption", "label", "name", "url"})


def texts(value: Any) -> list[str]:
    """Every text a person could read in a JSON value, in its order."""
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
