"""Words for the facts of the raft group as a whole. No I/O."""

from bot.common.text import listed
from bot.operations.preflight.facts import cluster as f
from bot.views.preflight_text.phrases import CheckText
from bot.views.text import count, harmless_code

_ONE_CLUSTER = (
    "Under `hosts` in the settings, list the nodes of one cluster only; `/cm members` shows which nodes answer."
)


def leader_is(fact: f.LeaderIs) -> CheckText:
    """Peer 1 leads."""
    return CheckText(f"Peer {fact.peer} leads in term {fact.term} (host {fact.host}).")


def leader_read_only(_: f.LeaderReadOnly) -> CheckText:
    """The leader has `read_only`."""
    return CheckText(
        "The leader reports `read_only` from its configuration.", "Find out who set it, and why, before any change."
    )


def hosts_are_members(_: f.HostsAreMembers) -> CheckText:
    """Every host is a member."""
    return CheckText("Every configured host that answers is a member.")


def strange_hosts(fact: f.StrangeHosts) -> CheckText:
    """A host is no member."""
    strange = listed(f"{each.host} (node {each.node})" for each in fact.hosts)
    return CheckText(
        f"Configured, but no member of this raft group: {strange}. Its data is stale, or of another group.",
        "If it was removed, stop it and delete it from `hosts` in the settings.",
    )


def no_host_answered(fact: f.NoHostAnswered) -> CheckText:
    """No host answered."""
    return CheckText(
        f"None of the {count(fact.hosts, 'configured host')} answered, so the state of the cluster is not known.",
        "Make sure that the nodes run and that cmbot reaches them: `/cm stat` shows each host's error.",
    )


def node_id_missing(fact: f.NodeIdMissing) -> CheckText:
    """A host reports no node id."""
    return CheckText(f"{listed(fact.hosts)} reports no node id, so its peer is not known.", _ONE_CLUSTER)


def node_id_shared(fact: f.NodeIdShared) -> CheckText:
    """Two hosts answer as one node."""
    return CheckText(
        f"{listed(fact.hosts)} both answer as node {fact.node}, so votes cannot be counted.",
        "If these are two names of one node, keep one of them under `hosts` in the settings; "
        "if they are nodes of two clusters, delete the foreign one.",
    )


def two_leaders(fact: f.TwoLeaders) -> CheckText:
    """Hosts name different leaders."""
    named = listed(f"{each.host} names peer {each.peer}" for each in fact.named)
    return CheckText(
        f"Two leaders in term {fact.term}: {named}. A term has one leader, so these are two groups.", _ONE_CLUSTER
    )


def no_leader_named(fact: f.NoLeaderNamed) -> CheckText:
    """No host names a leader."""
    return CheckText(
        f"No host that answered names a leader in term {fact.term}, so writes fail.",
        "Wait for the election and try again; if it does not end, start voters that are down until a quorum runs.",
    )


def leader_denied(fact: f.LeaderDenied) -> CheckText:
    """The leader's own host does not say that it leads."""
    return CheckText(
        f"Peer {fact.peer} is named leader in term {fact.term}, but its own host {fact.host} does not say so.",
        "An election has just ended, or that host's data is stale: try again in some seconds.",
    )


def leader_unplaced(fact: f.LeaderUnplaced) -> CheckText:
    """The leader may be one of the silent hosts."""
    return CheckText(
        f"Peer {fact.peer} is named leader in term {fact.term}, but no host that answered is peer {fact.peer}; "
        f"{listed(fact.silent)} did not answer.",
        f"Wait until it answers or another leader is elected. If peer {fact.peer} is none of these hosts, "
        "add its service address to `hosts` in the settings.",
    )


def leader_not_configured(fact: f.LeaderNotConfigured) -> CheckText:
    """The leader's host is not configured."""
    called = f": the other hosts call it {harmless_code(fact.called)}" if fact.called else ""
    return CheckText(
        f"Peer {fact.peer} is leader in term {fact.term}, but its host is not configured, so cmbot sees only "
        "followers.",
        f"Add the service address of peer {fact.peer} to `hosts` in the settings{called}.",
    )


def leader_outdated(fact: f.LeaderOutdated) -> CheckText:
    """Other hosts report a newer term."""
    ahead = listed(fact.ahead)
    return CheckText(
        f"{fact.host} leads in term {fact.term}, but {ahead} reports term {fact.newest}: "
        "an election is in progress, or the host of its leader is not configured.",
        f"Wait for the election and try again. If nothing changes, check that {ahead} still belongs to this "
        "cluster and that `hosts` in the settings names every node.",
    )


def leader_not_listed(fact: f.LeaderNotListed) -> CheckText:
    """The leader's own data is not reliable."""
    return CheckText(
        f"The leader, peer {fact.peer}, does not list itself once among its voters, so its data is not reliable.",
        "Try again in some seconds. If nothing changes, read the log of that node and move leadership by hand.",
    )
