"""Facts for the checks besides the snapshots; the caller gathers them."""

from dataclasses import dataclass
from typing import Literal

from bot.clustermgr.tasks import DialectEvidence
from bot.operations.model import OpState
from bot.operations.preflight.facts.members import NodeDoubt
from bot.operations.requests import OpKind

Meaning = Literal["on", "off", "unset", "meaningless"]
"""Meaning of a stored switch value to the cluster."""

MEMBERSHIP = frozenset({OpKind.MEMBER_ADD, OpKind.MEMBER_REMOVE, OpKind.LEADER_TRANSFER})
"""Kinds of which one at a time may be open on a cluster."""


@dataclass(frozen=True, slots=True)
class OpenOperation:
    """Operation on the same cluster that is not final; `task` is the task of a switch."""

    id: int
    kind: OpKind
    state: OpState
    task: str = ""


@dataclass(frozen=True, slots=True)
class SwitchReading:
    """Switch of a task as read: `raw` is the stored text (None: unset), `meaning` its meaning there."""

    raw: str | None
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class PreflightContext:
    """Facts of the caller; every default means "not known", which never makes the result milder.

    `operations` are the other open ones of that cluster. `node_answers` is True if the new node's service address
    answered (None: open, with the reason in `node_doubt` if it is known). `dialect` is "v1", "v3" or None while it is
    not known, `dialect_evidence` says why. `switch` is None when it could not be read, with the
    error's own sentence in `switch_why`. `replaces` are the dead and the new peer of a replacement.
    """

    operations: tuple[OpenOperation, ...] = ()
    node_answers: bool | None = None
    node_doubt: NodeDoubt | None = None
    dialect: str | None = None
    dialect_evidence: DialectEvidence | None = None
    switch: SwitchReading | None = None
    switch_why: str = ""
    replaces: tuple[int, ...] = ()
