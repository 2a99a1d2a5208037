"""What the Home tab shows."""

import json
from collections.abc import Sequence

from structlog.testing import capture_logs

from bot.errors import SlackError
from bot.slack.home import HomeTab, Noted, home
from bot.views.message import BlockJson

STANDING = ("You may use every command that only reads.",)


def shown(clusters: Sequence[Noted], standing: Sequence[str] = STANDING) -> str:
    return json.dumps(home(clusters, standing), ensure_ascii=False)


def test_each_cluster_has_its_verdict_in_a_word_and_when() -> None:
    text = shown([Noted("prod", {"level": "healthy", "at": 1700000000.0}), Noted("archive", {})])
    assert "*1 of 2 clusters is healthy.*" in text
    assert "🟢 *prod* healthy, as of <!date^1700000000" in text
    assert "⚪ *archive* not looked at yet" in text


def test_what_is_not_healthy_stands_first() -> None:
    text = shown([Noted("a", {"level": "healthy"}), Noted("z", {"level": "no leader", "verdict": "z has no leader."})])
    assert text.index("*z* no leader: z has no leader.") < text.index("*a* healthy")


def test_it_says_how_to_ask_and_what_one_may_do() -> None:
    text = shown([])
    assert "No cluster is configured." in text
    assert "/cm help" in text
    assert STANDING[0] in text


def test_a_thousand_clusters_fit_into_slack_s_hundred_blocks() -> None:
    blocks = home([Noted(f"cluster-{number:04}", {"at": 1.0, "level": "healthy"}) for number in range(1000)], ())
    assert len(blocks) <= 100
    assert all(len(block["text"]["text"]) <= 3000 for block in blocks if block["type"] == "section")


def test_text_from_outside_cannot_mention_anybody() -> None:
    assert "<!" not in shown([Noted("prod", {"level": "<!channel>", "verdict": "<!here>"})], ("<!here>",))


async def describe(_: str) -> Sequence[str]:
    return STANDING


async def test_it_is_published_for_whom_opened_it() -> None:
    published: list[tuple[str, Sequence[BlockJson]]] = []

    async def publish(user: str, blocks: Sequence[BlockJson]) -> None:
        published.append((user, blocks))

    await HomeTab(["prod"], lambda _: {"level": "healthy"}, describe, publish).show("U1")
    [(user, blocks)] = published
    assert user == "U1"
    assert list(blocks) == list(home([Noted("prod", {"level": "healthy"})], STANDING))


async def test_a_failure_is_logged_only() -> None:
    async def publish(_: str, __: Sequence[BlockJson]) -> None:
        raise SlackError("no", code="internal_error")

    with capture_logs() as logs:
        await HomeTab(["prod"], lambda _: {}, describe, publish).show("U1")
    assert [(line["event"], line["code"]) for line in logs] == [("home.failed", "internal_error")]
