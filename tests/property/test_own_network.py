"""The state of the own network, evaluated for all clusters at once, is that of each cluster by the plain definition."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.alerting.own_network import SLACK, WAIT, ClusterPoll, NetworkStatus, WatchedCluster, network_statuses
from tests.support.budget import examples

NOW = 10_000.0
AGES = st.sampled_from((0.0, 5.0, 14.0, 40.0, 59.0, 61.0, 80.0, 200.0))
POLLS = st.lists(
    st.tuples(st.sampled_from((5.0, 15.0, 60.0)), AGES, st.booleans(), AGES, st.booleans()), min_size=1, max_size=7
)


def plain(me: ClusterPoll, polls: list[ClusterPoll]) -> NetworkStatus:
    """The definition, cluster by cluster."""
    others = [poll for poll in polls if poll is not me and poll.fresh(NOW)]
    if not me.fresh(NOW) or not me.dark_since:
        return NetworkStatus.WORKING
    if any(not poll.dark_since for poll in others if not poll.here):
        # A cluster that another process reaches says nothing of this network, nor does one beside it.
        others = [poll for poll in others if poll.here]
    answered = [poll for poll in others if not poll.dark_since]
    if any(poll.began >= me.dark_since for poll in answered):
        return NetworkStatus.WORKING
    if answered and NOW - me.dark_since < WAIT:
        return NetworkStatus.UNDECIDED
    for poll in others:
        apart = SLACK + max(me.watched.interval, poll.watched.interval)
        if poll.dark_since and abs(poll.dark_since - me.dark_since) <= apart:
            return NetworkStatus.ISOLATED
    return NetworkStatus.WORKING


@settings(max_examples=examples(300), deadline=None)
@given(POLLS)
def test_statuses_are_those_of_the_plain_definition(drawn: list[tuple[float, float, bool, float, bool]]) -> None:
    polls = [
        ClusterPoll(
            WatchedCluster(f"c{place}", "C1", interval=interval),
            NOW - age,
            NOW - age - longer if dark else 0.0,
            here,
        )
        for place, (interval, age, dark, longer, here) in enumerate(drawn)
    ]
    found = network_statuses(polls, NOW)
    assert {poll.watched.cluster: found.get(poll.watched.cluster, NetworkStatus.WORKING) for poll in polls} == {
        poll.watched.cluster: plain(poll, polls) for poll in polls
    }
