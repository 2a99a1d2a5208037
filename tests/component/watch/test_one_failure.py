"""One failure is one message, or the few that a person on call wants: what a channel sees of it from begin to end."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.alerting.model import Silence
from bot.alerting.rules.thresholds import configure
from bot.clustermgr.models import Snapshot
from bot.common.errors import AuthRejected
from bot.common.message_key import MessageKey
from bot.watch.planning import Watched
from tests.support.alert_words import lines
from tests.support.observed_store import ObservedStore
from tests.support.raft_snapshots import failing
from tests.support.watch_builders import host, polled
from tests.support.watch_harness import World

Look = Callable[[float], Snapshot]
FIVE = {"members": (1, 2, 3, 4, 5), "nodes": (1, 2, 3, 4, 5)}
DEAD = {"active": False}


@pytest.fixture
async def world(store: ObservedStore) -> World:
    """A healthy cluster of three, watched for a while."""
    made = World(store)
    assert await made.ticks(3) == []
    return made


async def over(world: World, *answers: tuple[int, Look]) -> list[str]:
    """Alerts posted while each snapshot is seen several times."""
    posted = []
    for times, see in answers:
        world.see = see
        posted += await world.ticks(times)
    return posted


def seen(**changes: Any) -> Look:
    return lambda at: polled(at, **changes)


RISK = "Critical in prod: prod is one failure from losing writes: "
STOPS = "voter 3 is unhealthy (the leader has not heard from it lately)."
SAFE = "The quorum of prod is safe again: 2 of 3 voters must agree."


async def test_killed_leader_is_one_message_until_it_is_back(world: World) -> None:
    gone = {"leader": 2, "term": 6, "silent": (1,)}
    posted = await over(
        world,
        (1, seen(silent=(1,))),
        (1, seen(**gone, peers={1: {"state": "StateProbe", "match": 0}})),
        (100, seen(**gone, peers={1: {"state": "StateProbe", "match": 0, **DEAD}})),
    )
    changed = "The leader of prod changed from peer 1 to peer 2 in term 6."
    at_risk = "prod is one failure from losing writes: voter 1 is unhealthy (down: the leader does not hear from it)."
    assert posted == [
        f"Warning in prod: {changed}",
        f"Critical in prod, of the same cause (#4): {at_risk}",
        f"Critical in prod: {changed} Of the same cause: {at_risk}",
    ]
    risk, first = sorted(world.store.firing(), key=lambda each: each.rule, reverse=True)
    assert (risk.rule, risk.notes.folded, first.rule) == ("quorum_at_risk", ("leader_changed", ""), "leader_changed")
    assert lines(risk)[-1] == f"its host `{host(1)}` gives no usable answer"
    ended = await over(world, (30, seen(leader=2, term=6)))
    assert ended[-1].startswith("Resolved in prod after")
    assert world.store.firing() == []


async def slow_election(world: World) -> list[str]:
    """The leader dies, its voters elect none for half a minute, then peer 2."""
    none = {"leader": 0, "term": 5, "silent": (1,)}
    gone = {"leader": 2, "term": 6, "silent": (1,)}
    return await over(
        world, (3, seen(**none)), (60, seen(**gone, peers={1: {"state": "StateProbe", "match": 0, **DEAD}}))
    )


async def test_killed_leader_with_slow_election_is_one_message(store: ObservedStore) -> None:
    world = World(store, watched=Watched("prod", "C1", 15, configure()))
    await world.ticks(3)
    posted = await slow_election(world)
    changed = "The leader of prod changed from peer 1 to peer 2 in term 6."
    at_risk = "prod is one failure from losing writes: voter 1 is unhealthy (down: the leader does not hear from it)."
    assert posted[0].startswith("Critical in prod: prod accepts no writes: it has no leader.")
    assert f"Warning in prod, which has a leader again (#3): {changed}" in posted
    assert posted[-1] == f"Critical in prod: {changed} Of the same cause: {at_risk}"
    keys = [MessageKey.parse(key) for key in store.state.outbox]
    assert len([key for key in keys if key.is_root and key.alert_id]) == 1
    ended = await over(world, (60, seen(leader=2, term=6)))
    assert ended[-1].startswith("Resolved in prod after")
    assert world.store.firing() == []


async def test_second_outage_has_its_own_message(store: ObservedStore) -> None:
    world = World(store, watched=Watched("prod", "C1", 15, configure()))
    await world.ticks(3)
    await slow_election(world)
    posted = await over(world, (3, seen(leader=0, term=6, silent=(1,))))
    assert posted[0].startswith("Critical in prod: prod accepts no writes: it has no leader.")


async def test_killed_follower_is_one_message_until_it_returns(world: World) -> None:
    posted = await over(world, (1, seen(silent=(3,))), (200, seen(silent=(3,), peers={3: DEAD})))
    assert posted == [RISK + STOPS]
    ended = await over(world, (30, polled))
    assert [text for text in ended if text.endswith(SAFE)] == ended[-2:]
    assert world.store.firing() == []


async def test_of_five_a_killed_follower_is_the_lost_voter(store: ObservedStore) -> None:
    world = World(store)
    healthy = await over(world, (3, seen(**FIVE)))
    posted = await over(world, (1, seen(**FIVE, silent=(5,))), (200, seen(**FIVE, silent=(5,), peers={5: DEAD})))
    assert healthy == []
    assert posted == [
        "Warning in prod: Voter 5 (`10.0.0.5:10110`) of prod is down: the leader has not heard from it lately."
    ]


async def test_host_unreachable_from_cmbot_is_no_quorum_alert(world: World) -> None:
    posted = await over(world, (100, seen(silent=(3,))))
    assert posted == [f"Warning in prod: Host `{host(3)}` of prod does not answer: it did not answer in time."]
    # Then its node dies as well: that is worse, and said at once where it counts.
    worse = await over(world, (10, seen(silent=(3,), peers={3: DEAD})))
    assert RISK + STOPS in worse


async def test_partial_recovery_announces_the_rest(world: World) -> None:
    await over(world, (20, seen(silent=(3,), peers={3: DEAD})))
    posted = await over(world, (30, seen(silent=(3,))))
    # By the leader's own view one may fail again: the same message, edited to be milder.
    assert set(posted) == {
        f"Warning in prod: Host `{host(3)}` of prod does not answer: it did not answer in time.",
        *(
            f"{RISK}voter 3 is not proven healthy ({why}).".replace("Critical", "Warning")
            for why in (
                "in the previous poll: the leader has not heard from it lately",
                "its own host did not answer in time",
            )
        ),
    }


async def test_silent_new_leader_is_one_change_alert(world: World) -> None:
    posted = await over(world, (1, seen(leader=2, term=6, silent=(2,))), (20, seen(leader=2, term=6)))
    moved = "Warning in prod: The leader of prod changed from peer 1 to peer 2 in term 6"
    assert posted == [f"{moved}, reported by peer 1; not confirmed yet.", f"{moved}."]


async def test_restarted_node_is_no_message(world: World) -> None:
    gone = seen(silent=(3,), peers={3: DEAD})
    assert await over(world, (2, gone), (20, polled)) == []
    assert await over(world, (1, gone), (1, seen(peers={3: {"state": "StateProbe"}})), (20, polled)) == []


async def test_flapping_voter_is_announced(world: World) -> None:
    gone = seen(silent=(3,), peers={3: DEAD})
    assert await over(world, (1, gone), (1, polled), (1, gone), (1, polled)) == [RISK + STOPS]


async def test_flapping_leader_is_one_flapping_alert(world: World) -> None:
    posted = []
    for turn in range(1, 13):
        posted += await over(world, (4, seen(leader=1 + turn % 2, term=5 + turn)))
    posts = [text for text in posted if "worse" not in text]
    assert posts[0].startswith("Warning in prod: The leader of prod changed from peer 1 to peer 2")
    assert posts[1].startswith("Warning in prod: The leader of prod changed 2 times")
    assert all("stop again and again" in text for text in posts[2:])
    assert len([text for text in posted if "worse" in text]) == 3


async def test_rejected_token_is_no_unreachable_cluster(world: World) -> None:
    posted = await over(world, (100, lambda at: failing(polled(at), 1, 2, 3, error=AuthRejected("No.", status=403))))
    assert posted[0] == (
        "Critical in prod: prod rejects the request token: every host answered 403. Its state is unknown."
    )
    assert all("reject" in text for text in posted)


async def test_wildcard_silence_excludes_unreachable_cluster(
    world: World,
) -> None:
    await world.store.silence(Silence("prod", "*", "", world.now + 9000, "U1"))
    posted = await over(world, (20, lambda at: failing(polled(at), 1, 2, 3, error=AuthRejected("No.", status=403))))
    assert posted == [
        "Critical in prod: prod is unreachable: none of its 3 hosts gave a usable answer. Its state is unknown."
    ]


async def test_removed_node_is_info_once_stopped(world: World) -> None:
    world.causes[3] = (12, "U1")
    posted = await over(world, (10, seen(members=(1, 2, 4), nodes=(1, 2, 3))))
    assert [text for text in posted if "peer 3" in text] == [
        (
            f"Warning in prod: Host `{host(3)}` of prod answers as peer 3, which is not a member. "
            "Its data is stale, but it still forwards writes to the leader."
        )
    ]
    stopped = await over(world, (20, seen(members=(1, 2, 4), nodes=(1, 2, 3), silent=(3,))))
    assert any(f"Host `{host(3)}` of prod no longer answers, so its stale data" in text for text in stopped)
    assert any(text.startswith("Info") and "its peer 3 was removed from the cluster" in text for text in stopped)
