"""What becomes of silences of the same alerts: an equal one is extended, and what still mutes is named."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import update

from bot.alerting.model import Alert, AlertState, EngineNotes, LegacyDetail, MaintenanceScope, Severity, Silence
from bot.alerting.silences import EVERY_RULE, covers, overlap
from bot.common.message_key import MessageKey
from bot.store.database import Store
from bot.store.schema import silences
from bot.views import alert_lists as views
from bot.views.alert_text.table import alert_text
from bot.watch.alert_actions import AlertActions
from tests.support.databases import Clock
from tests.support.refusals import refused

HOUR = 3600.0


@pytest.fixture
def alert_actions(store: Store, clock: Clock) -> AlertActions:
    return AlertActions(store, lambda: None, clock, {"prod": "C1"})


async def mute(alert_actions: AlertActions, hours: float, *, rule: str = "disk_broken", reason: str = "") -> Silence:
    return (await alert_actions.silence("prod", rule, seconds=hours * HOUR, by="U1", reason=reason)).silence


async def posted(store: Store, slot: str) -> str:
    async with store.read() as uow:
        post = await uow.outbox.get(MessageKey.parse(slot))
    assert post is not None
    return post.text


async def actions(store: Store) -> list[str]:
    async with store.read() as uow:
        return [row.action for row in await uow.audit.range()]


async def opened(store: Store, clock: Clock, lifted: tuple[int, ...] = ()) -> Alert:
    detail, notes = LegacyDetail("Broken."), EngineNotes(lifted=lifted)
    alert = Alert("prod", "disk_broken", "", AlertState.FIRING, Severity.WARNING, detail, clock.now, notes=notes)
    async with store.begin() as uow:
        return await uow.alerts.save(alert, alert_text(alert))


async def test_alerts_and_silences_of_a_cluster_are_those_that_are_listed(
    alert_actions: AlertActions, store: Store, clock: Clock
) -> None:
    """In one unit of work: neither a pending alert, nor a silence that has ended or begins later."""
    firing = await opened(store, clock)
    async with store.begin() as uow:
        pending = replace(firing, id=0, rule="no_leader", state=AlertState.PENDING)
        await uow.alerts.save(pending, alert_text(pending))
        for subject, begins, until in (("ended", 1.0, clock.now - 1), ("later", clock.now + HOUR, clock.now + 9e4)):
            await uow.silences.add(Silence("prod", "disk_broken", subject, until, "U1", "", begins=begins))
        await uow.silences.add(Silence("other", "disk_broken", "", clock.now + HOUR, "U1", ""))
    held = await mute(alert_actions, 1)
    alerts, found = await alert_actions.of_cluster("prod")
    assert ([each.rule for each in alerts], [each.id for each in found]) == (["disk_broken"], [held.id])
    assert (alerts, found) == (await alert_actions.open("prod"), await alert_actions.silences("prod"))


async def test_an_equal_silence_with_a_later_end_is_extended(
    alert_actions: AlertActions, store: Store, clock: Clock
) -> None:
    first = await mute(alert_actions, 1, reason="replacing")
    begun = await alert_actions.silence("prod", "disk_broken", seconds=3 * HOUR, by="U2", reason="")
    assert (begun.silence.id, begun.was) == (first.id, first.until)
    held = [(each.id, each.until, each.by, each.reason) for each in await alert_actions.silences()]
    assert held == [(first.id, clock.now + 3 * HOUR, "U2", "replacing")]
    assert await actions(store) == ["silence.begun", "silence.extended"]
    said = await posted(store, f"silence:{first.id}:{begun.silence.until:.3f}")
    assert said == views.silenced(begun).text
    assert f"<@U2> extended silence #{first.id} of `disk_broken` of prod until" in said


async def test_a_silence_that_an_equal_one_outlasts_is_refused(alert_actions: AlertActions, store: Store) -> None:
    first = await mute(alert_actions, 2)
    with refused(rf"Silence #{first.id} already mutes disk_broken .* 2 h longer.*/cm unsilence {first.id}"):
        await mute(alert_actions, 1)
    assert await alert_actions.silences() == (first,)
    assert await actions(store) == ["silence.begun"]


async def test_silences_asked_for_at_one_moment_become_one(alert_actions: AlertActions) -> None:
    await asyncio.gather(mute(alert_actions, 1), mute(alert_actions, 2), return_exceptions=True)
    assert len(await alert_actions.silences()) == 1


async def test_a_silence_lifted_for_an_alert_is_not_extended(
    alert_actions: AlertActions, store: Store, clock: Clock
) -> None:
    first = await mute(alert_actions, 1)
    alert = await opened(store, clock, lifted=(first.id,))
    begun = await alert_actions.silence_alert(alert.id, seconds=2 * HOUR, by="U1", key="k")
    assert begun.was == 0
    assert begun.silence.id != first.id
    assert len(await alert_actions.silences()) == 2


async def test_a_button_pressed_twice_extends_the_silence(
    alert_actions: AlertActions, store: Store, clock: Clock
) -> None:
    alert = await opened(store, clock)
    first = await alert_actions.silence_alert(alert.id, seconds=None, by="U1", key="k1")
    clock.now += 60
    again = await alert_actions.silence_alert(alert.id, seconds=None, by="U1", key="k2")
    assert (again.silence.id, again.was) == (first.silence.id, first.silence.until)
    assert len(await alert_actions.silences()) == 1


async def test_lifted_silence_names_what_still_mutes(alert_actions: AlertActions, store: Store) -> None:
    named, every = await mute(alert_actions, 1), await mute(alert_actions, 2, rule=EVERY_RULE)
    await mute(alert_actions, 3, rule="no_leader")
    done = await alert_actions.unsilence(named.id, "U2")
    assert done.left == (every,)
    said = await posted(store, f"silence:{named.id}:lifted")
    assert said == views.lifted(done, "U2").text
    assert f"#{every.id} mutes all alerts of prod until <!date^{int(every.until)}" in said
    assert f"/cm unsilence {every.id}" in said
    assert "announced again" in views.lifted(await alert_actions.unsilence(every.id, "U2"), "U2").text


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (("disk_broken", ""), ("disk_broken", ""), True),
        (("peer_down", ""), ("peer_down", "3"), True),
        (("peer_down", "1"), ("peer_down", "3"), False),
        (("*", ""), ("peer_down", "3"), True),
        (("*", ""), ("no_leader", ""), False),
        (("no_leader", ""), ("no_leader", ""), True),
        (("disk_broken", ""), ("peer_down", ""), False),
    ],
)
def test_silences_overlap_where_an_alert_fits_both(one: tuple[str, str], other: tuple[str, str], both: bool) -> None:
    first, second = Silence("prod", *one, 9.0, "U1"), Silence("prod", *other, 9.0, "U1")
    assert overlap(first, second) is both
    assert overlap(second, first) is both
    assert not overlap(first, Silence("archive", *one, 9.0, "U1"))


SCOPE = MaintenanceScope("n3", ("n3:9998",), (3,), (7, 8), ("z0",), ("z0",), 1, -1)


async def test_maintenance_keeps_its_scope_in_the_store(store: Store, alert_actions: AlertActions) -> None:
    begun = await alert_actions.start_maintenance("prod", SCOPE, seconds=HOUR, by="U1", reason="kernel")
    assert await alert_actions.silences("prod") == (begun.silence,)
    assert begun.silence.scope == SCOPE
    assert await actions(store) == ["silence.begun"]
    later = replace(SCOPE, margin=2)
    longer = await alert_actions.start_maintenance("prod", later, seconds=2 * HOUR, by="U2", reason="")
    assert longer.silence.id == begun.silence.id
    assert (await alert_actions.silences("prod"))[0].scope == later
    with refused("already mutes what stopping n3 of prod explains"):
        await alert_actions.start_maintenance("prod", later, seconds=HOUR, by="U2", reason="")


@pytest.mark.parametrize("stored", ["", "{", "[]", '{"host": 7}', '{"host": "n3", "disks": ["x"]}'])
async def test_scope_that_cannot_be_read_mutes_nothing(
    store: Store, clock: Clock, alert_actions: AlertActions, stored: str
) -> None:
    await alert_actions.start_maintenance("prod", SCOPE, seconds=HOUR, by="U1", reason="")
    async with store.begin() as uow:
        await uow.silences._session.change(update(silences).values(scope=stored))
    [held] = await alert_actions.silences("prod")
    assert held.scope is None
    about = replace(await opened(store, clock), rule="peer_down", subject="3")
    assert not covers(held, about, clock.now)


async def test_maintenance_that_a_person_ends_is_announced(store: Store, alert_actions: AlertActions) -> None:
    begun = await alert_actions.start_maintenance("prod", SCOPE, seconds=HOUR, by="U1", reason="")
    await alert_actions.unsilence(begun.silence.id, "U2")
    assert await posted(store, f"silence:{begun.silence.id}:lifted") == (
        "<@U2> ended the maintenance of `n3` of prod: it answers again."
    )
    assert await actions(store) == ["silence.begun", "silence.lifted"]


async def test_maintenance_of_no_length_is_refused(alert_actions: AlertActions) -> None:
    for seconds in (0.0, 8 * 24 * HOUR):
        with refused("at most 7 days"):
            await alert_actions.start_maintenance("prod", SCOPE, seconds=seconds, by="U1", reason="")


async def plan(alert_actions: AlertActions, begins: float, hours: float) -> Silence:
    begun = await alert_actions.silence("prod", "disk_broken", seconds=hours * HOUR, by="U1", reason="", begins=begins)
    return begun.silence


async def test_planned_silence_is_listed_apart_until_it_begins(
    alert_actions: AlertActions, store: Store, clock: Clock
) -> None:
    held = await plan(alert_actions, clock.now + HOUR, 2)
    assert await alert_actions.silences() == ()
    assert await alert_actions.planned() == (held,)
    assert (held.announced, held.until) == (False, clock.now + 3 * HOUR)
    clock.now += HOUR
    assert await alert_actions.silences() == (held,)
    assert await alert_actions.planned() == ()
    async with store.read() as uow:
        [row] = await uow.audit.range()
    assert row.details["begins"] == held.begins


async def test_silence_in_force_is_extended_by_one_that_begins_before_its_end(
    alert_actions: AlertActions, clock: Clock
) -> None:
    first = await mute(alert_actions, 2)
    begun = await plan(alert_actions, clock.now + HOUR, 4)
    assert (begun.id, begun.until) == (first.id, clock.now + 5 * HOUR)


async def test_planned_silence_after_one_in_force_is_another(alert_actions: AlertActions, clock: Clock) -> None:
    first = await mute(alert_actions, 1)
    second = await plan(alert_actions, clock.now + 2 * HOUR, 1)
    assert second.id != first.id
    with refused(rf"Silence #{second.id} already mutes disk_broken"):
        await plan(alert_actions, clock.now + 2.5 * HOUR, 0.25)


async def test_planned_silence_says_how_many_alerts_it_would_mute(
    alert_actions: AlertActions, store: Store, clock: Clock
) -> None:
    await opened(store, clock)
    begun = await alert_actions.silence(
        "prod", "disk_broken", seconds=HOUR, by="U1", reason="", begins=clock.now + HOUR
    )
    assert begun.mutes == 1
    assert await alert_actions.muted() == {}
    clock.now += HOUR
    assert await alert_actions.muted() == {begun.silence.id: 1}


async def test_cancelled_plan_never_mutes(alert_actions: AlertActions, clock: Clock) -> None:
    held = await plan(alert_actions, clock.now + HOUR, 1)
    await mute(alert_actions, 0.5)
    lifted = await alert_actions.unsilence(held.id, "U2")
    assert (lifted.planned, lifted.left) == (True, ())
    assert await alert_actions.planned() == ()
