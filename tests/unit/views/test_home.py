"""The view of the Home tab: order, length, buttons, text from outside."""

import json
from collections.abc import Sequence

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.model import Alert, AlertState, LegacyDetail, Severity
from bot.operations.model import Operation, OpState
from bot.operations.requests import MemberRemove
from bot.playground.slack_sim.blockkit import check_view
from bot.views.home import CHANGE, STATUS, STORE_DOWN, Home, HomeCluster, Waiting, home

STANDING = ("You may use every command that only reads.",)
AT = 1_700_000_000.0


def shown(clusters: Sequence[HomeCluster], standing: Sequence[str] = STANDING) -> str:
    return json.dumps(home(Home(clusters, standing)), ensure_ascii=False)


def operation(number: int, requester: str = "U1") -> Operation:
    return Operation(
        cluster="prod",
        request=MemberRemove(3),
        requester=requester,
        created_at=AT,
        expires_at=AT + 900.0,
        channel="C0OPS",
        id=number,
        version=1,
        state=OpState.WAITING,
    )


def alert(number: int, sentence: str = "Peer 3 is down.") -> Alert:
    return Alert(
        "prod", "peer_down", "3", AlertState.FIRING, Severity.WARNING, LegacyDetail(sentence), AT - 60.0, id=number
    )


def test_each_cluster_has_its_verdict_in_a_word_and_when() -> None:
    text = shown([HomeCluster("prod", ClusterNote(1700000000.0, "healthy")), HomeCluster("archive", ClusterNote())])
    assert "*1 of 2 clusters is healthy.*" in text
    assert "🟢 *prod* healthy, as of <!date^1700000000" in text
    assert "⚪ *archive* not polled yet" in text


def test_unhealthy_items_come_first() -> None:
    text = shown(
        [
            HomeCluster("a", ClusterNote(level="healthy")),
            HomeCluster("z", ClusterNote(level="no leader", verdict="z has no leader.")),
        ]
    )
    assert text.index("🔴 *z* has no leader.") < text.index("*a* healthy")


def test_old_verdict_has_its_time_behind_it() -> None:
    text = shown([HomeCluster("prod", ClusterNote(1700000000.0, "contradiction", "prod contradicts itself: a."))])
    assert "🔴 *prod* contradicts itself: a. _(as of <!date^1700000000" in text


def test_missing_messages_and_database_are_reported() -> None:
    text = json.dumps(home(Home([], STANDING, undelivered=1, store_down=True)), ensure_ascii=False)
    assert STORE_DOWN in text
    assert "1 message could not be posted: `/cm ops` lists them." in text


def test_help_shows_usage_and_allowed_commands() -> None:
    text = shown([])
    assert "No cluster is configured." in text
    assert "/cm help" in text
    assert STANDING[0] in text


def test_a_thousand_clusters_fit_into_slack_s_hundred_blocks() -> None:
    clusters = [HomeCluster(f"cluster-{number:04}", ClusterNote(1.0, "healthy")) for number in range(1000)]
    waiting = [Waiting(operation(number + 1), "https://slack.example/x", mine=True) for number in range(50)]
    alerts = [alert(number + 1, "x" * 2000) for number in range(50)]
    blocks = home(
        Home(
            clusters,
            (),
            may_change=[each.name for each in clusters],
            alerts=alerts,
            waiting=waiting,
            now=AT,
            undelivered=3,
            store_down=True,
        )
    )
    assert check_view({"type": "home", "blocks": list(blocks)}) == []
    assert all(len(block["text"]["text"]) <= 3000 for block in blocks if block["type"] == "section")


def test_text_from_outside_cannot_mention_anybody() -> None:
    assert "<!" not in shown([HomeCluster("prod", ClusterNote(level="<!channel>", verdict="<!here>"))], ("<!here>",))


def test_only_operators_get_the_button() -> None:
    clusters = [HomeCluster("prod", ClusterNote())]
    assert CHANGE not in shown(clusters)
    assert STATUS in shown(clusters)
    assert CHANGE in json.dumps(home(Home(clusters, STANDING, may_change=["prod"])))


def test_operations_for_the_reader_come_first_with_links() -> None:
    waiting = [Waiting(operation(1)), Waiting(operation(2), "https://slack.example/card", mine=True)]
    text = json.dumps(home(Home([], (), waiting=waiting)), ensure_ascii=False)
    assert text.index("Operation #2") < text.index("Operation #1")
    assert "*you may approve it*" in text
    assert "https://slack.example/card" in text
