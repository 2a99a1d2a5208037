"""CAUSES: the pairs of rules that fire for one cause, and whether cmbot folds, inhibits or keeps them. No I/O.

A folded alert is announced in the message of the first one (folding.py). One that takes over goes on in the message of
the first one, which is over (takeover.py). An inhibited one is not announced while the
first one lasts, which names what belongs to it (inhibition.py). Pairs that are not here have different causes.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType

from bot.alerting.details import (
    DisksExpired,
    LeaderChanged,
    SchedulersSilent,
    SwitchesChanged,
    VolumesAtRisk,
    VolumesUnreachable,
)
from bot.alerting.model import Alert
from bot.common.frozen import frozen

Same = Callable[[Alert, Alert], bool]
"""Tells by the facts of the first alert and of the other one if both have one cause."""


class Treatment(StrEnum):
    """What becomes of the second alert of a pair."""

    FOLD = "fold"
    INHIBIT = "inhibit"
    KEEP = "keep"
    TAKE_OVER = "take over"


class Because(StrEnum):
    """Why a pair is treated so."""

    REPAIR_WAITS = "A disk waits for a repair that its switch prevents: one situation, and one fix."
    LEADER_LOST = "The peer that led is lost: its end changed the leader, and costs the quorum its margin."
    CHANGES_OF_LEADER = "All are changes of the leader; the message has the first, and says when they are many."
    SWITCHED = "Someone changed this switch; that work waits is the effect of it."
    SAME_DISKS = "The volumes miss units on these disks."
    NO_PROGRESS = "The disk is broken and its repair stands still: one disk, one thing to do."
    NO_WORKER = "No scheduler works, so no repair or drop moves on."
    TASK_FAILS = "The task that should do this work fails."
    NAMED = "The first names it, with its fault."
    NOTHING_KNOWN = "While no host answers, nothing is known of it."
    NO_LEADER = "Only a leader knows this."
    EACH_CHANGE = "The first counts every change."
    NO_VIEW = "Two views of one group differ, so their lists of members do."
    LESS = "The second says less than the first."
    WATCH_FIRST = "Without its own network cmbot judges no cluster."
    OTHER_SERVICE = "Different services: no fact proves that one machine is the cause of both."
    OTHER_CAUSE = "Each can last without the other, and has its own fix."
    ELECTED = "The change of leader ended it: the same message goes on with what the outage left."
    OVER = "The first is over when the second begins, which counts more than this outage."
    FIX_CONTRADICTS = "The fix of the second would go on with what the first warns of."
    DATA_GONE = "Lost data always has its own message."
    OTHER_LIMIT = "Each has its own limit, and other people act on it."


@frozen
class Pairing:
    """One row: the rule announced first, the rule of the other alert, its treatment and the reason.

    A FOLD holds for two alerts if `same` finds that their facts have one cause. An INHIBIT of a `whole` rule holds
    for all its subjects, any other for those that the first one's finding covers. A `loud` fold is shown in the
    channel although it is no more severe: it is a new failure, and not the effect of the first one.
    """

    first: str
    other: str
    treatment: Treatment
    because: Because
    same: Same = lambda _, __: True
    whole: bool = False
    loud: bool = False


_WORK: Mapping[str, str] = MappingProxyType(
    {"disk_broken": "disk_repair", "repair_stuck": "disk_repair", "drop_stuck": "disk_drop"}
)
"""The background task that does the work which a rule is about."""
_FAILURES = frozenset({"disk_broken"})
_TASK_SUBJECTS = frozenset({"task_off_with_work", "task_off_too_long", "switch_meaningless", "tasks_failing"})


def task_of(alert: Alert) -> str:
    """Return the background task that an alert is about, "" for none."""
    return alert.subject if alert.rule in _TASK_SUBJECTS else _WORK.get(alert.rule, "")


def _same_task(first: Alert, other: Alert) -> bool:
    return bool(task_of(first)) and task_of(first) == task_of(other)


def _switched(first: Alert, other: Alert) -> bool:
    moves = first.detail.moves if isinstance(first.detail, SwitchesChanged) else ()
    return task_of(other) in {move.task for move in moves}


def _no_worker(first: Alert, other: Alert) -> bool:
    detail = first.detail
    return isinstance(detail, SchedulersSilent) and detail.every and task_of(other) in detail.tasks


def _same_disks(first: Alert, other: Alert) -> bool:
    return bool(other.parts) and set(other.parts or ()) <= set(first.parts or ())


def _led_before(first: Alert, other: Alert) -> bool:
    """True if the other alert is about peers only that led until a change which no operation caused."""
    moves = first.detail.moves if isinstance(first.detail, LeaderChanged) else ()
    lost = {str(move.before) for move in moves if not move.op}
    peers = set(other.parts or ()) if other.rule == "quorum_at_risk" else {other.subject}
    return bool(peers) and peers <= lost


def _its_host(first: Alert, other: Alert) -> bool:
    detail = first.detail
    unplanned = isinstance(detail, LeaderChanged) and any(not move.op for move in detail.moves)
    return isinstance(detail, LeaderChanged) and unplanned and other.subject in detail.silent


def _on_these_disks(first: Alert, other: Alert) -> bool:
    """True if all volumes that the other alert names miss units on the disks of the first one only."""
    if not isinstance(other.detail, VolumesAtRisk | VolumesUnreachable) or not other.detail.volumes:
        return False
    known = (
        {str(disk) for disk in first.detail.away} if isinstance(first.detail, DisksExpired) else set(first.parts or ())
    )
    return all(
        not loss.unnamed and {str(disk) for disk in (*loss.lost, *loss.unreachable)} <= known
        for loss in other.detail.volumes
    )


def _each_way(*rules: str, because: Because, same: Same) -> Iterator[Pairing]:
    """Fold each of these rules into whichever of them is announced first."""
    for first in rules:
        yield from (
            Pairing(first, other, Treatment.FOLD, because, same, loud=other in _FAILURES)
            for other in rules
            if other != first
        )


def _fold(first: str, *others: str, because: Because, same: Same) -> Iterator[Pairing]:
    return (Pairing(first, other, Treatment.FOLD, because, same) for other in others)


def _inhibit(first: str, *others: str, because: Because, whole: bool = False) -> Iterator[Pairing]:
    return (Pairing(first, other, Treatment.INHIBIT, because, whole=whole) for other in others)


def _keep(first: str, *others: str, because: Because) -> Iterator[Pairing]:
    return (Pairing(first, other, Treatment.KEEP, because) for other in others)


_BY_THE_LEADER = ("peer_down", "peer_lagging", "quorum_at_risk", "stale_host", "learner_ready", "leader_unseen")

CAUSES: tuple[Pairing, ...] = (
    # The whole cluster: nothing is known, so nothing of it is announced.
    *_inhibit(
        "cluster_unreachable",
        *_BY_THE_LEADER,
        *("api_error", "host_unreachable", "no_leader", "apply_stalled", "hosts_disagree", "slow_answers"),
        because=Because.NOTHING_KNOWN,
        whole=True,
    ),
    *_inhibit("cluster_unreachable", "auth_rejected", because=Because.NAMED),
    *_inhibit("auth_rejected", "cluster_unreachable", because=Because.NAMED),
    *_inhibit("no_leader", *_BY_THE_LEADER, "read_only", because=Because.NO_LEADER, whole=True),
    *_inhibit("no_leader", "host_unreachable", "api_error", because=Because.NAMED),
    *_inhibit("leader_flapping", "leader_changed", because=Because.EACH_CHANGE, whole=True),
    *_keep("own_network", "cluster_unreachable", "host_unreachable", because=Because.WATCH_FIRST),
    *_keep("watch_blind", "cluster_unreachable", "own_network", because=Because.OTHER_CAUSE),
    # A lost node.
    Pairing("no_leader", "leader_changed", Treatment.TAKE_OVER, Because.ELECTED),
    *_keep("no_leader", "leader_flapping", because=Because.OVER),
    *_fold(
        "leader_changed", "quorum_at_risk", "peer_down", "peer_lagging", because=Because.LEADER_LOST, same=_led_before
    ),
    *_fold("leader_changed", "host_unreachable", "api_error", because=Because.LEADER_LOST, same=_its_host),
    *_fold("leader_changed", "leader_flapping", because=Because.CHANGES_OF_LEADER, same=lambda _, __: True),
    *_inhibit("quorum_at_risk", "peer_down", "peer_lagging", "host_unreachable", because=Because.NAMED),
    *_inhibit("peer_down", "peer_lagging", "host_unreachable", because=Because.NAMED),
    *_inhibit("host_unreachable", "quorum_at_risk", because=Because.LESS),
    *_inhibit("api_error", "quorum_at_risk", because=Because.LESS),
    *_inhibit("auth_rejected", "quorum_at_risk", because=Because.LESS),
    *_inhibit("hosts_disagree", "stale_host", "membership_changed", because=Because.NO_VIEW),
    *_keep("quorum_at_risk", "disk_expired", because=Because.OTHER_SERVICE),
    *_keep("peer_down", "disk_expired", "slow_answers", because=Because.OTHER_SERVICE),
    *_keep("host_unreachable", "disk_expired", because=Because.OTHER_SERVICE),
    *_keep("apply_stalled", "peer_lagging", "slow_answers", because=Because.OTHER_CAUSE),
    *_keep("membership_changed", "stale_host", "learner_ready", "quorum_at_risk", because=Because.OTHER_CAUSE),
    # A disk, its repair and its volumes.
    *_each_way(
        "disk_broken", "task_off_with_work", "switch_meaningless", because=Because.REPAIR_WAITS, same=_same_task
    ),
    *_fold("disk_broken", "repair_stuck", because=Because.NO_PROGRESS, same=_same_disks),
    *_fold("disk_broken", "volumes_at_risk", because=Because.SAME_DISKS, same=_on_these_disks),
    *_fold("disk_expired", "volumes_at_risk", "volumes_unreachable", because=Because.SAME_DISKS, same=_on_these_disks),
    *_fold("scheduler_silent", "repair_stuck", "drop_stuck", because=Because.NO_WORKER, same=_no_worker),
    *_fold("tasks_failing", "repair_stuck", "drop_stuck", because=Because.TASK_FAILS, same=_same_task),
    *_keep("disk_broken", "disk_expired", "scheduler_silent", "tasks_failing", because=Because.OTHER_CAUSE),
    *_keep("disk_broken", "volumes_lost", "disk_not_empty", because=Because.DATA_GONE),
    *_keep("disk_expired", "volumes_lost", because=Because.DATA_GONE),
    *_keep("volumes_at_risk", "volumes_lost", "volumes_unreachable", because=Because.DATA_GONE),
    *_keep("disk_dropping", "task_off_with_work", "drop_stuck", because=Because.FIX_CONTRADICTS),
    # Switches.
    *_fold("switch_changed", "task_off_with_work", "task_off_too_long", because=Because.SWITCHED, same=_switched),
    *_inhibit("task_off_with_work", "task_off_too_long", because=Because.LESS),
    *_keep("disk_broken", "switch_changed", because=Because.OTHER_CAUSE),
    *_keep("tasks_failing", "scheduler_silent", because=Because.OTHER_CAUSE),
    # Space.
    *_inhibit("writable_low", "chunks_low", because=Because.LESS),
    *_keep("writable_low", "volumes_low", "no_volume", "disk_expired", because=Because.OTHER_LIMIT),
    *_keep("chunks_low", "volumes_low", "disk_expired", because=Because.OTHER_LIMIT),
)

WHOLE_RULES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        first: frozenset(each.other for each in CAUSES if each.first == first and each.whole)
        for first in dict.fromkeys(each.first for each in CAUSES if each.whole)
    }
)
"""While the first is found or open, no alert of the others is announced, of any subject. Only rules about a whole
cluster may stand here: the hosts of an unreachable cluster are silent, without a leader the state of its peers is
unknown, and flapping includes each change. A finding names single subjects of other rules in `covers` (inhibition.py).
"""

_TAKEOVERS = frozenset((each.first, each.other) for each in CAUSES if each.treatment is Treatment.TAKE_OVER)
_FOLDS: Mapping[tuple[str, str], Pairing] = MappingProxyType(
    {(each.first, each.other): each for each in CAUSES if each.treatment is Treatment.FOLD}
)
_ORDER: Mapping[str, int] = MappingProxyType(
    {first: place for place, first in enumerate(dict.fromkeys(first for first, _ in _FOLDS))}
)
EVENTS = frozenset({"leader_changed", "switch_changed"})
"""Rules about a change, which is over at once: their alerts stay open while an alert folded into them is open."""


def folds(first: Alert, other: Alert) -> bool:
    """True if the other alert has the cause of the first one, and is announced in its message."""
    pairing = _FOLDS.get((first.rule, other.rule))
    return pairing is not None and first.cluster == other.cluster and pairing.same(first, other)


def takes_over(other: Alert, first: Alert) -> bool:
    """True if the other alert goes on in the message of the first one, once the finding of that is gone."""
    return (first.rule, other.rule) in _TAKEOVERS and first.cluster == other.cluster


def is_loud(first: str, other: str) -> bool:
    """True if an alert of the rule `other`, folded into one of the rule `first`, is shown in the channel."""
    pairing = _FOLDS.get((first, other))
    return pairing is not None and pairing.loud


def may_carry(rule: str) -> bool:
    """True if alerts of other rules may be folded into one of this rule."""
    return rule in _ORDER


def place_as_first(rule: str) -> int:
    """Return the place of a rule among those that carry others: of two that fire at once, the lower one is first."""
    return _ORDER.get(rule, len(_ORDER))
