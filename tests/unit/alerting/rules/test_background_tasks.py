"""The rules about background tasks and about repairs and drops that do not come on."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.alerting.cluster_state.state import ClusterState, explained, update
from bot.alerting.model import Alert, AlertState, EnableTask, Finding, LegacyDetail, Severity
from bot.alerting.rules.base import CANNOT_TELL, Answer, RuleContext
from bot.alerting.rules.table import rule_named
from bot.clustermgr.models import Disk
from bot.clustermgr.tasks import Dialect
from bot.views.text import date
from tests.support.alert_words import lines, outcome, sentence
from tests.support.watch_builders import dark, disk, polled

HOUR = 3600.0
NOW = 100 * HOUR
Switches = dict[str, str | None]
ON: Switches = dict.fromkeys(
    ("disk_repair", "balance", "disk_drop", "blob_delete", "shard_repair", "volume_inspect"), "true"
)
V1: Switches = dict.fromkeys(
    ("disk_repair", "balance", "disk_drop", "blob_delete", "shard_repair", "vol_inspect"), "Enable"
)


@dataclass(frozen=True)
class Seen:
    """What was seen `ago` seconds before NOW."""

    ago: float
    switches: Switches | None = field(default_factory=lambda: dict(ON))
    dialect: Dialect | None = Dialect.V3
    bad: Sequence[Disk] | None = ()
    dropping: Sequence[Disk] | None = ()
    chunks: dict[int, int] | None = None
    dead: bool = False

    def polled(self) -> Any:
        at = NOW - self.ago
        posted: dict[str, Any] = {"switches": self.switches, "dialect": self.dialect, "chunks": self.chunks}
        dropping = None if self.dropping is None else tuple(self.dropping)
        return dark(at) if self.dead else replace(polled(at, bad=self.bad), dropping=dropping, **posted)


def context(*seen: Seen) -> RuleContext:
    state = ClusterState()
    for each in seen:
        snapshot = each.polled()
        state = update(state, snapshot)
    return RuleContext(snapshot, state, NOW)


def ask(rule: str, view: RuleContext, **names: tuple[str, ...]) -> Answer:
    found = rule_named(rule)
    assert found is not None
    return replace(found, names=names).answer(view)


def off(**switches: str | None) -> Switches:
    return {**ON, **switches}


OFF = off(disk_repair="false")
BAD, REPAIRING, DROPPING = (disk(7),), (disk(7, 3),), (disk(9, 1),)
BALANCE = "Background task `balance` of prod has been off for more than 1 d."
NO_REPAIR = ": background task `disk_repair` is off."
MEANS_NOTHING = "The value stored for background task `balance` of prod is invalid: "
ONCE, OUTSIDE = "Background task `balance` of prod was switched ", " outside cmbot."


def two(ago: float, **what: Any) -> tuple[Seen, Seen]:
    """The same seen so long ago and now."""
    return Seen(ago, **what), Seen(0, **what)


CASES: list[tuple[str, tuple[Seen, ...], dict[str, str] | None]] = [
    ("task_off_too_long", two(25 * HOUR), {}),
    ("task_off_too_long", (Seen(0, switches=None),), None),
    ("task_off_too_long", (Seen(0, switches={}, dialect=None),), None),
    ("task_off_too_long", two(25 * HOUR, switches=off(balance="false"), dialect=None), None),
    ("task_off_too_long", (Seen(HOUR, switches=off(balance="false")), Seen(0, dead=True)), None),
    ("task_off_too_long", two(23 * HOUR, switches=off(balance="false")), {}),
    ("task_off_too_long", two(25 * HOUR, switches=off(balance="false")), {"balance": BALANCE}),
    (
        "task_off_too_long",
        two(25 * HOUR, switches=off(balance=None)),
        {"balance": "Background task `balance` of prod has had no stored value for more than 1 d."},
    ),
    ("task_off_too_long", two(25 * HOUR, switches=off(balance="Enable")), {}),
    ("task_off_too_long", two(25 * HOUR, switches=off(data_inspect="false", shard_disk_repair=None)), {}),
    (
        "task_off_too_long",
        two(25 * HOUR, switches=V1 | {"balance": "Disable"}, dialect=Dialect.V1),
        {"balance": BALANCE},
    ),
    ("task_off_too_long", two(25 * HOUR, switches=V1 | {"balance": None}, dialect=Dialect.V1), {}),
    (
        "task_off_too_long",
        (Seen(25 * HOUR, switches=off(balance="false")), Seen(60), Seen(0, switches=off(balance="false"))),
        {},
    ),
    ("task_off_with_work", (Seen(0, switches=OFF),), {}),
    ("task_off_with_work", (Seen(0, bad=BAD),), {}),
    ("task_off_with_work", (Seen(0, bad=BAD, switches=None),), None),
    ("task_off_with_work", (Seen(0, bad=None, switches=OFF),), None),
    (
        "task_off_with_work",
        (Seen(0, bad=BAD, switches=OFF),),
        {"disk_repair": "1 disk of prod waits to be repaired" + NO_REPAIR},
    ),
    (
        "task_off_with_work",
        (Seen(60, bad=BAD, switches=OFF), Seen(0, bad=(*BAD, disk(8, 3)), switches=None, dropping=None)),
        {"disk_repair": "2 disks of prod wait to be repaired" + NO_REPAIR},
    ),
    (
        "task_off_with_work",
        (Seen(0, dropping=DROPPING, switches=off(disk_drop=None)),),
        {"disk_drop": "1 disk of prod waits to be emptied: background task `disk_drop` is off."},
    ),
    (
        "task_off_with_work",
        (Seen(0, bad=BAD, switches=off(disk_repair="Enable")),),
        {"disk_repair": "1 disk of prod waits to be repaired" + NO_REPAIR},
    ),
    ("task_off_with_work", (Seen(0, bad=BAD, switches=V1 | {"disk_repair": "true"}, dialect=Dialect.V1),), {}),
    ("task_off_with_work", (Seen(0, bad=BAD, switches=V1 | {"disk_repair": None}, dialect=Dialect.V1),), {}),
    (
        "task_off_with_work",
        (Seen(0, bad=BAD, switches=V1 | {"disk_repair": "Disable"}, dialect=Dialect.V1),),
        {"disk_repair": "1 disk of prod waits to be repaired" + NO_REPAIR},
    ),
    ("switch_meaningless", (Seen(0),), {}),
    ("switch_meaningless", (Seen(0, switches=None),), None),
    ("switch_meaningless", (Seen(0, switches=off(balance=None, data_inspect="false")),), {}),
    (
        "switch_meaningless",
        (Seen(0, switches=off(balance="Enable")),),
        {"balance": MEANS_NOTHING + "services treat it as off."},
    ),
    (
        "switch_meaningless",
        (Seen(0, switches=V1 | {"balance": "true"}, dialect=Dialect.V1),),
        {"balance": MEANS_NOTHING + "services ignore it."},
    ),
    ("switch_changed", two(60), {}),
    ("switch_changed", (Seen(0, switches=None),), None),
    ("switch_changed", (Seen(HOUR, switches=off(balance="false")), Seen(0, dead=True)), None),
    ("switch_changed", (Seen(60), Seen(0, switches=off(balance="false"))), {"": ONCE + "from on to off" + OUTSIDE}),
    (
        "switch_changed",
        (Seen(60), Seen(0, switches=off(balance="Enable"))),
        {"": ONCE + "from on to `Enable` (invalid)" + OUTSIDE},
    ),
    ("switch_changed", (Seen(60), Seen(0, switches=off(balance=None))), {"": ONCE + "from on to not set" + OUTSIDE}),
    ("switch_changed", (Seen(60, switches=off(balance=None)), Seen(0, switches=off(balance="false"))), {}),
    (
        "switch_changed",
        (Seen(HOUR), Seen(0, switches=off(balance="false"))),
        {"": "While cmbot did not poll (for 1 h at most), b" + ONCE[1:] + "from on to off" + OUTSIDE},
    ),
    (
        "switch_changed",
        (
            Seen(60, switches=V1, dialect=Dialect.V1),
            Seen(0, switches=V1 | {"vol_inspect": "Disable"}, dialect=Dialect.V1),
        ),
        {"": "Background task `volume_inspect` of prod was switched from on to off" + OUTSIDE},
    ),
    (
        "switch_changed",
        (Seen(61), Seen(1, switches=off(balance="false")), Seen(0, switches=off(balance="false", disk_drop="false"))),
        {"": "Switches of background tasks of prod were changed 2 times outside cmbot: `balance` and `disk_drop`."},
    ),
    ("switch_changed", (Seen(HOUR + 60), Seen(HOUR, switches=OFF), Seen(0, switches=OFF)), {}),
    ("repair_stuck", (Seen(0),), {}),
    ("repair_stuck", two(25 * HOUR, bad=None), None),
    ("repair_stuck", two(25 * HOUR, bad=REPAIRING, switches=OFF), None),
    ("repair_stuck", two(23 * HOUR, bad=REPAIRING), {}),
    ("repair_stuck", two(25 * HOUR, bad=REPAIRING), {"": "The repair of 1 disk of prod makes no progress."}),
    ("repair_stuck", two(5 * HOUR, bad=REPAIRING, chunks={7: 40}), {}),
    (
        "repair_stuck",
        two(7 * HOUR, bad=REPAIRING, chunks={7: 40}),
        {"": "The repair of 1 disk of prod makes no progress."},
    ),
    ("repair_stuck", (Seen(7 * HOUR, bad=REPAIRING, chunks={7: 40}), Seen(0, bad=REPAIRING, chunks={7: 39})), {}),
    ("repair_stuck", two(HOUR, bad=BAD), {}),
    ("repair_stuck", two(3 * HOUR, bad=BAD), {"": "The repair of 1 disk of prod makes no progress."}),
    ("repair_stuck", two(3 * HOUR, bad=(disk(7), disk(8, 3))), {}),
    (
        "repair_stuck",
        two(25 * HOUR, bad=(disk(7), disk(8, 3))),
        {"": "The repair of 2 disks of prod makes no progress."},
    ),
    ("drop_stuck", (Seen(0),), {}),
    ("drop_stuck", (Seen(0, dropping=None),), None),
    ("drop_stuck", two(7 * HOUR, dropping=DROPPING, chunks={9: 40}, switches=off(disk_drop="false")), None),
    ("drop_stuck", two(5 * HOUR, dropping=DROPPING, chunks={9: 40}), {}),
    (
        "drop_stuck",
        two(7 * HOUR, dropping=DROPPING, chunks={9: 40}),
        {"": "The drop of 1 disk of prod makes no progress."},
    ),
]


@pytest.mark.parametrize(("rule", "seen", "says"), CASES)
def test_rule_finding_for_each_snapshot(rule: str, seen: tuple[Seen, ...], says: dict[str, str] | None) -> None:
    answer = ask(rule, context(*seen))
    if says is None:
        assert answer is CANNOT_TELL
        return
    assert answer is not CANNOT_TELL
    assert {finding.subject: sentence(finding) for finding in answer} == says
    assert all(finding.severity is Severity.WARNING for finding in answer)


def only(answer: Answer) -> Finding:
    assert answer is not CANNOT_TELL
    [finding] = answer
    return finding


@pytest.mark.parametrize(
    ("rule", "seen"),
    [
        ("task_off_too_long", two(25 * HOUR, switches=OFF)),
        ("task_off_with_work", (Seen(0, bad=BAD, switches=OFF),)),
        ("switch_meaningless", (Seen(0, switches=off(disk_repair="Enable")),)),
    ],
)
def test_finding_proposes_the_fix(rule: str, seen: tuple[Seen, ...]) -> None:
    assert only(ask(rule, context(*seen))).fix == EnableTask("disk_repair")


def test_recently_enabled_task_is_no_finding() -> None:
    finding = only(ask("switch_changed", context(Seen(60, switches=OFF), Seen(0))))
    assert finding.severity is Severity.INFO
    assert "`disk_repair` of prod was switched from off to on" in sentence(finding)


def test_switch_changed_by_an_operation_is_not_announced() -> None:
    view = context(Seen(60), Seen(0, switches=off(balance="false")))
    [change] = view.state.switch_changes
    state = explained(view.state, {change: (12, "U0AVA")})
    assert ask("switch_changed", replace(view, state=state)) == ()


def test_switch_finding_explains_the_stored_value() -> None:
    finding = only(ask("switch_meaningless", context(Seen(0, switches=off(balance="Enable")))))
    assert lines(finding) == ("`balance`: `Enable` is stored; only true means on here, so services read it as off",)
    evil = only(ask("switch_meaningless", context(Seen(0, switches=off(balance="<!here>\n" * 99)))))
    assert len(lines(evil)[0]) < 200
    assert "\n" not in lines(evil)[0]


def test_settings_name_tasks_that_may_stay_off() -> None:
    view = context(*two(25 * HOUR, switches=off(balance="false", data_inspect="false")))
    answer = ask("task_off_too_long", view, meant_off=("balance",))
    assert only(answer).subject == "data_inspect"


def test_stuck_disk_sentence_is_stable() -> None:
    view = context(*two(7 * HOUR, bad=REPAIRING, chunks={7: 40}))
    first, later = (lines(only(ask("repair_stuck", replace(view, now=now)))) for now in (NOW, NOW + 3600))
    since = f"since {date(334800, 'minute')}"
    where = "disk #7 on `http://10.0.1.7:8889`, path `/data/7`, zone `z0`"
    posted = f"{where}: being repaired {since}, 40 chunks left, none moved {since}"
    assert first == later == ("not judged: the volumes on bad disks cannot be read now", posted)
    waiting = lines(only(ask("repair_stuck", context(*two(3 * HOUR, bad=BAD)))))
    assert waiting[1].endswith(f"zone `z0`: broken since {date(349200, 'minute')}; its repair has not begun")
    dropping = lines(only(ask("drop_stuck", context(*two(25 * HOUR, dropping=DROPPING)))))
    assert dropping[1].endswith(f"zone `z0`: being dropped since {date(270000, 'minute')}")


RESOLUTIONS = [
    ("task_off_too_long", "balance", Seen(0), "Background task `balance` of prod is on again."),
    (
        "task_off_too_long",
        "balance",
        Seen(0, switches=off(balance="x")),
        "The switch of background task `balance` of prod was changed; see `/cm tasks`.",
    ),
    ("task_off_with_work", "disk_repair", Seen(0, bad=BAD), "Background task `disk_repair` of prod is on again."),
    (
        "task_off_with_work",
        "disk_repair",
        Seen(0, switches=OFF),
        "Background task `disk_repair` of prod has no more work.",
    ),
    ("switch_meaningless", "balance", Seen(0), "Background task `balance` of prod is on now."),
    (
        "switch_meaningless",
        "balance",
        Seen(0, switches=off(balance="false")),
        "Background task `balance` of prod is off now.",
    ),
    ("switch_changed", "", Seen(0), "The switches of prod have not changed again; see `/cm tasks`."),
    ("repair_stuck", "", Seen(0), "No disk of prod is broken or being repaired."),
    ("repair_stuck", "", Seen(0, bad=BAD), "Disks of prod are being repaired again; 1 disk to go."),
    ("drop_stuck", "", Seen(0), "No disk of prod is being dropped."),
    ("drop_stuck", "", Seen(0, dropping=DROPPING), "Disks of prod are being emptied again; 1 disk to go."),
]


@pytest.mark.parametrize(("rule", "subject", "seen", "words"), RESOLUTIONS)
def test_resolution_names_the_outcome(rule: str, subject: str, seen: Seen, words: str) -> None:
    found = rule_named(rule)
    assert found is not None
    alert = Alert("prod", rule, subject, AlertState.FIRING, Severity.WARNING, LegacyDetail("It is so."), 0)
    assert outcome(found.resolved(context(seen), alert), alert) == words
