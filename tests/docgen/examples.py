"""The worked examples: situation by operation, with the verdict each must get; tests hold the preflight to them."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.operations.preflight.check import NOTHING_KNOWN, PreflightResult, preflight
from bot.operations.preflight.context import PreflightContext
from bot.operations.preflight.verdict import CheckLevel
from bot.operations.requests import MemberAdd, Request
from tests.docgen.cluster_fixture import Scene, host_name, raft_name

BLOCK, WARN, PASS = CheckLevel.BLOCK, CheckLevel.WARN, CheckLevel.PASS
ANSWERS = PreflightContext(node_answers=True)


@dataclass(frozen=True, slots=True)
class Example:
    """One situation and operation, the verdict it must get and the check that decides it."""

    situation: str
    scene: Scene
    request: Request
    level: CheckLevel
    decides: str
    facts: PreflightContext = NOTHING_KNOWN

    @property
    def verdict(self) -> PreflightResult:
        """The result of the preflight."""
        return preflight(self.request, *self.scene.snapshots(), facts=self.facts)


@dataclass(frozen=True, slots=True)
class Row:
    """An operation on the situation of its chapter, its expected verdict, and the check that decides it."""

    request: Request
    level: CheckLevel
    decides: str
    facts: PreflightContext = NOTHING_KNOWN


@dataclass(frozen=True, slots=True)
class Situation:
    """A situation and the operations tried on it."""

    words: str
    scene: Scene
    rows: tuple[Row, ...]

    def examples(self) -> Iterator[Example]:
        """Its rows as examples."""
        for row in self.rows:
            yield Example(self.words, self.scene, row.request, row.level, row.decides, row.facts)


def learner(peer: int) -> MemberAdd:
    """Add that peer of a scene as a learner."""
    return MemberAdd(peer, raft_name(peer), host_name(peer), learner=True)


def voter(peer: int) -> MemberAdd:
    """Add that peer of a scene as a voter."""
    return MemberAdd(peer, raft_name(peer), host_name(peer), learner=False)
