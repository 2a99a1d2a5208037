"""Assignment of tasks to replicas: what one replica takes, hands over and releases at one heartbeat. No I/O.

Free tasks are divided evenly at once. A held task moves only to a replica that has two tasks less and that has been
active for a lease, one task at a heartbeat, so that tasks do not oscillate.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.leadership.model import Assignments, Replica


@dataclass(frozen=True, slots=True)
class AssignmentPlan:
    """Changes of one replica at one heartbeat: tasks that it takes, hands over to a named replica, and releases."""

    take: tuple[str, ...] = ()
    hand_over: tuple[tuple[str, str], ...] = ()
    release: tuple[str, ...] = ()


def plan(me: Replica, assignments: Assignments, lease: float) -> AssignmentPlan:
    """Decide for `me`, which is active even if `assignments` are out of date.

    A new replica takes tasks from others only after `lease` seconds.
    """
    active = [me, *(other for other in assignments.active if other.name != me.name)]
    assignments = replace(assignments, replicas=active)
    load = Counter({other.name: len(assignments.held_by(other.name)) for other in active})
    release = tuple(hold.task for hold in assignments.held_by(me.name) if hold.task not in me.tasks)
    load[me.name] -= len(release)
    take = _share(me, assignments, load)
    return AssignmentPlan(take, () if take else _surplus(me, assignments, load, lease), release)


def alone(me: Replica, assignments: Assignments) -> AssignmentPlan:
    """Decide at the start of a process whose database is a file: it takes all of its tasks.

    It releases the other tasks that earlier processes held.
    """
    gone = (task for task, hold in sorted(assignments.holds.items()) if hold.holder and task not in me.tasks)
    return AssignmentPlan(take=me.tasks, release=tuple(gone))


def beside(me: Replica, assignments: Assignments) -> AssignmentPlan:
    """Decide for a process when a later one started on the same file: the later one keeps its tasks.

    `assignments.replicas` are the active ones. Tasks that none of them holds are taken back, so that polling goes on
    when the later process ends.
    """
    active = replace(assignments, replicas=[me, *(other for other in assignments.replicas if other.name != me.name)])
    release = tuple(hold.task for hold in assignments.held_by(me.name) if hold.task not in me.tasks)
    return AssignmentPlan(take=tuple(_free(me.tasks, active)), release=release)


def _share(me: Replica, assignments: Assignments, load: Counter[str]) -> tuple[str, ...]:
    """Return the free tasks for `me`: each goes to the replica with the fewest tasks. All replicas compute the same."""
    mine: list[str] = []
    for task in _free(me.tasks, assignments):
        able = [other.name for other in assignments.replicas if task in other.tasks]
        taker = min(able, key=lambda name: (load[name], name))
        load[taker] += 1
        if taker == me.name:
            mine.append(task)
    return tuple(mine)


def _free(tasks: Sequence[str], assignments: Assignments) -> list[str]:
    holders = {other.name for other in assignments.replicas}
    held = {task for task, hold in assignments.holds.items() if hold.holder in holders}
    return [task for task in sorted(tasks) if task not in held]


def _surplus(me: Replica, assignments: Assignments, load: Counter[str], lease: float) -> tuple[tuple[str, str], ...]:
    """Return one task for the replica with the fewest tasks, if it has at least two less than `me`."""
    settled = [other for other in assignments.replicas if assignments.now - other.since >= lease]
    for other in sorted(settled, key=lambda other: (load[other.name], other.name)):
        if load[other.name] > load[me.name] - 2:
            break
        movable = [held.task for held in assignments.held_by(me.name) if held.task in {*me.tasks} & {*other.tasks}]
        if movable:
            return ((movable[0], other.name),)
    return ()
