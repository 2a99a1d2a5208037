"""Words for the status of a cluster: its headline, its reasons, and notes of it. No I/O.

All is plain text: raw, unescaped, each on one line.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from bot.alerting import status_facts as f
from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.cluster_status import ClusterStatus, level_of, worse_alert
from bot.alerting.model import Alert
from bot.alerting.text import one_line
from bot.common.text import count, listed, percent
from bot.views.alert_text.raft import proven_clause, risk_clause, risk_state, unhealthy_clause
from bot.views.alert_text.table import sentence_of
from bot.views.risk_text import levels_text

MAX_ALERT = 300
"""Characters of an alert's sentence in a headline or reason: long enough for the longest without foreign text."""


def status_sentence(status: ClusterStatus) -> str:
    """The headline: the consequence for the cluster, the one cause, and the leader if there is one.

    It always has the state of a short quorum.
    """
    words = HEADLINES.get(type(status.headline))
    if words is None:
        head = f"{status.cluster} is {status.level}: {reason_text(status.headline)}."
    else:
        head = words(status.headline, status)
    short = next((fact for fact in status.reasons if isinstance(fact, f.QuorumShort)), status.headline)
    if isinstance(short, f.QuorumShort) and short != status.headline:
        head = f"{head} It {risk_state(short.quorum)}{_decided(short)}."
    if status.leader is None or isinstance(status.headline, f.LedWell):
        return head
    return f"{head} Peer {status.leader.peer} leads in term {status.leader.term}."


def reason_text(fact: f.StatusFact) -> str:
    """A reason as a clause without a full stop."""
    return REASONS[type(fact)](fact)


def listed_reasons(status: ClusterStatus) -> Sequence[str]:
    """The reasons that are listed below the headline: all but those that the headline says."""
    return [reason_text(fact) for fact in status.reasons if not _said(status.headline, fact)]


def _said(headline: f.StatusFact, fact: f.StatusFact) -> bool:
    """True if the headline says a reason in full."""
    match headline:
        case f.QuorumShort(sick=(only,)):
            return isinstance(fact, f.VoterUnhealthy) and fact.peer == only.peer
        case f.QuorumShort(sick=()) | f.NoneKnown() | f.MajorityGone() | f.NamedLeaderDenies() | f.NamedLeaderSilent():
            return False
    return fact == headline


def alert_headline(cluster: str, alert: Alert) -> str:
    """The headline of a status that an open alert raises: the alert may be of the past, its severity is of now."""
    which = f"alert #{alert.id}" if alert.id else "an alert"
    return f"{cluster} is {level_of(alert.severity)}: {which} is still open: {_problem(alert)}."


def noted_sentence(cluster: str, verdict: str, raised_by: Alert | None) -> str:
    """The sentence of a noted status: that of the alert that raises it, or as it was noted."""
    return verdict if raised_by is None else alert_headline(cluster, raised_by)


def not_milder(note: ClusterNote, name: str, alerts: Sequence[Alert]) -> ClusterNote:
    """The note with a level not milder than the most severe firing alert of the cluster `name`."""
    alert = worse_alert(note.level, [alert for alert in alerts if alert.cluster == name])
    if alert is None:
        return note
    return replace(note, level=str(level_of(alert.severity)), verdict=alert_headline(name, alert))


def quorum_text(quorum: f.Quorum) -> str:
    """The arithmetic of the quorum, and what it can lose."""
    if quorum.spare < 0:
        are = "is" if quorum.healthy == 1 else "are"
        return f"quorum is {quorum.needed} of {quorum.voters} voters, and only {quorum.healthy} {are} proven healthy"
    more = "none" if quorum.spare == 0 else count(quorum.spare, "more voter")
    return f"quorum is {quorum.needed} of {quorum.voters}, it can lose {more}"


def _led_well(fact: f.LedWell, status: ClusterStatus) -> str:
    return f"{status.cluster} is healthy: peer {fact.peer} leads in term {fact.term}, {quorum_text(fact.quorum)}."


def _all_silent(fact: f.AllSilent, status: ClusterStatus) -> str:
    which = "its only host did not answer" if fact.hosts == 1 else f"none of its {fact.hosts} hosts answered"
    return f"{status.cluster} is unreachable: {which}."


def _none_known(fact: f.NoneKnown, status: ClusterStatus) -> str:
    answers = _answers(fact.answered, fact.hosts)
    return f"{status.cluster} accepts no writes: it has no leader. {answers}, and none knows one."


def _majority_gone(fact: f.MajorityGone, status: ClusterStatus) -> str:
    return f"{status.cluster} accepts no writes: it has no quorum. Only {_answers(fact.answered, fact.hosts)}."


def _quorum_short(fact: f.QuorumShort, status: ClusterStatus) -> str:
    faults = [(voter.peer, voter.fault) for voter in fact.sick]
    return f"{risk_clause(status.cluster, fact.quorum, faults)}{_decided(fact)}."


def _decided(fact: f.QuorumShort) -> str:
    """The clause of a state that one poll does not prove."""
    return "; the next poll decides" if fact.unsure else ""


def _contradiction(fact: f.StatusFact, status: ClusterStatus) -> str:
    if status.unsure:
        return f"{status.cluster} is {status.level}: at one poll {reason_text(fact)}; the next poll decides."
    return f"{status.cluster} contradicts itself: {reason_text(fact)}."


def _denies(fact: f.NamedLeaderDenies, status: ClusterStatus) -> str:
    return (
        f"{status.cluster} is {status.level}: hosts name peer {fact.peer} as leader in term {fact.term}, but its own "
        f"answer does not say so (term {fact.own_term}); the next poll decides."
    )


def _leader_silent(fact: f.NamedLeaderSilent, status: ClusterStatus) -> str:
    more = "; the next poll decides whether the quorum is lost" if status.unsure else ""
    named = f"{status.cluster} is {status.level}: peer {fact.peer}, named as leader in term {fact.term},"
    if fact.answered == fact.hosts:
        return f"{named} is none of its {count(fact.hosts, 'configured host')}."
    return f"{named} did not answer; {fact.answered} of {count(fact.hosts, 'host')} did{more}."


HEADLINES: Mapping[type[f.StatusFact], Callable[[Any, ClusterStatus], str]] = MappingProxyType(
    {
        f.LedWell: _led_well,
        f.AllSilent: _all_silent,
        f.NoneKnown: _none_known,
        f.MajorityGone: _majority_gone,
        f.QuorumShort: _quorum_short,
        f.SeveralClaim: _contradiction,
        f.SeveralNamed: _contradiction,
        f.NamedLeaderDenies: _denies,
        f.NamedLeaderSilent: _leader_silent,
        f.AlertFires: lambda fact, status: alert_headline(status.cluster, fact.alert),
    }
)
"""Headlines that name a consequence; the others name the level and the first reason."""


def _short(fact: f.QuorumShort) -> str:
    if not fact.sick:
        voters = fact.quorum.voters
        few = "a single voter cannot be lost" if voters == 1 else f"a group of {voters:,} voters cannot lose one"
        return f"{few}: add another voter"
    return f"{'only ' if fact.quorum.spare < 0 else ''}{proven_clause(fact.quorum)}"


def _no_usable_answer(fact: f.NoUsableAnswer) -> str:
    words = fact.error or "it gave no answer"
    # Most error sentences start with the host.
    return words if words.startswith(fact.host) else f"{fact.host} is silent: {words}"


def _other_leader(fact: f.OtherLeader) -> str:
    follows = f"peer {fact.leader}" if fact.leader else "no leader"
    return f"{fact.host} follows {follows} in term {fact.term}: its view differs from the leader's"


def _disks(fact: f.DisksBad) -> str:
    are, state = "is" if fact.number == 1 else "are", "being repaired" if fact.repairing else "broken"
    by = " by the leader's counters" if fact.counted else ""
    return f"{count(fact.number, 'disk')} {are} {state}{by}"


def _several_named(fact: f.SeveralNamed) -> str:
    return f"in term {fact.term} some hosts name peers {listed([str(peer) for peer in fact.peers])} as leader"


def _named_silent(fact: f.NamedLeaderSilent) -> str:
    if fact.answered == fact.hosts:
        return f"add the service address of peer {fact.peer} to `hosts` in the settings"
    return f"peer {fact.peer} leads in term {fact.term} but did not answer itself"


REASONS: Mapping[type[f.StatusFact], Callable[[Any], str]] = MappingProxyType(
    {
        f.AlertFires: lambda fact: _alert(fact.alert),
        f.NoVoters: lambda _: "the leader lists no voters, so the quorum cannot be judged",
        f.QuorumShort: _short,
        f.VoterUnhealthy: lambda fact: unhealthy_clause(fact.peer, fact.fault),
        f.LearnerDown: lambda fact: f"learner {fact.peer} is down (the leader has not heard from it lately)",
        f.NoUsableAnswer: _no_usable_answer,
        f.SlowLeader: lambda fact: f"the leader answers slowly: {fact.host} took {fact.seconds * 1000:,.0f} ms",
        f.FormerMember: lambda fact: (
            f"{fact.host} answers as peer {fact.peer}, which is no longer a member: its data is stale"
        ),
        f.OtherLeader: _other_leader,
        f.DisksBad: _disks,
        f.VolumesStand: lambda fact: levels_text({fact.standing: fact.number}),
        f.ReportsReadOnly: lambda _: "the leader reports read_only (from its configuration)",
        f.LittleWritable: lambda fact: f"only {percent(fact.writable, fact.total)} of the space is writable",
        f.SeveralClaim: lambda fact: f"{listed(fact.hosts)} each claim to lead in term {fact.term}",
        f.SeveralNamed: _several_named,
        f.NoneKnown: lambda _: "no voter has won an election: a majority of voters must be up and reach each other",
        f.MajorityGone: lambda fact: f"{fact.needed} of {fact.voters} voters must be up and reach each other",
        f.NamedLeaderDenies: lambda fact: (
            f"peer {fact.peer} is named as leader in term {fact.term}, and answers as no leader in term {fact.own_term}"
        ),
        f.NamedLeaderSilent: _named_silent,
    }
)
"""The words of each reason; LedWell and AllSilent are headlines only."""


def _alert(alert: Alert) -> str:
    number = f" (alert #{alert.id})" if alert.id else ""
    return f"{_problem(alert)}{number}"


def _problem(alert: Alert) -> str:
    return one_line(sentence_of(alert), MAX_ALERT).rstrip(".")


def _answers(answered: int, hosts: int) -> str:
    return f"{answered} of {count(hosts, 'host')} {'answers' if answered == 1 else 'answer'}"
