"""The rules about raft and reach over a simulated cluster and real sockets: what a channel sees."""

from typing import Any

from bot.playground.clustermgr_sim import Timing, VirtualClock
from tests.support.alert_words import lines
from tests.support.cluster_world import World, watched
from tests.support.observed_store import ObservedStore

SOONER = {"slow_answers": {"limit": "1s", "hold": 15, "clear": 0}}
STOPS = "voter 3 is unhealthy (the leader has not heard from it lately)."
LOST_LEADER = "prod is one failure from losing writes: voter 1 is unhealthy (down: the leader does not hear from it)."
RISK = f"Critical in prod: prod is one failure from losing writes: {STOPS}"


def moving(**times: float) -> dict[str, Any]:
    """A cluster on a clock that goes with the bot's, whose log grows by itself."""
    return {"clock": VirtualClock(), "timing": Timing(drift=20.0, **times), "commit": 50_000}


def named(world: World, node: int) -> str:
    """How an alert names a node's host."""
    return world.cluster.host(node)


async def test_killed_leader_is_one_message_until_it_returns() -> None:
    async with watched(**moving()) as world:
        await world.cluster.kill(1)
        posted = await world.ticks(100)
        changed = "The leader of prod changed from peer 1 to peer 2 in term 2."
        assert posted == [
            f"Warning in prod: {changed}",
            f"Critical in prod, of the same cause (#4): {LOST_LEADER}",
            f"Critical in prod: {changed} Of the same cause: {LOST_LEADER}",
        ]
        await world.cluster.start(1)
        ended = await world.ticks(10)
        assert ended[-1].startswith("Resolved in prod after")
        assert world.store.firing() == []


async def test_killed_follower_is_one_message() -> None:
    async with watched(**moving()) as world:
        await world.cluster.kill(3)
        assert await world.ticks(30) == [RISK]
        [alert] = world.store.firing()
        assert lines(alert)[-1] == f"its host `{named(world, 3)}` gives no usable answer"


async def test_rolling_restart_announces_leader_changes_only() -> None:
    async with watched(**moving()) as world:
        posted = []
        for node in (2, 3, 1):
            await world.cluster.kill(node)
            posted += await world.ticks()
            await world.cluster.start(node)
            posted += await world.ticks(4)
        assert set(posted) == {"Warning in prod: The leader of prod changed from peer 1 to peer 2 in term 2."}


async def test_node_cut_off_from_raft_fires() -> None:
    async with watched(**moving()) as world:
        await world.cluster.isolate(3)
        assert (await world.ticks(30))[0] == RISK


async def test_flapping_leader_is_one_alert() -> None:
    async with watched(**moving()) as world:
        posted = []
        for turn in range(6):
            await world.cluster.elect(2 + turn % 2)
            posted += await world.ticks(4)
        assert "changed from peer 1 to peer 2" in posted[0]
        assert "changed 2 times" in posted[1]
        assert [text for text in posted if "stop again and again" in text][-1].startswith("Critical")
        # The alert of the changes is edited, because it carries that of the cause.
        later = [text for text in posted[3:] if "The leader of prod changed" in text]
        assert all("Of the same cause: Writes to prod stop again and again" in text for text in later)


async def test_lagging_peer_fires_and_resolves() -> None:
    async with watched(nodes=5, **moving()) as world:
        world.cluster.fall_behind(3, 700)
        assert await world.ticks(20) == []
        world.cluster.fall_behind(3, 20_000)
        assert await world.ticks(20) == [
            "Warning in prod: Voter 3 (`127.0.0.1:10112`) of prod is more than 10,000 entries behind."
        ]
        world.cluster.fall_behind(3, 0)
        assert (await world.ticks(10))[0].endswith("Peer 3 of prod keeps up with its leader again.")


async def test_new_learner_fires_when_it_caught_up() -> None:
    async with watched({"membership_changed": {"enabled": False}}, **moving(catch_up=60)) as world:
        node = await world.cluster.add_node()
        raft, service = "127.0.0.1:10113", world.cluster.host(node).removeprefix("http://")
        await world.api.member_add(node, raft, learner=True, node_host=service)
        assert await world.ticks(4) == []
        assert await world.ticks(20) == ["Info in prod: Learner 4 of prod has caught up and can become a voter."]
        [alert] = world.store.firing()
        assert lines(alert) == (
            "first: `/cm member remove 4 prod`",
            "then: `/cm member add 4 127.0.0.1:10113 node=SERVICE-HOST:PORT as=normal prod`",
        )


async def test_stalled_leader_fires_with_its_fix() -> None:
    async with watched(**moving()) as world:
        world.cluster.stall(1)
        posted = await world.ticks(10)
        assert posted[0].startswith(
            f"Critical in prod: Changes have stopped. Peer 1 (`{named(world, 1)}`) of prod, the leader, does not apply"
        )
        assert world.fixes() == ["leader transfer 2 prod"]
        world.cluster.stall(1, value=False)
        assert (await world.ticks(3))[0].endswith("applies its log again.")


async def test_member_removed_elsewhere_makes_its_host_stale() -> None:
    async with watched(**moving()) as world:
        await world.api.member_remove(3)
        posted = await world.ticks(10)
        assert posted[0] == (
            "Warning in prod: The members of prod changed outside cmbot: voter 3 (`127.0.0.1:10112`) was removed."
        )
        assert any(
            f"Host `{named(world, 3)}` of prod answers as peer 3, which is not a member" in text for text in posted
        )


async def test_hosts_of_two_clusters_contradict_each_other(store: ObservedStore) -> None:
    async with watched(**moving()) as world, watched(leader=2, term=1) as foreign:
        hosts = (*world.cluster.hosts, foreign.cluster.hosts[1])
        mixed = World(world.cluster, type(world.api)(hosts), {}, store)
        async with mixed.api:
            posted = await mixed.ticks(10)
        assert posted[0].startswith("Critical in prod: The hosts of prod contradict each other: ")
        assert "each claim to lead" in posted[0]


async def test_garbage_and_errors_are_named() -> None:
    async with watched(**moving()) as world:
        world.cluster.garble(1000, path="/stat", node=3)
        posted = await world.ticks(10)
        assert f"Host `{named(world, 3)}` of prod gives no usable answer: its answer is unreadable" in posted[0]
        world.cluster.faults.clear()
        await world.ticks(10)
        world.cluster.fail_next(500, 1000, path="/disk/list", words="io error")
        [disk_post] = await world.ticks(10)
        assert disk_post == (
            f"Warning in prod: The leader of prod, `{named(world, 1)}`, answers `/stat` but not `/disk/list`: "
            "it failed to answer (status 500)."
        )


async def test_rejected_token_is_one_message(store: ObservedStore) -> None:
    async with watched(secret="right") as world:
        wrong = World(world.cluster, type(world.api)(world.cluster.hosts, secret="wrong"), {}, store)
        async with wrong.api:
            assert await wrong.ticks(20) == [
                ("Critical in prod: prod rejects the request token: every host answered 403. Its state is unknown.")
            ]


async def test_lasting_slow_answers_fire() -> None:
    async with watched(SOONER) as world:
        slow = named(world, 2)
        world.cluster.slow(2, 1.5)
        assert await world.ticks() == []
        assert await world.ticks() == [
            f"Warning in prod: Host `{slow}` of prod is slow: each answer to `/stat` takes more than 1 s."
        ]
        world.cluster.slow(2, 0)
        assert (await world.ticks(2))[0].endswith(f"Host `{slow}` of prod answers quickly again.")
