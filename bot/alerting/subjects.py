"""Subjects of the alerts of each rule, so that a silence of one subject mutes the right alerts. No I/O."""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.model import Alert
from bot.alerting.rules.table import RULES
from bot.alerting.silences import EVERY_RULE
from bot.clustermgr.host_matching import meant
from bot.clustermgr.tasks import TASKS, find_task
from bot.common.errors import UserError
from bot.common.text import listed, shown


class About(Enum):
    """The kind of thing that an alert's subject names, in words."""

    CLUSTER = "the whole cluster"
    PEER = "a peer by its number"
    HOST = "a host as the settings name it"
    ZONE = "a zone"
    TASK = "a background task"


_OTHERS: Mapping[str, About] = MappingProxyType(
    {
        "api_error": About.HOST,
        "host_unreachable": About.HOST,
        "slow_answers": About.HOST,
        "stale_host": About.HOST,
        "apply_stalled": About.HOST,
        "peer_down": About.PEER,
        "peer_lagging": About.PEER,
        "learner_ready": About.PEER,
        "chunks_low": About.ZONE,
        "task_off_with_work": About.TASK,
        "task_off_too_long": About.TASK,
        "switch_meaningless": About.TASK,
    }
)
SUBJECTS: Mapping[str, About] = MappingProxyType({rule.key: _OTHERS.get(rule.key, About.CLUSTER) for rule in RULES})
"""The kind of subject of each rule; a rule about the whole cluster has one alert."""


def subject_of(rule: str, typed: str, cluster: str, memory: ClusterState, alerts: Iterable[Alert]) -> str:
    """The subject as the alerts of that rule of the cluster name it; raises UserError that says what they are.

    What the watch has not seen yet cannot be refused: then the text only has to look right.
    """
    if not typed:
        return ""
    kinds = list(dict.fromkeys(SUBJECTS.values())) if rule == EVERY_RULE else [SUBJECTS[rule]]
    used = [alert.subject for alert in alerts if rule in {EVERY_RULE, alert.rule} and alert.subject]
    for kind in kinds:
        known = _known(kind, memory, used)
        if (found := _found(kind, typed, known)) is not None:
            return found
    raise UserError(_refusal(rule, typed, cluster, kinds, memory, used)).at("subject")


def _known(kind: About, memory: ClusterState, used: Sequence[str]) -> tuple[str, ...]:
    if kind is About.PEER:
        return tuple(str(peer) for peer in (*memory.voters, *memory.learners))
    if kind is About.HOST:
        return tuple(note.host for note in memory.hosts)
    if kind is About.ZONE:
        return tuple(sorted({*used, *(disk.idc for disk in memory.disks if disk.idc)}))
    return tuple(task.name for task in TASKS) if kind is About.TASK else ()


def _found(kind: About, typed: str, known: Sequence[str]) -> str | None:
    if kind is About.CLUSTER:
        return None
    if kind is About.TASK:
        task = find_task(typed)
        return task.name if task else None
    if kind is About.HOST:
        hosts = meant(known, typed)
        return hosts[0] if len(hosts) == 1 else typed if not known and ":" in typed else None
    if kind is About.PEER:
        return typed if typed in known or (not known and typed.isdecimal()) else None
    # Zones are listed nowhere but in alerts and disks: one without either may exist all the same.
    return typed


def _refusal(
    rule: str, typed: str, cluster: str, kinds: Sequence[About], memory: ClusterState, used: Sequence[str]
) -> str:
    if rule == EVERY_RULE:
        return f"No alert can be about {shown(typed)}: it must be a peer's number, a host, a zone or a background task."
    [kind] = kinds
    if kind is About.CLUSTER:
        return f"An alert of {rule} is about the whole cluster and has no subject: leave subject= out."
    known = _known(kind, memory, used)
    here = f" Of {cluster} these are known: {listed(known)}." if known else ""
    return f"An alert of {rule} is about {kind.value}, and {shown(typed)} is none.{here}{_near(typed, known)}"


def _near(typed: str, known: Sequence[str]) -> str:
    """The one that is meant by `peer 5` or `#5`."""
    numbers = re.findall(r"\d+", typed, re.ASCII)
    return f" Did you mean subject={numbers[0]}?" if len(numbers) == 1 and numbers[0] in known else ""
