"""No cluster answers: one alert names the cause and escalates once; clusters down before keep their alerts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.escalation import Escalation
from bot.alerting.own_network import OwnNetwork, WatchedCluster
from bot.alerting.rules.thresholds import configure
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.models import Snapshot
from bot.store.state_codec import decode_state
from bot.watch.planning import Watched
from bot.watch.watcher import Watcher
from tests.support.observed_store import ObservedStore
from tests.support.watch_builders import dark, polled

THIRTEEN = tuple(f"c{number}" for number in range(1, 14))
NOTHING = "None of {} clusters answers from here. The likely cause is cmbot's own network"


@dataclass
class Many:
    """Several clusters watched by one process; `down` are those that do not answer."""

    store: ObservedStore
    names: tuple[str, ...] = THIRTEEN
    channels: Mapping[str, str] = field(default_factory=dict)
    cluster_notes: dict[str, ClusterNote] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    now: float = 1_000_000.0
    watches: dict[str, Watcher] = field(default_factory=dict)

    def __post_init__(self) -> None:
        clusters = [self._watched_cluster(name) for name in self.names]
        own_network = OwnNetwork(clusters, cluster_notes=self.cluster_notes, place="bot-1")
        for name in self.names:
            if name not in self.elsewhere:
                watched = Watched(
                    name, self._channel(name), 15, configure(self.rules), Escalation("S0ONCALL", after=60)
                )
                self.watches[name] = Watcher(
                    watched, self._poll(name), self.store, wake=lambda: None, own_network=own_network
                )

    def _channel(self, name: str) -> str:
        return self.channels.get(name, "C1")

    def _watched_cluster(self, name: str) -> WatchedCluster:
        announces = any(rule.key == "own_network" for rule in configure(self.rules))
        return WatchedCluster(name, self._channel(name), "S0ONCALL", 15, announces)

    def _poll(self, name: str) -> Callable[[Any], Any]:
        async def poll(_glimpse: object) -> Snapshot:
            return replace((dark if name in self.down else polled)(self.now), cluster=name)

        return poll

    def ask_for_real(self, name: str, api: ClustermgrClient) -> None:
        """Let a cluster be asked over real sockets from now on."""
        handle = Cluster(name, self._channel(name), api, lambda: self.now, 1.0)
        self.watches[name]._poll = partial(handle.poll, 1.0)

    async def rounds(self, count: int = 1) -> list[str]:
        """Poll each cluster every 15 s, staggered; return the posted messages."""
        before = len(self.store.posted)
        for _ in range(count):
            for watch in self.watches.values():
                await watch.tick(self.now)
                self.now += 15 / len(self.watches)
        return self.store.posted[before:]

    def posted(self) -> list[tuple[str, str]]:
        """Channel and text of each message that is no reply."""
        return [
            (channel, shown["text"]) for channel, shown, parent, _ in self.store.state.outbox.values() if not parent
        ]

    def calls(self) -> list[str]:
        return [shown["text"] for _, shown, parent, _ in self.store.state.outbox.values() if "S0ONCALL" in str(shown)]

    def posted_rules(self, names: Iterable[str] = ()) -> list[tuple[str, str]]:
        return sorted((a.cluster, a.rule) for a in self.store.firing() if not names or a.cluster in names)


async def test_thirteen_dark_clusters_raise_one_alert_and_one_call(store: ObservedStore) -> None:
    world = Many(store)
    assert await world.rounds(4) == []
    world.down.update(world.names)
    await world.rounds(20)
    [(channel, text)] = world.posted()
    assert (channel, text.startswith(f"Critical in c1: {NOTHING.format(13)}")) == ("C1", True)
    assert len(world.calls()) == 1
    blocks = str(world.store.state.outbox["alert:1"][1]["blocks"])
    assert "bot-1" in blocks
    assert "c13" in blocks


async def test_lost_network_is_announced_as_early_as_one_cluster(store: ObservedStore) -> None:
    world = Many(store)
    await world.rounds(4)
    world.down.update(world.names)
    posted = await world.rounds(4)
    assert len(posted) == 1


async def test_two_clusters_going_dark_together_raise_one_alert(store: ObservedStore) -> None:
    world = Many(store, names=("east", "west"))
    await world.rounds(4)
    world.down.update(world.names)
    await world.rounds(10)
    assert world.posted_rules() == [("east", "own_network")]
    assert len(world.calls()) == 1


async def test_one_unreachable_cluster_has_its_own_alert(store: ObservedStore) -> None:
    world = Many(store, names=("east", "west"))
    await world.rounds(4)
    world.down.add("west")
    await world.rounds(5)
    assert world.posted_rules() == [("west", "cluster_unreachable")]


async def test_only_one_configured_cluster_makes_no_claim(store: ObservedStore) -> None:
    world = Many(store, names=("east",))
    await world.rounds(4)
    world.down.add("east")
    await world.rounds(5)
    assert world.posted_rules() == [("east", "cluster_unreachable")]


async def test_long_unreachable_cluster_is_no_evidence_of_lost_network(store: ObservedStore) -> None:
    world = Many(store, names=("east", "west"))
    await world.rounds(4)
    world.down.add("east")
    await world.rounds(20)
    world.down.add("west")
    await world.rounds(5)
    assert world.posted_rules() == [("east", "cluster_unreachable"), ("west", "cluster_unreachable")]


async def test_unreachable_cluster_keeps_its_alert_without_network(store: ObservedStore) -> None:
    world = Many(store, names=("a", "b", "c"))
    await world.rounds(4)
    world.down.add("a")
    await world.rounds(20)
    world.down.update("bc")
    await world.rounds(6)
    assert world.posted_rules() == [("a", "cluster_unreachable"), ("b", "own_network")]
    assert "None of 3 clusters" in world.posted()[-1][1]


async def test_unreachable_clusters_fire_once_the_network_returns(store: ObservedStore) -> None:
    world = Many(store, names=("a", "b", "c"))
    await world.rounds(4)
    world.down.update("abc")
    await world.rounds(6)
    world.down.remove("b")
    await world.rounds(6)
    assert world.posted_rules() == [("a", "cluster_unreachable"), ("c", "cluster_unreachable")]
    world.down.clear()
    await world.rounds(6)
    assert world.posted_rules() == []


async def test_network_back_after_an_outage_raises_nothing_else(store: ObservedStore) -> None:
    world = Many(store)
    await world.rounds(4)
    world.down.update(world.names)
    await world.rounds(6)
    world.down.clear()
    await world.rounds(6)
    assert [text.split(" after ")[0] for _, text in world.posted()] == ["Resolved in c1"]
    assert world.posted_rules() == []


async def test_lost_network_is_posted_per_channel_and_escalated_once(store: ObservedStore) -> None:
    world = Many(store, names=("a", "b", "c"), channels={"c": "C2"})
    await world.rounds(4)
    world.down.update("abc")
    await world.rounds(20)
    assert world.posted_rules() == [("a", "own_network"), ("c", "own_network")]
    assert sorted(channel for channel, _ in world.posted()) == ["C1", "C2"]
    assert len(world.calls()) == 1


async def test_process_started_without_network_says_so(store: ObservedStore) -> None:
    world = Many(store, down=set(THIRTEEN))
    await world.rounds(8)
    assert world.posted_rules() == [("c1", "own_network")]


async def test_rule_switched_off_leaves_each_cluster_its_own_alert(store: ObservedStore) -> None:
    world = Many(store, names=("east", "west"), rules={"own_network": {"enabled": False}})
    await world.rounds(4)
    world.down.update(world.names)
    await world.rounds(5)
    assert world.posted_rules() == [("east", "cluster_unreachable"), ("west", "cluster_unreachable")]


def replicas(store: ObservedStore) -> tuple[Many, Many]:
    """Two processes over one database, each of which watches one of two clusters and reads what the other notes."""
    names = ("east", "west")
    one = Many(store, names=names, elsewhere=("west",))
    return one, Many(store, names=names, elsewhere=("east",))


async def both(one: Many, other: Many, rounds: int) -> None:
    for _ in range(rounds):
        for world in (one, other):
            states = {name: decode_state(data) for name, data in world.store.state.cluster_states.items()}
            world.cluster_notes.update({name: ClusterNote.of(state) for name, state in states.items()})
            await world.rounds()


async def test_replicas_that_share_the_lost_network_raise_one_alert(store: ObservedStore) -> None:
    one, other = replicas(store)
    await both(one, other, 4)
    for world in (one, other):
        world.down.update(world.names)
    await both(one, other, 20)
    assert one.posted_rules() == [("east", "own_network")]
    assert len(one.calls()) == 1


async def test_replica_alone_without_network_names_its_own_clusters(store: ObservedStore) -> None:
    names = ("a", "b", "c")
    one = Many(store, names=names, elsewhere=("c",))
    other = Many(store, names=names, elsewhere=("a", "b"))
    await both(one, other, 4)
    one.down.update("ab")
    await both(one, other, 6)
    assert one.posted_rules() == [("a", "own_network")]
    assert "None of 2 clusters answers from here" in one.posted()[-1][1]


async def test_process_stands_in_when_the_other_one_raised_nothing(store: ObservedStore) -> None:
    world = Many(store, names=("east", "west"), elsewhere=("east",))
    await world.rounds(4)
    world.down.add("west")
    for _ in range(20):
        world.cluster_notes["east"] = ClusterNote(at=world.now, level="unreachable")
        await world.rounds()
    assert world.posted_rules() == [("west", "own_network")]


async def test_refused_connections_of_every_cluster_are_one_alert(store: ObservedStore, unused_tcp_port: int) -> None:
    world = Many(store, names=("east", "west"))
    await world.rounds(4)
    async with ClustermgrClient([f"127.0.0.1:{unused_tcp_port}"]) as api:
        for name in world.names:
            world.ask_for_real(name, api)
        await world.rounds(6)
    assert world.posted_rules() == [("east", "own_network")]
