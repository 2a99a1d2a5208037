"""Write docs/preflight.md from the worked examples: `python -m tests.docgen.preflight`."""

from collections.abc import Iterable
from pathlib import Path

from bot.operations.preflight.facts.disks import LimitReached, RoomInZones, TaskIsOff, VolumeMargins
from bot.operations.preflight.facts.leadership import MembersCatchUp, OperationOpen, TargetUnproven
from bot.operations.preflight.facts.members import LearnerInPlace, RemovesLeader
from bot.operations.preflight.facts.quorum import QuorumAfter
from bot.operations.preflight.verdict import CheckLevel, Fact
from bot.operations.requests import MemberAdd, TaskSwitch
from bot.views.op_parts import request_phrase
from bot.views.preflight_text.table import check_text
from tests.docgen import examples_disks, examples_members, examples_others
from tests.docgen.examples import Example, Situation

CHAPTERS: tuple[tuple[str, tuple[Situation, ...]], ...] = (
    ("Healthy groups", examples_members.HEALTHY),
    ("Peers with faults", examples_members.FAULTS),
    ("Learners and new voters", examples_members.LEARNERS),
    ("Small groups", examples_members.SIZES),
    ("Leadership, and what a look proves", examples_others.LEADERSHIP),
    ("Clusters on which nothing can be judged", examples_others.NOT_EVALUATED),
    ("Background tasks", examples_others.SWITCHES),
    ("Disks: their state", examples_disks.DISK_STATES),
    ("Disks: the volumes on them", examples_disks.DISK_VOLUMES),
    ("Disks: room for what moves, and limits", examples_disks.DISK_ROOM),
    ("Disks: the work, and other operations", examples_disks.DISK_WORK),
    ("Several disks, and nodes", examples_disks.SEVERAL_DISKS),
)
"""The chapters of the table."""

PAGE = Path("docs/preflight.md")

_INTRODUCTION = """\
# Preflight: what is refused, what is warned of, and why

Clustermgr itself checks almost nothing before it changes its members, its leader or a switch. So every change goes
through the preflight first: a pure function of the request and of the last two looks at all hosts, at least 3 s apart.
It runs when a change is proposed and again, on fresh looks, when it is approved; an approval is void when a check has
changed in between. Each check ends in one of three ways:

- **pass**: nothing speaks against it;
- **warn**: the card says what the approver must weigh;
- **block**: it is not proposed, and the sentence names what to do instead.

A voter is *healthy* when it leads; or when in two looks under one leader in one term it replicates, is active, not
paused, without a pending snapshot, at most 1,000 entries behind, and its own host named that leader and term both
times. Where its host is not configured the leader's word must do, and the check is at least a warning. What is not
proven counts as not healthy.

A switch is undone by one click, so what speaks against it is a warning; what no click undoes is a block. Break-glass
can lift a block only where the table says "block, may be forced": never a bad or used id or address, the removal of
the leader, a cluster without one leader to believe in, fewer healthy voters than a quorum afterwards, an unknown
dialect, or another operation that is open or whose outcome is not known.

A change of disks is checked on the disk list, the dropping list, the units on the disk and their volumes, read when it
is proposed and again when it is approved. A drop loses no unit, because a disk is read until its last unit has moved;
a disk that is declared broken loses all of them at once. What was not read counts as not safe. Break-glass never lifts
a state that the servers refuse, too few free chunks in a zone for what must move, or a break by which data is lost.

The tables below are generated from the worked examples that the tests hold the preflight to.
"""

COMMON: tuple[tuple[str, type[Fact]], ...] = (
    ("the quorum would be lost", QuorumAfter),
    ("another change is open", OperationOpen),
    ("the leader is to be removed", RemovesLeader),
    ("a member is still catching up", MembersCatchUp),
    ("the new leader is not proven healthy", TargetUnproven),
    ("a learner is to become a voter in place", LearnerInPlace),
    ("a volume could lose no more units", VolumeMargins),
    ("too many disks are out of service at once", LimitReached),
    ("the background task is off", TaskIsOff),
    ("the zone has too little room", RoomInZones),
)
"""The refusals that come first on the page: what is wrong, and the fact of the check."""

_COMMON = """\
## The ten most common refusals

Each with an example of its sentence and the next step that the answer names. `/cm op 12` shows all checks of a refused
operation, and `dry-run=yes` behind a command checks without proposing.

| what is wrong | the answer says | next |
|---|---|---|"""


def examples() -> Iterable[Example]:
    """Every worked example, in the order of the page."""
    for _, situations in CHAPTERS:
        for situation in situations:
            yield from situation.examples()


def render() -> str:
    """The whole page."""
    return "\n".join(
        [
            _INTRODUCTION,
            _COMMON,
            *map(_refusal, COMMON),
            "",
            *(_chapter(title, situations) for title, situations in CHAPTERS),
        ]
    )


def _refusal(common: tuple[str, type[Fact]]) -> str:
    """One row: the first worked example that this check alone refuses."""
    title, fact = common
    refused = (example.verdict.check(example.decides) for example in examples() if example.level is CheckLevel.BLOCK)
    text = check_text(next(check for check in refused if check is not None and isinstance(check.fact, fact)))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in (title, text.sentence, text.next_step))} |"


def _chapter(title: str, situations: tuple[Situation, ...]) -> str:
    return "\n".join([f"## {title}\n", *map(_situation, situations)])


def _situation(situation: Situation) -> str:
    title = f"**{situation.words[0].upper()}{situation.words[1:]}**\n"
    head = "| operation | verdict | because | next |\n|---|---|---|---|"
    return "\n".join([title, head, *(_line(example) for example in situation.examples()), ""])


def _line(example: Example) -> str:
    check = example.verdict.check(example.decides)
    if check is None:
        raise AssertionError(f"{example.situation}: no check {example.decides}")
    level = f"{example.level}{', may be forced' if example.verdict.forceable else ''}"
    cells = (_operation(example), level, check_text(check).sentence, check_text(check).next_step)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _operation(example: Example) -> str:
    words = request_phrase(example.request)
    if isinstance(example.request, MemberAdd):
        words += f" at {example.request.host}, node={example.request.node_host or 'missing'}"
        words += {True: "", False: "; it does not answer", None: "; not tried"}[example.facts.node_answers]
        words += f"; dialect {example.facts.dialect}" if example.facts.dialect else ""
    if isinstance(example.request, TaskSwitch):
        stored = example.facts.switch
        words += (
            f" (stored: {stored.meaning if stored else 'not read'}; dialect {example.facts.dialect or 'not known'})"
        )
    others = [f"; operation #{op.id} ({op.kind}) is {op.state}" for op in example.facts.operations]
    return "".join([words, *others])


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
