"""What the Home tab shows, and to whom."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from structlog.testing import capture_logs

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.model import Alert, AlertState, LegacyDetail, Severity
from bot.common.errors import SlackError, StoreError
from bot.interactions.message import BlockJson
from bot.operations.model import Operation, OpState
from bot.operations.policy import POLICIES
from bot.operations.requests import MemberRemove
from bot.permissions.roles import Rights, Role
from bot.playground.slack_sim.blockkit import check_view
from bot.slack.home import STORE_DOWN, HomeTab, show_once
from bot.slack.payloads import HomeOpened
from bot.views.home import CHANGE, STATUS, Home, HomeCluster, Waiting, home

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
    assert text.index("*z* no leader: z has no leader.") < text.index("*a* healthy")


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
            problems=("a", "b"),
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


@dataclass
class People:
    """An operator and approver U1; everybody else may look."""

    async def rights(self, user: str, cluster: str = "") -> Rights:
        assert cluster in {"", "prod"}
        held = {"U1": frozenset({Role.OPERATOR, Role.APPROVER}), "U0ADMIN": frozenset({Role.ADMIN})}
        return Rights(user, held.get(user, frozenset()))

    async def of_clusters(self, user: str, role: Role, clusters: Sequence[str]) -> tuple[str, ...]:
        return tuple(clusters) if (await self.rights(user)).has(role) else ()

    async def describe(self, user: str) -> Sequence[str]:
        return (f"{user} may.",)


@dataclass
class Open:
    """Two changes wait: one of U1, one of U2; `down` is the database."""

    down: bool = False
    severity: Severity = Severity.INFO

    async def alerts(self) -> Sequence[Alert]:
        if self.down:
            raise StoreError("no")
        return (replace(alert(7), severity=self.severity),)

    async def operations(self) -> Sequence[Operation]:
        return (operation(1, "U1"), operation(2, "U2"))

    async def card_of(self, op: Operation) -> str:
        return f"https://slack.example/{op.id}"

    async def undelivered(self) -> int:
        return 2


async def published(user: str, *, down: bool = False, severity: Severity = Severity.INFO) -> str:
    posted: list[tuple[str, Sequence[BlockJson]]] = []

    async def publish(user: str, blocks: Sequence[BlockJson]) -> None:
        posted.append((user, blocks))

    tab = HomeTab(
        ["prod"],
        lambda _: ClusterNote(level="healthy"),
        People(),
        Open(down, severity),
        lambda _: POLICIES["member_remove"],
        publish,
        lambda: AT,
    )
    await tab.show(user)
    [(whom, blocks)] = posted
    assert whom == user
    return json.dumps(list(blocks), ensure_ascii=False)


async def test_approver_sees_waiting_operations() -> None:
    text = await published("U1")
    mine, _, others = text.partition("Operation #1")
    assert "Operation #2" in mine, "what U2 asked for"
    assert mine.count("you may approve it") == 1
    assert "you may approve it" not in others, "not their own removal"
    assert "*#7* " in text
    assert "Peer 3 is down." in text
    assert CHANGE in text


async def test_a_viewer_sees_the_same_without_buttons_to_change() -> None:
    text = await published("U9")
    assert "you may approve it" not in text
    assert CHANGE not in text
    assert "U9 may." in text


async def test_undelivered_messages_are_shown_to_admins_only() -> None:
    assert "2 messages could not be posted: /cm ops lists them." in await published("U0ADMIN")
    assert "could not be posted" not in await published("U1")


async def test_repeated_event_shows_nothing_unless_the_database_is_down() -> None:
    shown: list[str] = []
    known: set[str] = set()

    async def once(key: str, _kind: str) -> bool:
        if key == "down":
            raise StoreError("no")
        fresh = key not in known
        known.add(key)
        return fresh

    async def show(user: str) -> None:
        shown.append(user)

    for key in ("E1", "E1", "E2", "down", "down"):
        await show_once(once, show, HomeOpened(key, f"U-{key}"))
    assert shown == ["U-E1", "U-E2", "U-down", "U-down"]


async def test_home_shows_no_cluster_milder_than_its_worst_alert() -> None:
    text = await published("U1", severity=Severity.CRITICAL)
    assert "🔴 *prod* critical: prod is critical: Peer 3 is down (alert #7)." in text
    assert "0 of 1 cluster are healthy" in text


async def test_without_the_database_the_clusters_are_shown_all_the_same() -> None:
    text = await published("U1", down=True)
    assert STORE_DOWN in text
    assert "1 of 1 cluster is healthy" in text


async def test_a_failure_is_logged_only() -> None:
    async def publish(_: str, __: Sequence[BlockJson]) -> None:
        raise SlackError("no", code="internal_error")

    tab = HomeTab([], lambda _: ClusterNote(), People(), Open(), lambda _: POLICIES["task_enable"], publish, lambda: AT)
    with capture_logs() as logs:
        await tab.show("U1")
    assert [(line["event"], line["code"]) for line in logs] == [("home.failed", "internal_error")]
