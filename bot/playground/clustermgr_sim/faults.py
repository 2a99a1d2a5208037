"""Faults for the next matching requests: refused, garbled, or executed without a reply."""

from dataclasses import dataclass, field
from enum import StrEnum

from bot.playground.clustermgr_sim.answer import CUT, Answer, error_answer

HUGE_BYTES = 8 << 20
"""Bytes of a huge answer: valid JSON, far beyond what any call answers."""
_GARBAGE = "<html>\x00\ufffd{not json"


class Kind(StrEnum):
    """The kind of fault: `FAIL` answers a status without execution, the others execute first."""

    FAIL = "fail"
    LOSE = "lose"
    GARBLE = "garble"
    TRUNCATE = "truncate"
    HUGE = "huge"


@dataclass(slots=True)
class Fault:
    """A fault for `left` more requests; an empty `path` and node 0 match all."""

    kind: Kind
    left: int = 1
    path: str = ""
    node: int = 0
    status: int = 500
    words: str = ""

    def matches(self, node: int, path: str) -> bool:
        """True if the fault applies to this request."""
        return self.left > 0 and self.path in {"", path} and self.node in {0, node}


@dataclass(slots=True)
class Faults:
    """The open faults, oldest first."""

    open: list[Fault] = field(default_factory=list)

    def take(self, node: int, path: str) -> Fault | None:
        """Return the fault for this request, and use it once."""
        for fault in self.open:
            if fault.matches(node, path):
                fault.left -= 1
                self.open = [other for other in self.open if other.left > 0]
                return fault
        return None

    def clear(self) -> None:
        """Remove all faults."""
        self.open.clear()


class FaultControls:
    """Controls of SimulatedCluster for faults; `path` and `node` limit them."""

    faults: Faults

    def lose_replies(self, count: int = 1, path: str = "", node: int = 0) -> None:
        """Execute the next requests and cut the connection instead of answering."""
        self.faults.open.append(Fault(Kind.LOSE, count, path, node))

    def garble(self, count: int = 1, path: str = "", node: int = 0, *, truncate: bool = False) -> None:
        """Execute the next requests and answer with garbage, or with half of the right body."""
        self.faults.open.append(Fault(Kind.TRUNCATE if truncate else Kind.GARBLE, count, path, node))

    def swell(self, count: int = 1, path: str = "", node: int = 0) -> None:
        """Execute the next requests and answer with megabytes of JSON."""
        self.faults.open.append(Fault(Kind.HUGE, count, path, node))

    def fail_next(self, status: int, count: int = 1, path: str = "", node: int = 0, words: str = "") -> None:
        """Answer the next requests with this status without executing them."""
        self.faults.open.append(Fault(Kind.FAIL, count, path, node, status, words))


def refusal(fault: Fault) -> Answer:
    """The answer of a FAIL."""
    return error_answer(fault.status, fault.words) if fault.words else Answer(fault.status)


def spoil(fault: Fault, answer: Answer) -> Answer:
    """Apply the fault to a good answer."""
    if fault.kind is Kind.LOSE:
        return CUT
    if fault.kind is Kind.HUGE:
        return Answer(answer.status, f"[{'0,' * (HUGE_BYTES // 2)}0]", answer.headers)
    body = _GARBAGE if fault.kind is Kind.GARBLE else answer.body[: len(answer.body) // 2]
    return Answer(answer.status, body, answer.headers)
