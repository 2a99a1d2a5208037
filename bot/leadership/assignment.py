"""Assignment of tasks to replicas: what one replica takes, hands over and releases at one heartbeat. No I/O.

Free tasks are divided evenly at once. A held task moves only to a replica that has two tasks less and that has been
active for a lease; at a heartbeat a replica hands over one task, or a share of many, so that tasks do not oscillate.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.common.frozen import frozen
from bot.leadership.model import Assignments, Replica

HANDED_SHARE = 8
"""A replica hands over at most one in so many of its tasks at a heartbeat; the new holder polls each soon."""


@frozen
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
    known = frozenset(me.tasks)
    release = tuple(hold.task for hold in assignments.held_by(me.name) if hold.task not in known)
    load[me.name] -= len(release)
    take = _share(me, assignments, load)
    return AssignmentPlan(take, () if take else _surplus(me, assignments, load, lease), release)


def alone(me: Replica, assignments: Assignments) -> AssignmentPlan:
    """Decide at the start of a process whose database is a file: it takes all of its tasks.

    It releases the other tasks that earlier processes held.
    """
    known = frozenset(me.tasks)
    gone = (task for task, hold in sorted(assignments.holds.items()) if hold.holder and task not in known)
    return AssignmentPlan(take=me.tasks, release=tuple(gone))


def beside(me: Replica, assignments: Assignments) -> AssignmentPlan:
    """Decide for a process when a later one started on the same file: the later one keeps its tasks.

    `assignments.replicas` are the active ones. Tasks that none of them holds are taken back, so that polling goes on
    when the later process ends.
    """
    active = replace(assignments, replicas=[me, *(other for other in assignments.replicas if other.name != me.name)])
    known = frozenset(me.tasks)
    release = tuple(hold.task for hold in assignments.held_by(me.name) if hold.task not in known)
    return AssignmentPlan(take=tuple(_free(me.tasks, active)), release=release)


def _share(me: Replica, assignments: Assignments, load: Counter[str]) -> tuple[str, ...]:
    """Return the free tasks for `me`: each goes to the replica with the fewest tasks. All replicas compute the same."""
    mine: list[str] = []
    tasks = {other.name: frozenset(other.tasks) for other in assignments.replicas}
    for task in _free(me.tasks, assignments):
        able = [name for name, known in tasks.items() if task in known]
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
    """Return tasks for the replicas with the fewest tasks, as long as these have at least two less than `me`."""
    settled = [other for other in assignments.replicas if assignments.now - other.since >= lease]
    able = {other.name: frozenset(other.tasks) for other in settled}
    mine = frozenset(me.tasks)
    movable = [hold.task for hold in assignments.held_by(me.name) if hold.task in mine]
    load, moved = load.copy(), list[tuple[str, str]]()
    for _ in range(max(1, len(movable) // HANDED_SHARE)):
        found = _next_move(me, movable, able, load)
        if found is None:
            break
        task, other = found
        movable.remove(task)
        load.update({other: 1, me.name: -1})
        moved.append(found)
    return tuple(moved)


def _next_move(
    me: Replica, movable: Sequence[str], able: Mapping[str, frozenset[str]], load: Counter[str]
) -> tuple[str, str] | None:
    for other in sorted(able, key=lambda name: (load[name], name)):
        if load[other] > load[me.name] - 2:
            return None
        task = next((task for task in movable if task in able[other]), None)
        if task is not None:
            return task, other
    return None
