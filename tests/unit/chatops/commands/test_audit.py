"""/cm audit as a person meets it."""

from dataclasses import dataclass, field

import pytest

from bot.audit.chain import GENESIS, AuditRow, next_row
from bot.audit.query import AuditQuery, CsvExport, Found
from bot.chatops.commands.audit import moment
from bot.common.errors import SlackError, UserError
from tests.support.in_memory_ports import FakeAudit, FakeCluster, typed
from tests.support.view_samples import AT, HOSTILE, seen


def rows(number: int, detail: str = '{"words":"confirmed","reason":"rush hour"}') -> tuple[AuditRow, ...]:
    """The newest first."""
    made: list[AuditRow] = []
    for _ in range(number):
        after = made[-1].head if made else GENESIS
        made.append(
            next_row(after, at=AT, actor="U0ANNA", action="operation.running", cluster="prod", op_id=7, detail=detail)
        )
    return tuple(reversed(made))


def book(number: int, total: int = 0, **options: str) -> FakeAudit:
    made = rows(number, **options)
    found = Found(made, total or number, made[0].head if made else GENESIS)
    return FakeAudit(found, CsvExport(b"csv", number, total or number))


@dataclass
class Share:
    """FileShare that keeps the files, or refuses them."""

    error: SlackError | None = None
    shared: list[tuple[str, str, bytes, str]] = field(default_factory=list)

    async def upload(
        self, channel: str, name: str, content: bytes, *, title: str, comment: str = "", thread_ts: str | None = None
    ) -> None:
        assert title
        assert thread_ts is None
        if self.error:
            raise self.error
        self.shared.append((channel, name, content, comment))


async def test_the_table_comes_first_and_then_the_file() -> None:
    audit, share = book(2, 31), Share()
    first, last = await typed("audit", audit=audit, share=share)
    assert first.message.text == "The audit log has 31 rows; these are the newest 2."
    shown = seen(first.message)
    assert "2023-11-14 22:13:20" in shown
    assert "operation running" in shown
    assert "confirmed; reason: rush hour" in shown
    assert "A CSV file with all rows follows." in shown
    assert "The CSV file in this channel has all rows." in seen(last.message)
    assert f"`{audit.found.head.short}`" in shown, "a head that is noted in chat proves the end of the log later"
    [(channel, name, content, comment)] = share.shared
    assert (channel, name, content) == ("C0GENERAL", "cmbot-audit.csv", b"csv")
    assert "The newest 2 of 31 rows." in comment


async def test_filters_are_handed_on() -> None:
    audit = book(1)
    await typed("audit since=2h user=<@U0BEN|ben> cluster=PROD limit=5", audit=audit)
    assert audit.asked == [(AuditQuery(AT - 7200, "U0BEN", "prod"), 5)]
    await typed("audit", audit=audit)
    assert audit.asked[1] == (AuditQuery(), 20)


async def test_failed_upload_names_the_fix() -> None:
    refused = SlackError("Slack refused files.completeUploadExternal: not_in_channel.", code="not_in_channel")
    _, last = await typed("audit", audit=book(1), share=Share(refused))
    assert "could not be uploaded to this channel. Slack refused files.completeUploadExternal" in seen(last.message)
    assert "/invite @cmbot" in seen(last.message)
    assert "operation running" in seen(last.message)


async def test_an_empty_log_has_no_table_and_no_file() -> None:
    share = Share()
    [reply] = await typed("audit cluster=prod", audit=book(0), share=share)
    assert reply.message.text == "The audit log has no row about prod."
    assert share.shared == []


async def test_mistyped_cluster_is_refused_but_removed_one_is_shown() -> None:
    cluster = FakeCluster("prod")
    with pytest.raises(UserError, match=r'nothing about a cluster "prdo"\. Did you mean prod\?'):
        await typed("audit cluster=prdo", cluster, audit=book(0))
    [reply] = await typed("audit cluster=gone", cluster, audit=book(1))
    assert "1 row about gone" in reply.message.text


async def test_hostile_details_stay_text() -> None:
    for detail in (
        f'{{"words": "{HOSTILE}"}}'.replace("\n", "\\n"),
        HOSTILE,
        "[1]",
        '{"words": [1], "text": {"a": 1}}',
    ):
        [reply] = await typed("audit", audit=book(90, detail=detail))
        assert "<!channel>" not in seen(reply.message)
        assert reply.message.text == "The audit log has 90 rows."


@pytest.mark.parametrize(
    "since",
    ["yesterday", "30m2h", "-2h", "2025-13-01", "2025-02-30", "2025-1-1", "٢h", "7", "99999d", "2025-12-31T25:00"],
)
async def test_a_time_that_is_none_is_refused_in_a_sentence(since: str) -> None:
    with pytest.raises(UserError, match=r"^since cannot be .*: it must be a span back from now such as 30m"):
        await typed(f"audit since={since}")


@pytest.mark.parametrize(
    ("since", "at"),
    [
        ("30m", AT - 1800),
        ("2H", AT - 7200),
        ("7d", AT - 604800),
        ("4w", AT - 2419200),
        ("2023-11-14", 1699920000.0),
        ("2023-11-14T22:13", 1699999980.0),
        ("2023-11-14t22:13:20", AT),
    ],
)
def test_since_takes_spans_and_times(since: str, at: float) -> None:
    assert moment(since, AT) == at


@pytest.mark.parametrize("user", ["anna", "@anna", "C0GENERAL", "U0' OR 1"])
async def test_a_person_is_named_by_mention(user: str) -> None:
    with pytest.raises(UserError, match=r"^user cannot be .*: it must be a person, as in user=@anna"):
        await typed(f'audit user="{user}"')


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ('{"alert":7,"rule":"disk_broken","sentence":"Disk 3 broke."}', "alert #7 (disk_broken): Disk 3 broke."),
        ('{"silence":4,"rule":"*","until":1.0,"reason":"works"}', "silence #4 (every rule); reason: works"),
        ('{"silence":4,"rule":"disk_broken","alert":7,"until":1.0,"reason":""}', "silence #4 (disk_broken, alert #7)"),
    ],
)
async def test_a_row_says_which_alert_was_taken_or_muted(detail: str, words: str) -> None:
    first, _ = await typed("audit", audit=book(1, detail=detail), share=Share())
    assert words in seen(first.message)
