"""What the checks are given besides the looks at the cluster: plain values, gathered by the caller."""

from dataclasses import dataclass
from typing import Literal

from bot.operations.model import OpState
from bot.operations.requests import OpKind

Meaning = Literal["on", "off", "unset", "meaningless"]
"""What a stored switch value means to the cluster."""

MEMBERSHIP = frozenset({OpKind.MEMBER_ADD, OpKind.MEMBER_REMOVE, OpKind.LEADER_TRANSFER})
"""The kinds of which one at a time may be open on a cluster."""


@dataclass(frozen=True, slots=True)
class OpenOperation:
    """An operation on the same cluster that is not final; `task` is the task of a switch."""

    id: int
    kind: OpKind
    state: OpState
    task: str = ""


@dataclass(frozen=True, slots=True)
class SwitchReading:
    """A task's switch as it was read: `raw` is the stored text (None: unset), `meaning` what it means there."""

    raw: str | None
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class PreflightContext:
    """What a caller knows; every default means "not known", which never makes a verdict milder.

    `operations` are the open ones of that cluster without the one being judged; `node_answers` is whether the new
    node's service address answered (None: that is open, `node_why` says why where that is known); `dialect` is "v1",
    "v3" or None when undecided, `dialect_why` the sentence of that verdict; `switch` is None when it could not be read,
    `switch_why` why. `replaces` are the dead and the new peer when the request is a step of a replacement.
    """

    operations: tuple[OpenOperation, ...] = ()
    node_answers: bool | None = None
    node_why: str = ""
    dialect: str | None = None
    dialect_why: str = ""
    switch: SwitchReading | None = None
    switch_why: str = ""
    replaces: tuple[int, ...] = ()
