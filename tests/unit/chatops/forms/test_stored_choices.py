"""What a form offers of alerts, rules, silences and operations: what its person may act on, in words, and bounded."""

# ruff: noqa: ARG002 - a stand-in takes every argument that its port takes

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from bot.alerting.model import Alert, AlertState, EngineNotes, LegacyDetail, MaintenanceScope, Muted, Severity, Silence
from bot.alerting.problems import NoSuchAlert
from bot.alerting.rules.table import RULES
from bot.chatops.forms.choices import Offers
from bot.chatops.forms.stored_choices import STORED, ChoiceQuery, StoredChoices, as_offered
from bot.common.errors import Refused, StoreError
from bot.config import AccessSettings, Members
from bot.interactions.command import Offer
from bot.operations.model import Operation, OpState
from bot.operations.policy import Policy
from bot.permissions.access import Access
from bot.views import form_choices as views
from bot.views.inputs import MAX_OPTIONS
from bot.workflow.proposals import MAX_LISTED
from tests.docgen.phrasebook.operations import WAITING
from tests.support.in_memory_ports import FakeAlerts, FakeDesk, no_members
from tests.support.view_samples import AT

ANNA, BEN, EVE = "U0ANNA", "U0BEN", "U0EVE"
OF_ALL = AccessSettings(operators=Members(users=(ANNA, BEN)), approvers=Members(users=(BEN,)))
OF_OTHER = AccessSettings(operators=Members(users=(BEN,)), admins=Members(users=(BEN,)))
ACCESS = Access(OF_ALL, no_members, own={"other": OF_OTHER})
NOW = AT + 600


def alert(number: int, cluster: str = "prod", held: str = "", rule: str = "disk_broken") -> Alert:
    return Alert(
        cluster,
        rule,
        str(number),
        AlertState.ACKNOWLEDGED if held else AlertState.FIRING,
        Severity.CRITICAL,
        LegacyDetail(f"Disk {number} of {cluster} is broken."),
        AT,
        acked_by=held,
        id=number,
    )


def op(number: int, state: OpState = OpState.WAITING, requester: str = ANNA, cluster: str = "prod") -> Operation:
    expires = AT + 900
    return replace(
        WAITING, id=number, state=state, requester=requester, cluster=cluster, created_at=AT, expires_at=expires
    )


@dataclass
class OneAlert(FakeAlerts):
    """Finds alerts by number, and no resolved ones among the open."""

    over: tuple[Alert, ...] = ()

    async def alert(self, alert_id: int) -> Alert:
        for each in (*self.found, *self.over):
            if each.id == alert_id:
                return each
        raise Refused(NoSuchAlert(alert_id))


async def read(
    offer: Offer,
    user: str = ANNA,
    *,
    alerts: FakeAlerts | None = None,
    ops: Sequence[Operation] = (),
    desk: FakeDesk | None = None,
    given: str = "",
) -> Offers:
    stored = StoredChoices(
        alerts or FakeAlerts(),
        desk or FakeDesk(known=ops),
        ACCESS,
        lambda _c, _k, _f: Policy(),
        lambda: NOW,
        ("prod", "other"),
    )
    return await stored.read(offer, ChoiceQuery(user, "prod", given))


def values(offers: Offers) -> list[str]:
    [choices] = offers.choices.values()
    return [choice.value for choice in choices]


async def test_open_alerts_are_those_that_the_person_may_acknowledge() -> None:
    found = (alert(1), alert(2, held=BEN), alert(3, held=ANNA), alert(4, "other"), alert(5, "gone"))
    offers = await read(Offer.OPEN_ALERT, alerts=FakeAlerts(found))
    assert values(offers) == ["1", "2"]
    first, second = offers.choices[Offer.OPEN_ALERT]
    assert (first.label, first.describes) == ("#1 prod: Disk 1 is broken.", "Critical for 10 min")
    assert second.describes == "Critical for 10 min, another person holds it"
    assert values(await read(Offer.OPEN_ALERT, BEN, alerts=FakeAlerts(found))) == ["1", "3", "4"]


@pytest.mark.parametrize(
    ("found", "words"),
    [((), views.NO_ALERT), ((alert(4, "other"),), views.NOT_YOURS), ((alert(3, held=ANNA),), views.ALL_YOURS)],
)
async def test_no_alert_to_acknowledge_is_said_in_words(found: tuple[Alert, ...], words: str) -> None:
    offers = await read(Offer.OPEN_ALERT, alerts=FakeAlerts(found))
    assert (values(offers), offers.nothing) == ([], words)


async def test_held_alerts_are_the_person_s_own() -> None:
    found = (alert(1), alert(2, held=BEN), alert(3, held=ANNA))
    assert values(await read(Offer.HELD_ALERT, alerts=FakeAlerts(found))) == ["3"]
    assert (await read(Offer.HELD_ALERT, alerts=FakeAlerts(found[:2]))).nothing == views.NONE_HELD


async def test_rules_with_open_alerts_come_first_and_all_of_them_last() -> None:
    found = (alert(1, rule="peer_down"), alert(2, rule="peer_down"))
    offers = await read(Offer.RULE, alerts=FakeAlerts(found))
    choices = offers.choices[Offer.RULE]
    assert (choices[0].value, choices[0].label) == ("peer_down", "peer_down · 2 open alerts")
    assert (choices[-1].value, choices[-1].label) == ("*", "All rules but the most severe")
    assert len(choices) == len(RULES) + 1 <= MAX_OPTIONS
    assert not offers.nothing


async def test_silences_say_what_they_mute_and_when_they_end() -> None:
    host = MaintenanceScope("10.0.0.7")
    held = (
        Silence("prod", "disk_broken", "", NOW + 3600, BEN, id=3),
        Silence("prod", "*", "", NOW + 7200, BEN, id=4, begins=NOW + 3600),
        Silence("prod", "maintenance", "10.0.0.7", NOW + 60, BEN, id=5, scope=host),
        Silence("other", "peer_down", "2", NOW + 60, BEN, id=6),
    )
    muted = replace(alert(1), notes=EngineNotes(muted=Muted(3, BEN)))
    offers = await read(Offer.SILENCE, alerts=FakeAlerts((muted,), held))
    assert [(choice.label, choice.describes) for choice in offers.choices[Offer.SILENCE]] == [
        ("#3 prod: disk_broken", "Mutes 1 alert, 1 h left"),
        ("#4 prod: all rules but the most severe", "Begins in 1 h, for 1 h"),
        ("#5 prod: maintenance of 10.0.0.7", "Mutes no alert, 1 min left"),
    ]
    assert values(await read(Offer.SILENCE, BEN, alerts=FakeAlerts((), held)))[-1] == "6"
    assert (await read(Offer.SILENCE)).nothing == views.NO_SILENCE


async def test_operations_are_those_that_the_person_may_end() -> None:
    ops = (op(9), op(8, requester=BEN), op(7, OpState.RUNNING), op(6, OpState.UNKNOWN), op(5, cluster="other"))
    cancel = await read(Offer.TO_CANCEL, ops=ops)
    assert values(cancel) == ["9"], "the requester may cancel, and an operator of the cluster alone"
    [choice] = cancel.choices[Offer.TO_CANCEL]
    assert (choice.label, choice.describes) == ("#9 prod: turn balance off", "Waiting, proposed 10 min ago")
    assert values(await read(Offer.TO_REJECT, BEN, ops=ops)) == ["9", "8", "5"], "approvers may, and admins"
    assert values(await read(Offer.TO_REJECT, ops=ops)) == []
    assert (await read(Offer.TO_REJECT, EVE, ops=ops)).nothing == views.NOTHING_TO_REJECT
    assert (await read(Offer.TO_CANCEL, EVE, ops=ops)).nothing == views.NOTHING_TO_CANCEL
    settle = (op(6, OpState.UNKNOWN), op(5, OpState.UNKNOWN, cluster="other"))
    assert values(await read(Offer.TO_SETTLE, BEN, ops=settle)) == ["5"], "an admin of that cluster alone"
    assert (await read(Offer.TO_SETTLE, ops=settle)).nothing == views.NOTHING_TO_SETTLE


async def test_note_is_about_an_open_alert_or_a_recent_operation() -> None:
    book = OneAlert((alert(1), alert(4, "other")), over=(alert(17), alert(18, "other")))
    ops = [op(number, OpState.VERIFIED) for number in (9, 8)]
    offers = await read(Offer.NOTED, alerts=book, ops=ops)
    assert values(offers) == ["alert 1", "op 9", "op 8"]
    assert offers.choices[Offer.NOTED][1].label.startswith("Operation #9 prod: ")
    assert values(await read(Offer.NOTED, alerts=book, ops=ops, given="17"))[0] == "alert 17", "one that is over"
    assert values(await read(Offer.NOTED, alerts=book, ops=ops, given="18")) == values(offers), "of another cluster"
    assert values(await read(Offer.NOTED, alerts=book, ops=ops, given="alert 99")) == values(offers)
    assert (await read(Offer.NOTED, alerts=OneAlert())).nothing == views.NOTHING_TO_NOTE


@dataclass
class NewestDesk(FakeDesk):
    """Lists the newest operations only, as the real one does."""

    async def listed(self, cluster: str | None, *, open_only: bool) -> Sequence[Operation]:
        return (await super().listed(cluster, open_only=open_only))[:MAX_LISTED]


async def test_operations_of_other_clusters_do_not_hide_those_that_may_be_noted() -> None:
    """The list over all clusters ends before the operations of a cluster on which little is done."""
    others = [op(number, OpState.VERIFIED, cluster="other") for number in range(MAX_LISTED + 40, 40, -1)]
    own = [op(number, OpState.VERIFIED) for number in range(40, 0, -1)]
    offers = await read(Offer.NOTED, desk=NewestDesk(known=[*others, *own]))
    assert values(offers) == [f"op {number}" for number in range(40, 10, -1)]
    mixed = [op(99, OpState.VERIFIED), *others[2:], *own]
    assert values(await read(Offer.NOTED, desk=NewestDesk(known=mixed)))[:2] == ["op 99", "op 40"]
    both = await read(Offer.NOTED, BEN, desk=NewestDesk(known=[*others, *own]))
    assert values(both) == [f"op {each.id}" for each in others[:30]], "an operator of both"
    nothing = await read(Offer.NOTED, desk=NewestDesk(known=others))
    assert nothing.nothing == views.NOTHING_TO_NOTE


@pytest.mark.parametrize(
    ("alerts", "ops", "said"),
    [
        (69, 30, ()),
        (70, 30, ("The first 69 of 70 open alerts are listed.",)),
        (99, 0, ()),
        (100, 0, ("The first 99 of 100 open alerts are listed.",)),
        (0, 31, ("The newest 30 operations are listed.",)),
        (250, 50, ("The first 69 of 250 open alerts are listed.", "The newest 30 operations are listed.")),
    ],
)
async def test_note_says_what_it_does_not_list(alerts: int, ops: int, said: tuple[str, ...]) -> None:
    book = OneAlert(tuple(alert(number) for number in range(1, alerts + 1)))
    known = [op(number, OpState.VERIFIED) for number in range(ops, 0, -1)]
    offers = await read(Offer.NOTED, alerts=book, ops=known)
    assert offers.notes[: len(said)] == said
    assert [note for note in offers.notes if "by its number" in note] == list(offers.notes[len(said) :])
    assert bool(said) == bool(offers.notes)
    named = await read(Offer.NOTED, alerts=book, ops=known, given=f"alert {alerts}") if alerts else offers
    assert len(values(named)) <= MAX_OPTIONS


@pytest.mark.parametrize("offer", sorted(STORED))
async def test_long_list_is_cut_and_says_so(offer: Offer) -> None:
    """Slack takes a hundred options of a select without groups."""
    many = range(1, 251)
    alerts = OneAlert(
        tuple(alert(each, held=BEN if offer is Offer.HELD_ALERT else "") for each in many),
        tuple(Silence("prod", "disk_broken", str(each), NOW + 60, BEN, id=each) for each in many),
    )
    state = OpState.UNKNOWN if offer is Offer.TO_SETTLE else OpState.WAITING
    admins = replace(ACCESS, settings=replace_admins())
    stored = StoredChoices(
        alerts,
        FakeDesk(known=[op(each, state, BEN) for each in many]),
        admins,
        lambda _c, _k, _f: Policy(),
        lambda: NOW,
        ("prod",),
    )
    offers = await stored.read(offer, ChoiceQuery(BEN, "prod"))
    assert 0 < len(values(offers)) <= MAX_OPTIONS
    if offer not in {Offer.RULE, Offer.NOTED}:
        assert offers.notes[0].startswith("The first 100 of 250 ")


def replace_admins() -> AccessSettings:
    """Ben is an admin as well."""
    return OF_ALL.model_copy(update={"admins": Members(users=(BEN,))})


class NoBook(FakeAlerts):
    """A database that is down."""

    async def open(self, cluster: str | None = None) -> tuple[Alert, ...]:
        raise StoreError("down")

    async def silences(self, cluster: str | None = None) -> tuple[Silence, ...]:
        raise StoreError("down")


class SlowBook(FakeAlerts):
    """A database that does not answer."""

    async def open(self, cluster: str | None = None) -> tuple[Alert, ...]:
        await asyncio.Event().wait()
        return ()


@dataclass
class NoDesk(FakeDesk):
    """Operations in a database that is down."""

    async def listed(self, cluster: str | None, *, open_only: bool) -> Sequence[Operation]:
        raise StoreError("down")


@pytest.mark.parametrize("offer", sorted(STORED))
async def test_form_says_that_the_database_is_down_and_takes_a_typed_number(offer: Offer) -> None:
    stored = StoredChoices(NoBook(), NoDesk(), ACCESS, lambda _c, _k, _f: Policy(), lambda: NOW, ("prod",))
    offers = await stored.read(offer, ChoiceQuery(ANNA, "prod"))
    assert not offers.nothing
    [note] = offers.notes
    assert "cannot be read now" in note
    if offer is Offer.RULE:
        assert len(values(offers)) == len(RULES) + 1, "the rules are known without it"
    else:
        assert offers.choices == {}


async def test_slow_database_is_not_waited_for() -> None:
    stored = StoredChoices(SlowBook(), FakeDesk(), ACCESS, lambda _c, _k, _f: Policy(), lambda: NOW, ("prod",))
    offers = await stored.read(Offer.OPEN_ALERT, ChoiceQuery(ANNA), within=0.01)
    assert offers.notes == (views.to_be_typed(Offer.OPEN_ALERT),)


@pytest.mark.parametrize(
    ("offer", "given", "value"),
    [
        (Offer.NOTED, "#17", "alert 17"),
        (Offer.NOTED, "operation 12", "op 12"),
        (Offer.NOTED, "soon", "soon"),
        (Offer.RULE, "Disk_Broken", "disk_broken"),
        (None, "Sat 22:00", "Sat 22:00"),
    ],
)
def test_given_value_has_the_spelling_of_its_option(offer: Offer | None, given: str, value: str) -> None:
    assert as_offered(offer, given) == value
