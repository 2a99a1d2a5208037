"""Who should do which piece of the work: what one replica takes, hands over and leaves at one heartbeat. Pure.

What nobody alive holds is divided at once, evenly; what is held moves one piece at a heartbeat, and only to somebody
who has two less and has lived for a while, so that nothing goes to and fro.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.leadership.model import Replica, Roster


@dataclass(frozen=True, slots=True)
class AssignmentPlan:
    """What one replica does at one heartbeat: tasks it takes, hands over (to whom) and leaves to anybody."""

    take: tuple[str, ...] = ()
    hand: tuple[tuple[str, str], ...] = ()
    leave: tuple[str, ...] = ()


def plan(me: Replica, roster: Roster, lease: float) -> AssignmentPlan:
    """Decide for `me`, alive, whatever the roster says of it; `lease` (seconds) is what a newcomer must have lived."""
    living = [me, *(other for other in roster.living if other.name != me.name)]
    roster = replace(roster, replicas=living)
    load = Counter({other.name: len(roster.held_by(other.name)) for other in living})
    leave = tuple(hold.task for hold in roster.held_by(me.name) if hold.task not in me.tasks)
    load[me.name] -= len(leave)
    take = _share(me, roster, load)
    return AssignmentPlan(take, () if take else _surplus(me, roster, load, lease), leave)


def alone(me: Replica, roster: Roster) -> AssignmentPlan:
    """Decide at the start of a process whose database is a file: everything is its own from now on.

    What earlier processes held beside that is free again.
    """
    gone = (task for task, hold in sorted(roster.holds.items()) if hold.holder and task not in me.tasks)
    return AssignmentPlan(take=me.tasks, leave=tuple(gone))


def beside(me: Replica, roster: Roster) -> AssignmentPlan:
    """Decide for a process that is not the first on its file any more: the last one to start keeps what it has.

    What none of `roster.replicas` (the living) holds is taken back, so that the watch goes on when the last one ends.
    """
    living = replace(roster, replicas=[me, *(other for other in roster.replicas if other.name != me.name)])
    leave = tuple(hold.task for hold in roster.held_by(me.name) if hold.task not in me.tasks)
    return AssignmentPlan(take=tuple(_free(me.tasks, living)), leave=leave)


def _share(me: Replica, roster: Roster, load: Counter[str]) -> tuple[str, ...]:
    """What of the free tasks falls to `me` when each goes to whoever has the least; everybody finds the same."""
    mine: list[str] = []
    for task in _free(me.tasks, roster):
        able = [other.name for other in roster.replicas if task in other.tasks]
        taker = min(able, key=lambda name: (load[name], name))
        load[taker] += 1
        if taker == me.name:
            mine.append(task)
    return tuple(mine)


def _free(tasks: Sequence[str], roster: Roster) -> list[str]:
    holders = {other.name for other in roster.replicas}
    return [task for task in sorted(tasks) if task not in roster.holds or roster.holds[task].holder not in holders]


def _surplus(me: Replica, roster: Roster, load: Counter[str], lease: float) -> tuple[tuple[str, str], ...]:
    """One task for whoever has the least, when that is two less than `me` has."""
    settled = [other for other in roster.replicas if roster.now - other.since >= lease]
    for other in sorted(settled, key=lambda other: (load[other.name], other.name)):
        if load[other.name] > load[me.name] - 2:
            break
        movable = [hold.task for hold in roster.held_by(me.name) if hold.task in me.tasks and hold.task in other.tasks]
        if movable:
            return ((movable[0], other.name),)
    return ()
