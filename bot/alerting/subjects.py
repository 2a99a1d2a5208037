"""Subjects: the kind of thing that each rule's alerts concern, and the parsing of a typed subject. No I/O."""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto
from types import MappingProxyType

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.model import Alert
from bot.alerting.rules.table import RULES
from bot.alerting.silences import EVERY_RULE
from bot.clustermgr.host_matching import meant
from bot.clustermgr.tasks import TASKS, find_task
from bot.common.errors import Problem
from bot.common.frozen import frozen


class SubjectKind(Enum):
    """The kind of thing that an alert's subject names."""

    CLUSTER = auto()
    PEER = auto()
    HOST = auto()
    ZONE = auto()
    TASK = auto()
    REPORT = auto()


@frozen
class SubjectRefused(Problem):
    """No alert of a rule of `cluster` has the typed subject; `kind` is what the rule is about.

    `known` are the known subjects of that kind; `near` is the one that was probably meant, or "".
    """

    rule: str
    typed: str
    cluster: str
    kind: SubjectKind
    known: tuple[str, ...]
    near: str


_OTHERS: Mapping[str, SubjectKind] = MappingProxyType(
    {
        "api_error": SubjectKind.HOST,
        "host_unreachable": SubjectKind.HOST,
        "slow_answers": SubjectKind.HOST,
        "stale_host": SubjectKind.HOST,
        "apply_stalled": SubjectKind.HOST,
        "peer_down": SubjectKind.PEER,
        "peer_lagging": SubjectKind.PEER,
        "learner_ready": SubjectKind.PEER,
        "chunks_low": SubjectKind.ZONE,
        "task_off_with_work": SubjectKind.TASK,
        "task_off_too_long": SubjectKind.TASK,
        "switch_meaningless": SubjectKind.TASK,
        "tasks_failing": SubjectKind.TASK,
        "external": SubjectKind.REPORT,
    }
)
_FINGERPRINT = re.compile(r"[0-9a-f]{8,64}")
SUBJECTS: Mapping[str, SubjectKind] = MappingProxyType(
    {rule.key: _OTHERS.get(rule.key, SubjectKind.CLUSTER) for rule in RULES}
)
"""The kind of subject of each rule; a rule about the whole cluster has one alert per cluster."""
_EVERY_KIND = (*(kind for kind in SubjectKind if kind is not SubjectKind.ZONE), SubjectKind.ZONE)
"""All kinds in the order in which a typed subject is tried: a zone may have any name."""


def subject_of(
    rule: str, typed: str, cluster: str, state: ClusterState, alerts: Iterable[Alert]
) -> str | SubjectRefused:
    """Return the typed subject in the form that the rule's alerts use, or its refusal.

    Without known subjects only the form of the text is checked. A subject for all rules is never refused: it may name
    a zone.
    """
    if not typed:
        return ""
    kinds = list(_EVERY_KIND) if rule == EVERY_RULE else [SUBJECTS[rule]]
    open_subjects = [alert.subject for alert in alerts if rule in {EVERY_RULE, alert.rule} and alert.subject]
    for kind in kinds:
        known = _known(kind, state, open_subjects)
        if (found := _found(kind, typed, known)) is not None:
            return found
    kind = kinds[-1]
    known = _known(kind, state, open_subjects)
    return SubjectRefused(rule, typed, cluster, kind, known, _near(typed, known))


def _known(kind: SubjectKind, state: ClusterState, open_subjects: Sequence[str]) -> tuple[str, ...]:
    if kind is SubjectKind.PEER:
        return tuple(str(peer) for peer in (*state.voters, *state.learners))
    if kind is SubjectKind.HOST:
        return tuple(note.host for note in state.hosts)
    if kind is SubjectKind.REPORT:
        return tuple(sorted(each for each in open_subjects if _FINGERPRINT.fullmatch(each)))
    if kind is SubjectKind.ZONE:
        return tuple(sorted({*open_subjects, *(disk.idc for disk in state.disks if disk.idc)}))
    return tuple(task.name for task in TASKS) if kind is SubjectKind.TASK else ()


def _found(kind: SubjectKind, typed: str, known: Sequence[str]) -> str | None:
    if kind is SubjectKind.CLUSTER:
        return None
    if kind is SubjectKind.TASK:
        task = find_task(typed)
        return task.name if task else None
    if kind is SubjectKind.HOST:
        hosts = meant(known, typed)
        return hosts[0] if len(hosts) == 1 else typed if not known and ":" in typed else None
    if kind is SubjectKind.PEER:
        return typed if typed in known or (not known and typed.isdecimal()) else None
    if kind is SubjectKind.REPORT:
        return typed if _FINGERPRINT.fullmatch(typed) else None
    # Only alerts and disks name zones: a zone without either may still exist.
    return typed


def _near(typed: str, known: Sequence[str]) -> str:
    """The known subject in `peer 5` or `#5`; "" if there is none."""
    numbers = re.findall(r"\d+", typed, re.ASCII)
    return numbers[0] if len(numbers) == 1 and numbers[0] in known else ""
