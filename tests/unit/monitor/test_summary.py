"""What a summary says and how it reads."""

from dataclasses import replace
from typing import Any

from bot.monitor.alert import Alert, AlertState, Severity
from bot.monitor.memory import LeaderChange, Memory
from bot.monitor.summary import Deed, Facts, Sample, summarise
from bot.views.message import Message
from bot.views.summary import summary
from tests.watchkit import TIB

DAY = 86400.0
NOW = 1_790_000_000.0
HEALTHY = Memory(at=NOW - 10, leader=1, term=7, level="healthy", verdict="prod is healthy: peer 1 leads in term 7.")


def sample(at: float, **values: Any) -> Sample:
    return (at, {"term": 5, "total": 10 * TIB, "used": TIB, "writable": 8 * TIB, "bad_disks": 0, "disks": 60, **values})


def shown(message: Message) -> str:
    return "\n".join(block["text"]["text"] for block in message.blocks if "text" in block)


def alert(number: int, state: AlertState = AlertState.FIRING, **changes: Any) -> Alert:
    made = Alert("prod", "disk_broken", str(number), state, Severity.WARNING, f"Alert {number}.", NOW - 7200)
    return replace(made, **{"fired_at": NOW - 7200, **changes})


def of(*facts: Facts) -> str:
    return shown(summary(summarise(facts, NOW - DAY, NOW)))


def test_a_quiet_day_is_three_lines() -> None:
    assert of(Facts("prod", HEALTHY)) == (
        "Summary: prod is healthy\n🟢 *prod* is healthy: peer 1 leads in term 7.\n• nothing changed"
    )


def test_what_changed_is_told_in_numbers() -> None:
    memory = replace(HEALTHY, leader=2, changes=(LeaderChange(NOW - 90000, 3, 1, 5), LeaderChange(NOW - 50, 1, 2, 7)))
    samples = (sample(NOW - DAY), sample(NOW - 60, used=2 * TIB, bad_disks=2, disks=66, term=7))
    resolved = alert(2, AlertState.RESOLVED, resolved_at=NOW - 100)
    text = of(Facts("prod", memory, recent=(alert(1), resolved), samples=samples))
    assert "• the leader changed 1 time, now peer 2 in term 7" in text
    assert "• broken or repairing disks: 0 then, 2 now" in text
    assert "• disks: 60 then, 66 now" in text
    assert "• 2 alerts fired, 1 resolved" in text
    assert "more" in text


def test_growth_of_space_is_told_with_its_share() -> None:
    samples = (sample(NOW - DAY), sample(NOW - 60, used=2 * TIB))
    assert "2.0 TiB of 10.0 TiB used (20 %), 1.0 TiB more than before" in of(Facts("prod", HEALTHY, samples=samples))
    assert "1.0 TiB of 10.0 TiB used (10 %), as before" in of(Facts("prod", HEALTHY, samples=(sample(NOW),)))


def test_an_election_of_the_same_peer_is_no_change_of_leader() -> None:
    text = of(Facts("prod", HEALTHY, samples=(sample(NOW - DAY),)))
    assert "• 2 elections, and peer 1 leads still (term 7)" in text


def test_open_alerts_come_gravest_first_with_who_takes_care() -> None:
    grave = alert(2, severity=Severity.CRITICAL, acked_by="U1", state=AlertState.ACKNOWLEDGED)
    text = of(Facts("prod", HEALTHY, open=(alert(1), grave, alert(3, AlertState.PENDING))))
    critical, warning = (line for line in text.split("\n") if "Alert" in line)
    assert critical == "• 🚨 Critical for 2 h, acknowledged by <@U1>: Alert 2."
    assert warning == "• ⚠️ Warning for 2 h: Alert 1."


def test_what_was_never_told_does_not_count() -> None:
    dropped = alert(1, AlertState.RESOLVED, fired_at=0.0, resolved_at=NOW - 100)
    assert "nothing changed" in of(Facts("prod", HEALTHY, recent=(dropped,)))


def test_deeds_are_told_with_who_did_them() -> None:
    deeds = (Deed(NOW - 50, "balance turned off", "U1"), Deed(NOW - 2 * DAY, "long ago", "U2"))
    text = of(Facts("prod", HEALTHY, deeds=deeds))
    assert "• balance turned off (<@U1>)" in text
    assert "long ago" not in text


def test_a_view_that_is_old_says_so() -> None:
    assert "cmbot has not looked since" in of(Facts("prod", replace(HEALTHY, at=NOW - 3600)))
    assert "cmbot has not looked at prod yet" in of(Facts("prod", Memory()))


def test_many_clusters_stay_one_screen_the_troubled_first() -> None:
    ill = replace(HEALTHY, level="no leader", verdict="z has no leader.")
    busy = tuple(alert(n) for n in range(50))
    facts = [Facts(f"c{n:02}", HEALTHY, open=busy) for n in range(60)] + [Facts("z", ill)]
    message = summary(summarise(facts, NOW - DAY, NOW))
    assert message.text == "Summary of 61 clusters: 1 without a leader, 60 healthy."
    lines = shown(message).split("\n")
    assert lines[1] == "🔴 *z* has no leader."
    assert lines[-1] == "And 53 more clusters: 53 healthy."
    assert len(lines) < 70
    assert len(message.blocks) <= 11


def test_hostile_words_mention_nobody() -> None:
    evil = "<!channel>"
    text = of(Facts("prod", replace(HEALTHY, verdict=evil), open=(alert(1, sentence=evil),), deeds=(Deed(NOW, evil),)))
    assert evil not in text
