"""Assignment of tasks: every task has an active holder, the load is even, and tasks do not oscillate."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.leadership.assignment import AssignmentPlan, alone, plan
from bot.leadership.model import Assignments, Hold, Replica, cluster_of, watch_of

LEASE = 15.0
NOW = 1000.0
TASKS = tuple(f"watch:c{n:02}" for n in range(12))


def replica(name: str, *, until: float = NOW + LEASE, since: float = 0.0, tasks: tuple[str, ...] = TASKS) -> Replica:
    return Replica(name, since, NOW, until, tasks)


def assignments(replicas: list[Replica], held: Mapping[str, str]) -> Assignments:
    return Assignments(NOW, replicas, {task: Hold(task, holder, 1, 0.0) for task, holder in held.items()})


def applied(me: str, steps: AssignmentPlan, held: dict[str, str]) -> None:
    held.update(dict.fromkeys(steps.take, me))
    held.update(dict.fromkeys(steps.release, ""))
    held.update(dict(steps.hand_over))


def settle(replicas: list[Replica], held: dict[str, str], rounds: int) -> int:
    """Let the active replicas send heartbeats in turn; return the number of changes in the last round."""
    moved = 0
    for _ in range(rounds):
        moved = 0
        for me in replicas:
            if me.until > NOW:
                steps = plan(me, assignments(replicas, held), LEASE)
                moved += len(steps.take) + len(steps.hand_over) + len(steps.release)
                applied(me.name, steps, held)
    return moved


def test_first_replica_takes_every_task() -> None:
    assert plan(replica("a"), assignments([], {}), LEASE) == AssignmentPlan(take=TASKS)


def test_tasks_of_an_expired_replica_are_divided_at_once() -> None:
    """Three replicas hold four tasks each; when one expires, each of the others takes two at its next heartbeat."""
    names = ("a", "b", "c")
    held = {task: names[n % 3] for n, task in enumerate(TASKS)}
    replicas = [replica("a"), replica("b", until=NOW), replica("c")]
    assert settle(replicas, held, rounds=1) == 4
    assert Counter(held.values()) == {"a": 6, "c": 6}


def test_new_replica_gets_tasks_singly_after_a_lease() -> None:
    held = dict.fromkeys(TASKS, "a")
    fresh = [replica("a"), replica("b", since=NOW - LEASE + 1)]
    assert plan(fresh[0], assignments(fresh, held), LEASE) == AssignmentPlan()
    settled = [replica("a"), replica("b")]
    assert plan(settled[0], assignments(settled, held), LEASE) == AssignmentPlan(hand_over=((TASKS[0], "b"),))
    assert plan(settled[1], assignments(settled, held), LEASE) == AssignmentPlan()


def test_no_task_moves_while_the_load_is_even() -> None:
    held = {task: "a" if n < 7 else "b" for n, task in enumerate(TASKS[:13])}
    held[TASKS[0]] = "b"
    replicas = [replica("a"), replica("b")]
    assert settle(replicas, held, rounds=1) == 0
    held[TASKS[0]] = "a"
    assert settle(replicas, held, rounds=3) == 0


def test_task_that_is_not_in_the_settings_is_released() -> None:
    """Two versions of the settings run side by side: each replica polls the clusters that it knows."""
    old, new = replica("a", tasks=TASKS[:2]), replica("b", tasks=TASKS[1:3])
    held = {TASKS[0]: "b", TASKS[1]: "b"}
    steps = plan(new, assignments([old, new], held), LEASE)
    assert (steps.release, steps.take) == ((TASKS[0],), (TASKS[2],))
    applied("b", steps, held)
    assert plan(old, assignments([old, new], held), LEASE).take == (TASKS[0],)


def test_process_alone_on_a_file_takes_every_task() -> None:
    held = {TASKS[0]: "an earlier process", "watch:gone": "an earlier process"}
    steps = alone(replica("a"), assignments([replica("another")], held))
    assert (steps.take, steps.release) == (TASKS, ("watch:gone",))


def test_cluster_is_parsed_from_its_task() -> None:
    assert cluster_of(watch_of("prod")) == "prod"
    assert cluster_of("chores") == ""


@given(
    st.lists(st.sets(st.sampled_from(TASKS)), min_size=1, max_size=5),
    st.dictionaries(st.sampled_from(TASKS), st.sampled_from(["r0", "r1", "r2", "r3", "gone", ""])),
    st.integers(0, 4),
)
def test_any_start_ends_with_active_holders_and_no_moves(
    able: list[set[str]], held: dict[str, str], expired: int
) -> None:
    replicas = [
        replica(f"r{n}", tasks=tuple(sorted(tasks)), until=NOW if n == expired and n else NOW + LEASE)
        for n, tasks in enumerate(able)
    ]
    active = [each for each in replicas if each.until > NOW]
    settle(replicas, held, rounds=1)
    # After one heartbeat of each, at most one more for tasks that another replica had to release first.
    settle(replicas, held, rounds=1)
    for task in TASKS:
        who = [each.name for each in active if task in each.tasks]
        assert not who or held[task] in who
    assert settle(replicas, held, rounds=len(TASKS) + 2) == 0


@given(st.integers(1, 6), st.lists(st.sampled_from(["r0", "r1", "r2", "gone"]), min_size=12, max_size=12))
def test_equal_replicas_end_with_an_even_load(count: int, holders: list[str]) -> None:
    replicas = [replica(f"r{n}") for n in range(count)]
    held = dict(zip(TASKS, holders, strict=True))
    settle(replicas, held, rounds=len(TASKS) + 2)
    load = Counter({each.name: 0 for each in replicas}) + Counter()
    load.update(held.values())
    shares = [load[each.name] for each in replicas]
    assert sum(shares) == len(TASKS)
    assert max(shares) - min(shares) <= 1


def test_replica_without_assignment_counts_itself() -> None:
    held = dict.fromkeys(TASKS[:6], "a")
    me = replace(replica("b"), since=NOW)
    assert plan(me, assignments([replica("a")], held), LEASE).take == TASKS[6:]


def test_replica_with_many_tasks_hands_over_a_share_of_them() -> None:
    many = tuple(f"watch:c{n:03}" for n in range(80))
    replicas = [replica(name, tasks=many) for name in ("a", "b", "c")]
    held = dict.fromkeys(many, "a")
    moved = plan(replicas[0], assignments(replicas, held), LEASE).hand_over
    assert Counter(other for _, other in moved) == {"b": 5, "c": 5}
    assert settle(replicas, held, rounds=20) == 0
    assert sorted(Counter(held.values()).values()) == [26, 27, 27]
