"""A storm in a channel: a few messages, one group message, and every alert posted or listed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.alerting.escalation import Escalation
from bot.alerting.grouping import GroupingLimits
from bot.alerting.holding import hold
from bot.alerting.model import Alert, AlertState, Finding, LegacyDetail, Severity
from bot.alerting.outcomes import Ended
from bot.alerting.rules.base import Rule
from bot.alerting.rules.table import rule_named
from bot.alerting.rules.thresholds import configure
from bot.alerting.transition import Transition
from bot.views.alert_text.table import alert_text
from bot.watch.planning import Watched
from bot.watch.publisher import publish_one
from tests.support.observed_store import ObservedStore
from tests.support.watch_builders import polled
from tests.support.watch_harness import World

LIMITS = GroupingLimits(cluster=3, channel=5, within=100)
GROUP = "digest:C1:1"


@dataclass
class Storm(World):
    """A cluster whose peers go down by hand: their names, and how grave each is."""

    down: dict[str, Severity] = field(default_factory=dict)
    silenced: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = rule_named("peer_down")
        assert found is not None
        rule = replace(
            found,
            for_seconds=0.0,
            clear=0.0,
            remind=0.0,
            finds=lambda *_: self._findings(),
            resolved=lambda *_: Ended(),
        )
        self.watched = self._as_watched(rule)
        super().__post_init__()

    def _as_watched(self, rule: Rule) -> Watched:
        others = tuple(each for each in configure() if each.key == "no_leader")
        return Watched("prod", "C1", 15, (*others, rule), Escalation("S0ONCALL", 300), LIMITS)

    def _findings(self) -> tuple[Finding, ...]:
        return tuple(
            Finding("peer_down", name, severity, LegacyDetail(f"Peer {name} is down."))
            for name, severity in self.down.items()
        )

    def fall(self, *names: int, severity: Severity = Severity.WARNING) -> None:
        self.down.update({str(name): severity for name in names})

    def rise(self, *names: int) -> None:
        for name in names:
            del self.down[str(name)]

    @property
    def own(self) -> list[str]:
        """The messages of the channel that are not a thread's."""
        return [slot for slot, (_, _, parent, _) in self.store.state.outbox.items() if parent is None]

    def shown(self, slot: str = GROUP) -> str:
        return str(self.store.state.outbox[slot][1]["text"])

    def broadcast(self) -> list[str]:
        return [shown["text"] for _, shown, _, loud in self.store.state.outbox.values() if loud]

    def accounted(self) -> None:
        """Every firing alert has its own message or is counted in the group message."""
        outbox: Mapping[str, Any] = self.store.state.outbox
        for alert in self.store.firing():
            assert f"alert:{alert.id}" in outbox or alert.notes.group in outbox


async def begun(store: ObservedStore) -> Storm:
    world = Storm(store)
    assert await world.ticks(3) == []
    world.fall(*range(10))
    await world.ticks()
    return world


async def test_many_at_once_are_a_few_messages_and_one_group(store: ObservedStore) -> None:
    world = await begun(store)
    assert world.own == ["alert:1", "alert:2", "alert:3", GROUP]
    assert world.shown().startswith("7 more alerts of prod since <!date^")
    assert ": `peer_down` (7 alerts). Too many at once for a message each: 7 open, 0 resolved." in world.shown()
    assert world.shown(f"{GROUP}:line:1").startswith("New: 7 alerts\n• ⚠️ #4: Peer 3 is down.")
    assert world.broadcast() == []


async def test_group_message_is_edited_as_alerts_change(store: ObservedStore) -> None:
    world = await begun(store)
    world.fall(10, 11)
    world.rise(3, 4)
    await world.ticks()
    assert world.own == ["alert:1", "alert:2", "alert:3", GROUP]
    assert ": `peer_down` (9 alerts). Too many at once for a message each: 7 open, 2 resolved." in world.shown()
    assert world.shown(f"{GROUP}:line:2") == (
        "New: 2 alerts\n• ⚠️ #11: Peer 10 is down.\n• ⚠️ #12: Peer 11 is down.\nResolved: 2 alerts\n"
        "• ✅ #4: It is over.\n• ✅ #5: It is over."
    )


async def test_firing_alerts_get_messages_after_the_storm(store: ObservedStore) -> None:
    world = await begun(store)
    world.rise(*range(3, 8))
    await world.ticks(8)
    assert world.own == ["alert:1", "alert:2", "alert:3", GROUP, "alert:9", "alert:10"]
    assert "The storm ended after 1 min 45 s: 0 open, 5 resolved, 2 now in separate messages." in world.shown()
    world.accounted()
    assert world.store.state.channel_histories["C1"]["digests"] == []
    world.fall(20)
    assert await world.ticks() == ["Warning in prod: Peer 20 is down."]


async def test_remaining_alerts_stay_grouped_after_the_storm(store: ObservedStore) -> None:
    world = await begun(store)
    await world.ticks(8)
    assert world.own == ["alert:1", "alert:2", "alert:3", GROUP, "alert:4", "alert:5", "alert:6"]
    assert "4 open, 0 resolved, 3 now in separate messages." in world.shown()
    world.accounted()
    world.rise(*range(10))
    await world.ticks()
    assert "0 open, 7 resolved." in world.shown()
    assert world.store.firing() == []


async def test_group_survives_restart_and_lost_transaction(store: ObservedStore) -> None:
    world = Storm(store)
    await world.ticks(3)
    world.fall(*range(10))
    world.store.fail_commit = True
    assert await world.ticks() == []
    world.start()
    await world.ticks()
    assert world.own == ["alert:1", "alert:2", "alert:3", GROUP]
    before = dict(world.store.state.outbox)
    world.start()
    assert await world.ticks(2) == []
    assert world.store.state.outbox == before
    world.fall(10)
    await world.ticks()
    assert world.own == ["alert:1", "alert:2", "alert:3", GROUP]
    world.accounted()


async def test_never_grouped_alert_is_posted_in_a_storm(store: ObservedStore) -> None:
    world = await begun(store)
    world.see = lambda at: polled(at, leader=0)
    await world.ticks(2)
    assert world.own[-1] == "alert:11"
    assert world.shown("alert:11").startswith("Critical in prod: prod accepts no writes: it has no leader")


async def test_first_severe_alert_of_a_group_is_shown_in_channel(store: ObservedStore) -> None:
    world = await begun(store)
    world.fall(10, severity=Severity.CRITICAL)
    await world.ticks()
    world.fall(11, severity=Severity.CRITICAL)
    await world.ticks()
    assert world.broadcast() == ["New: 1 alert\n• 🚨 #11: Peer 10 is down."]


async def test_worse_grouped_alert_posts_in_the_group_thread(store: ObservedStore) -> None:
    world = await begun(store)
    world.fall(5, severity=Severity.CRITICAL)
    await world.ticks()
    assert world.broadcast() == ["Worse than before: 1 alert\n• 🚨 #6: Peer 5 is down."]
    assert "Most severe: Peer 5 is down." in world.shown()


async def test_unacknowledged_group_escalates_once(store: ObservedStore) -> None:
    world = Storm(store)
    await world.ticks(3)
    world.fall(*range(8), severity=Severity.CRITICAL)
    for number in range(30):
        world.fall(100 + number)
        await world.ticks()
    called = [text for text in world.broadcast() if "subteam" in text]
    assert len(called) == 4, "three separate alerts, one group"
    assert called[-1].startswith("<!subteam^S0ONCALL> Unacknowledged: 5 alerts\n")


async def test_acknowledgement_is_shown_in_the_group(store: ObservedStore) -> None:
    world = await begun(store)
    held = await acknowledged(world, 5)
    assert held.state is AlertState.ACKNOWLEDGED
    assert "7 open (1 acknowledged), 0 resolved." in world.shown()
    assert "alert:5" not in world.store.state.outbox


async def acknowledged(world: World, number: int) -> Alert:
    async with world.store.begin() as uow:
        transition = hold(world.store.state.alerts[number], "U1", world.now)
        assert isinstance(transition, Transition)
        await uow.alerts.save(transition.new, alert_text(transition.new))
        await publish_one(uow, transition, "C1")
    return world.store.state.alerts[number]


async def test_clusters_that_share_a_channel_share_its_group(store: ObservedStore) -> None:
    world = await begun(store)
    world.watched = replace(world.watched, cluster="archive")
    prod, world.down = world.watch, {}
    world.start()
    await world.ticks(2)
    world.fall(1, 2, 3)
    await world.ticks()
    assert [slot for slot in world.own if slot.startswith("digest")] == [GROUP]
    assert world.shown().startswith("10 more alerts of prod and archive since")
    world.down = {}
    await world.ticks(10)
    assert "The storm ended" in world.shown()
    await prod.tick(world.now + 15)
    assert "0 open" in world.shown()
