"""Words for the end of an alert. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.model import Alert
from bot.alerting.outcomes import (
    AnswersAgain,
    DisksDone,
    DisksEmpty,
    Ended,
    HostOutcome,
    HostState,
    LeaderNow,
    MembersNow,
    NotWatched,
    PeerOutcome,
    PeerState,
    SpaceNow,
    TaskOutcome,
    TaskState,
    VolumesNow,
    WorkMoves,
)
from bot.clustermgr.health import quorum
from bot.common.text import count, duration, listed, percent
from bot.views.alert_text.hosts import fault_words

_ENDED: Mapping[str, str] = MappingProxyType(
    {
        "hosts_disagree": "The hosts of {cluster}{which} agree again.",
        "read_only": "The leader of {cluster} no longer reports `read_only`.",
        "auth_rejected": "{cluster} accepts the request token again.",
        "disk_expired": "Every disk of {cluster} reports again or is marked broken.",
        "chunks_low": "Zone {zone} of {cluster} has enough free chunks again.",
        "no_volume": "{cluster} has volumes now, or no writable disk.",
        "volumes_low": "Enough volumes of {cluster} can be allocated again.",
        "scheduler_silent": "The schedulers of {cluster} answer again, or no background task that needs them is on.",
        "tasks_failing": "Background task `{zone}` of {cluster} no longer fails, or is not watched any more.",
        "switch_changed": "The switches of {cluster} have not changed again; see `/cm tasks`.",
        "watch_blind": "cmbot polls {cluster} successfully again.",
        "own_network": "A cluster answers from here again; alerts of single clusters follow.",
    }
)
"""The end of alerts whose rule says enough."""


def ended(outcome: Ended, alert: Alert) -> str:
    """An end that needs no further facts."""
    words = _ENDED.get(alert.rule, "It is over.")
    which = " that answer" if outcome.partly else ""
    return words.format(cluster=alert.cluster, which=which, zone=alert.subject or "without a name")


def not_watched(outcome: NotWatched, alert: Alert) -> str:
    """The settings do not watch for it any more."""
    if outcome.cluster_left:
        return f"{alert.cluster} was removed from the settings, so cmbot no longer checks this."
    return "The settings no longer enable this rule, so cmbot no longer checks it."


def host_outcome(outcome: HostOutcome, alert: Alert) -> str:
    """State of a host."""
    host, cluster = outcome.host, alert.cluster
    if outcome.state is HostState.NOT_CONFIGURED:
        return f"Host `{host}` is no longer configured for {cluster}."
    if alert.rule == "apply_stalled":
        return f"Host `{host}` of {cluster} applies its log again."
    good = {
        "api_error": "gives usable answers again",
        "slow_answers": "answers quickly again",
        "stale_host": f"answers as peer {outcome.peer}, which is a member",
    }
    silent = {"stale_host": "no longer answers, so its stale data misleads no reader: remove it from the settings"}
    if alert.rule == "host_unreachable" and outcome.fault:
        silent["host_unreachable"] = f"answers again, but {fault_words(outcome.fault)}"
    words = (
        good.get(alert.rule, "answers again")
        if outcome.state is HostState.GOOD
        else silent.get(alert.rule, "no longer answers at all")
    )
    return f"Host `{host}` of {cluster} {words}."


def answers_again(outcome: AnswersAgain, alert: Alert) -> str:
    """`cluster_unreachable`."""
    return f"{alert.cluster} answers again: {outcome.answered} of {count(outcome.hosts, 'host')}."


def leader_now(outcome: LeaderNow, alert: Alert) -> str:
    """Alerts about the leader."""
    peer, cluster = outcome.peer, alert.cluster
    if alert.rule == "no_leader" and alert.notes.folded is not None:
        # The message says who leads now.
        return f"{cluster} was without a leader for {duration(alert.lasted)}."
    if alert.rule == "no_leader":
        return f"{cluster} has a leader again: peer {peer} in term {outcome.term}."
    if alert.rule == "leader_unseen":
        return f"The leader of {cluster} answers cmbot again: peer {peer}."
    return f"The leader of {cluster} has not changed again: peer {peer} has led for {duration(outcome.led_for)}."


def members_now(outcome: MembersNow, alert: Alert) -> str:
    """`quorum_at_risk` and `membership_changed`."""
    voters, learners, cluster = outcome.voters, outcome.learners, alert.cluster
    if alert.rule == "quorum_at_risk":
        agree = f": {quorum(voters)} of {count(voters, 'voter')} must agree" if voters else ""
        return f"The quorum of {cluster} is safe again{agree}."
    kinds = [count(number, noun) for number, noun in ((voters, "voter"), (learners, "learner")) if number]
    has = " and ".join(kinds) or "no known members"
    return f"The members of {cluster} have not changed again: it has {has}."


def peer_outcome(outcome: PeerOutcome, alert: Alert) -> str:
    """State of a peer."""
    peer, cluster = outcome.peer, alert.cluster
    name = "Learner" if alert.rule == "learner_ready" and outcome.state is not PeerState.VOTER else "Peer"
    good = "replicates again" if alert.rule == "peer_down" else "keeps up with its leader again"
    words = {
        PeerState.GOOD: f"of {cluster} {good}",
        PeerState.DOWN: f"of {cluster} no longer lags: it is down",
        PeerState.VOTER: f"of {cluster} is a voter now",
        PeerState.NO_MEMBER: f"is no longer a member of {cluster}",
        PeerState.UNPROVEN: f"of {cluster} is no longer proven to keep up",
    }
    return f"{name} {peer} {words[outcome.state]}."


def disks_done(outcome: DisksDone, alert: Alert) -> str:
    """`disk_broken`; units that are left, or were not counted, are named: a state does not prove that none is."""
    disks = [f"#{disk}" for disk in outcome.disks]
    if not disks:
        return f"No disk of {alert.cluster} is broken or being repaired{_but(_held(outcome.held))}."
    became = "repaired" if outcome.repaired else "repaired or dropped"
    verb = "was" if len(disks) == 1 else "were"
    said = f"Disk{'' if len(disks) == 1 else 's'} {listed(disks)} of {alert.cluster} {verb} {became}"
    left = [*_held(outcome.held), *_uncounted(outcome.uncounted, alert.cluster)]
    return f"{said}{_but(left)}."


def _but(left: list[str]) -> str:
    return f", but {'; and '.join(left)}" if left else ""


def _held(held: tuple[tuple[int, int], ...]) -> list[str]:
    if not held:
        return []
    words = listed([f"{count(units, 'unit')} on disk #{disk}" for disk, units in held])
    verb = "is" if [units for _, units in held] == [1] else "are"
    return [f"{words} {verb} left: do not pull {'it' if len(held) == 1 else 'them'}"]


def _uncounted(disks: tuple[int, ...], cluster: str) -> list[str]:
    if not disks:
        return []
    noun, pull, number = ("disk", "it", str(disks[0])) if len(disks) == 1 else ("disks", "one", "N")
    names = listed([f"#{disk}" for disk in disks])
    return [
        (
            f"the units left on {noun} {names} could not be counted: "
            f"do not pull {pull} before `/cm disk {number} {cluster}` shows that no unit is left"
        )
    ]


def disks_empty(outcome: DisksEmpty, alert: Alert) -> str:
    """`disk_not_empty`."""
    ends = (
        (outcome.disks, "holds", "hold", "no unit any more"),
        (outcome.in_use, "is", "are", "in use again"),
        (outcome.broken, "is", "are", "broken or being repaired again"),
    )
    found = [_disks_that(disks, alert.cluster, one, more, end) for disks, one, more, end in ends if disks]
    if not found:
        return f"No disk of {alert.cluster} that is listed as repaired or dropped holds units."
    return f"{'. '.join(found)}."


def _disks_that(disks: tuple[int, ...], cluster: str, one: str, more: str, end: str) -> str:
    noun, verb = ("Disk", one) if len(disks) == 1 else ("Disks", more)
    return f"{noun} {listed([f'#{disk}' for disk in disks])} of {cluster} {verb} {end}"


def volumes_now(outcome: VolumesNow, alert: Alert) -> str:
    """`volumes_at_risk`, `volumes_lost` and `volumes_unreachable`."""
    if not outcome.reduced:
        return f"No volume of {alert.cluster} has lost units."
    least = "" if outcome.left is None else f"; each can lose at least {count(max(0, outcome.left), 'more unit')}"
    verb = "has" if outcome.reduced == 1 else "have"
    return f"{count(outcome.reduced, 'volume')} of {alert.cluster} {verb} lost units{least}."


def work_moves(outcome: WorkMoves, alert: Alert) -> str:
    """`repair_stuck` and `drop_stuck`."""
    left, held = count(outcome.left, "disk"), _but(_held(outcome.held))
    if alert.rule == "drop_stuck":
        if not outcome.left:
            return f"No disk of {alert.cluster} is being dropped{held}."
        return f"Disks of {alert.cluster} are being emptied again; {left} to go{held}."
    if not outcome.left:
        return f"No disk of {alert.cluster} is broken or being repaired{held}."
    return f"Disks of {alert.cluster} are being repaired again; {left} to go{held}."


def space_now(outcome: SpaceNow, alert: Alert) -> str:
    """`writable_low`."""
    share = f": {percent(outcome.writable, outcome.total)} of its space" if outcome.total else ""
    return f"{alert.cluster} has enough writable space again{share}."


def task_outcome(outcome: TaskOutcome, alert: Alert) -> str:
    """Alerts about the switch of a task."""
    task, cluster = outcome.task, alert.cluster
    if outcome.state is TaskState.IDLE:
        return f"Background task `{task}` of {cluster} has no more work."
    if alert.rule == "switch_meaningless":
        words = {TaskState.ON: "on", TaskState.OFF: "off", TaskState.UNSET: "not set"}
        return f"Background task `{task}` of {cluster} is {words.get(outcome.state, 'not known')} now."
    if outcome.state is TaskState.ON:
        return f"Background task `{task}` of {cluster} is on again."
    return f"The switch of background task `{task}` of {cluster} was changed; see `/cm tasks`."
