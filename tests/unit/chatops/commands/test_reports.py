"""/cm summary, handover, trend: of which clusters, since when, and what is answered."""

import pytest

from bot.alerting.reports.trend import Measurement, Sample
from bot.chatops.commands.parser import parse
from bot.chatops.commands.registry import COMMANDS
from bot.common.errors import UserError
from bot.playground.slack_sim.blockkit import check_blocks
from tests.support.in_memory_ports import FakeCluster, FakeReports, typed
from tests.support.view_samples import AT

DAY = 86400.0
TIB = 1 << 40
BOTH = (FakeCluster("prod"), FakeCluster("test"))


@pytest.mark.parametrize(
    ("text", "clusters", "since"),
    [
        ("summary", ("prod", "test"), AT - DAY),
        ("summary test", ("test",), AT - DAY),
        ("summary Prod since=7d", ("prod",), AT - 7 * DAY),
        ("handover", ("prod", "test"), None),
        ("handover prod since=8h", ("prod",), AT - 8 * 3600),
    ],
)
async def test_report_covers_its_clusters_and_time(text: str, clusters: tuple[str, ...], since: float | None) -> None:
    reports = FakeReports()
    [reply] = await typed(text, *BOTH, reports=reports)
    assert reports.asked == [(text.split(maxsplit=1)[0], clusters, since)]
    assert not reply.private
    assert reply.message.text.startswith(("Summary: prod is healthy", "Hand-over: no alert is open"))


@pytest.mark.parametrize("text", ["summary pord", "handover pord"])
async def test_unknown_cluster_is_refused_with_the_nearest(text: str) -> None:
    with pytest.raises(UserError, match="Did you mean prod"):
        await typed(text, *BOTH)


@pytest.mark.parametrize(
    "text", ["summary since=32d", "summary since=soon", "handover since=0h", "trend 31d", "trend never"]
)
def test_invalid_time_is_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(UserError, match="7d"):
        parse(text, COMMANDS, clusters=("prod",), default_cluster="prod")


async def test_invalid_window_is_refused_in_a_sentence() -> None:
    with pytest.raises(UserError, match=r'^window cannot be "12d": it must be 7d, 30d or 90d\.$'):
        await typed("trend 12d")


@pytest.mark.parametrize(("text", "days"), [("trend", 30), ("trend 7d", 7), ("trend 90D prod", 90)])
async def test_a_trend_is_a_sentence_a_chart_and_a_table(text: str, days: int) -> None:
    samples: list[Sample] = [
        (AT - n * 3600, Measurement(used=50 * TIB - n * TIB // 24, total=100 * TIB, writable=25 * TIB))
        for n in range(30 * 24)
    ]
    reports = FakeReports(samples=samples)
    [reply] = await typed(text, reports=reports)
    assert reports.asked == [("course", "prod", days * DAY)]
    assert reply.message.text.startswith(f"prod: 50.0 TiB of 100.0 TiB used (50 %), 25.0 TiB writable <!date^{AT:.0f}^")
    assert ">, growing by 1.0 TiB a day. At this pace it is full in about 50 days" in reply.message.text
    assert [block["type"] for block in reply.message.blocks] == [
        "section",
        "data_visualization",
        "context",
        "table",
        "context",
    ]
    assert check_blocks(list(reply.message.blocks)) == []
