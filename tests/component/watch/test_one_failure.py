"""One failure is one message, or the few that a person on call wants: what a channel sees of it from begin to end."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.alerting.model import Silence
from bot.clustermgr.models import Snapshot
from bot.common.errors import AuthRejected
from tests.support.alert_words import lines
from tests.support.raft_snapshots import failing
from tests.support.watch_builders import host, look
from tests.support.watch_harness import World

Look = Callable[[float], Snapshot]
FIVE = {"members": (1, 2, 3, 4, 5), "nodes": (1, 2, 3, 4, 5)}
DEAD = {"active": False}


@pytest.fixture
async def world() -> World:
    """A healthy cluster of three, watched for a while."""
    made = World()
    assert await made.ticks(3) == []
    return made


async def over(world: World, *looks: tuple[int, Look]) -> list[str]:
    """What is told while each of the looks is seen so many times."""
    told = []
    for times, see in looks:
        world.see = see
        told += await world.ticks(times)
    return told


def seen(**changes: Any) -> Look:
    return lambda at: look(at, **changes)


RISK = "Critical in prod: prod is one failure from losing writes: "
STOPS = "voter 3 is unhealthy (the leader has not heard from it lately)."
SAFE = "The quorum of prod is safe again: 2 of 3 voters must agree."


async def test_a_killed_leader_is_told_as_the_change_and_the_quorum_at_risk(world: World) -> None:
    gone = {"leader": 2, "term": 6, "silent": (1,)}
    told = await over(
        world,
        (1, seen(silent=(1,))),
        (1, seen(**gone, peers={1: {"state": "StateProbe", "match": 0}})),
        (100, seen(**gone, peers={1: {"state": "StateProbe", "match": 0, **DEAD}})),
    )
    assert told[0] == "Warning in prod: The leader of prod changed from peer 1 to peer 2 in term 6."
    assert told[1] == RISK + "voter 1 is unhealthy (down: the leader does not hear from it)."
    assert "The leader of prod has not changed again" in told[2]
    assert len(told) == 4
    [risk] = [each for each in world.store.firing() if each.rule == "quorum_at_risk"]
    assert lines(risk)[-1] == f"its host `{host(1)}` gives no usable answer"


async def test_a_killed_follower_is_one_message_while_it_lasts(world: World) -> None:
    told = await over(world, (1, seen(silent=(3,))), (200, seen(silent=(3,), peers={3: DEAD})))
    assert told == [RISK + STOPS]
    ended = await over(world, (30, look))
    assert [text for text in ended if text.endswith(SAFE)] == ended[-2:]
    assert world.store.firing() == []


async def test_of_five_a_killed_follower_is_the_lost_voter() -> None:
    world = World()
    healthy = await over(world, (3, seen(**FIVE)))
    told = await over(world, (1, seen(**FIVE, silent=(5,))), (200, seen(**FIVE, silent=(5,), peers={5: DEAD})))
    assert healthy == []
    assert told == [
        "Warning in prod: Voter 5 (`10.0.0.5:10110`) of prod is down: the leader has not heard from it lately."
    ]


async def test_a_host_that_only_we_cannot_reach_is_no_quorum_at_risk(world: World) -> None:
    told = await over(world, (100, seen(silent=(3,))))
    assert told == [f"Warning in prod: Host `{host(3)}` of prod does not answer: it did not answer in time."]
    # Then its node dies as well: that is worse, and said at once where it counts.
    worse = await over(world, (10, seen(silent=(3,), peers={3: DEAD})))
    assert RISK + STOPS in worse


async def test_what_comes_back_by_halves_is_told_as_what_is_left(world: World) -> None:
    await over(world, (20, seen(silent=(3,), peers={3: DEAD})))
    told = await over(world, (30, seen(silent=(3,))))
    # By the leader's own view one may fail again: the same message, edited to be milder.
    assert set(told) == {
        f"Warning in prod: Host `{host(3)}` of prod does not answer: it did not answer in time.",
        *(
            f"{RISK}voter 3 is unhealthy ({why}).".replace("Critical", "Warning")
            for why in (
                "at the look before: the leader has not heard from it lately",
                "its own host does not answer or is not configured",
            )
        ),
    }


async def test_a_fresh_leader_that_holds_its_answers_is_told_as_the_change_alone(world: World) -> None:
    told = await over(world, (1, seen(leader=2, term=6, silent=(2,))), (20, seen(leader=2, term=6)))
    moved = "Warning in prod: The leader of prod changed from peer 1 to peer 2 in term 6"
    assert told == [f"{moved}, reported by peer 1; not confirmed yet.", f"{moved}."]


async def test_a_node_that_is_restarted_is_no_message(world: World) -> None:
    gone = seen(silent=(3,), peers={3: DEAD})
    assert await over(world, (2, gone), (20, look)) == []
    assert await over(world, (1, gone), (1, seen(peers={3: {"state": "StateProbe"}})), (20, look)) == []


async def test_a_voter_that_comes_and_goes_is_told_however_sound_it_looks_in_between(world: World) -> None:
    gone = seen(silent=(3,), peers={3: DEAD})
    assert await over(world, (1, gone), (1, look), (1, gone), (1, look)) == [RISK + STOPS]


async def test_a_flapping_leader_is_one_alert_that_says_so(world: World) -> None:
    told = []
    for turn in range(1, 13):
        told += await over(world, (4, seen(leader=1 + turn % 2, term=5 + turn)))
    posts = [text for text in told if "worse" not in text]
    assert posts[0].startswith("Warning in prod: The leader of prod changed from peer 1 to peer 2")
    assert posts[1].startswith("Warning in prod: The leader of prod changed 2 times")
    assert all("stop again and again" in text for text in posts[2:])
    assert len([text for text in told if "worse" in text]) == 3


async def test_a_token_that_is_refused_is_not_a_dead_cluster(world: World) -> None:
    told = await over(world, (100, lambda at: failing(look(at), 1, 2, 3, error=AuthRejected("No.", status=403))))
    assert told[0] == (
        "Critical in prod: prod rejects the request token: every host answered 403. Its state is unknown."
    )
    assert all("reject" in text for text in told)


async def test_a_silence_of_all_rules_spares_the_unreachable_cluster_whoever_tells_of_it_otherwise(
    world: World,
) -> None:
    world.store.state.silences.append(Silence("prod", "*", "", world.now + 9000, "U1", id=1))
    told = await over(world, (20, lambda at: failing(look(at), 1, 2, 3, error=AuthRejected("No.", status=403))))
    assert told == [
        "Critical in prod: prod is unreachable: none of its 3 hosts gave a usable answer. Its state is unknown."
    ]


async def test_a_removed_node_that_runs_on_is_told_and_one_that_is_stopped_is_for_information(world: World) -> None:
    world.causes[3] = (12, "U1")
    told = await over(world, (10, seen(members=(1, 2, 4), nodes=(1, 2, 3))))
    assert [text for text in told if "peer 3" in text] == [
        (
            f"Warning in prod: Host `{host(3)}` of prod answers as peer 3, which is not a member. "
            "Its data is stale, but it still forwards writes to the leader."
        )
    ]
    stopped = await over(world, (20, seen(members=(1, 2, 4), nodes=(1, 2, 3), silent=(3,))))
    assert any(f"Host `{host(3)}` of prod no longer answers, so its stale data" in text for text in stopped)
    assert any(text.startswith("Info") and "its peer 3 was removed from the cluster" in text for text in stopped)
