"""Every view in a terminal: complete, within its width, and nothing in it can steer the terminal."""

import io
import re
import time
import unicodedata
from collections.abc import Iterator

import pytest
from rich.cells import cell_len
from rich.console import Console

from bot.cli.terminal.blocks import from_message
from bot.cli.terminal.mrkdwn import from_mrkdwn, terminal_words
from bot.cli.terminal.show import write
from bot.interactions.message import Message
from bot.views.blocks import code, context, date, escape, header, message, pre, section, table
from tests.docgen.phrasebook.alerts import sections as alert_sections
from tests.docgen.phrasebook.background import sections as background_sections
from tests.docgen.phrasebook.clusters import sections as cluster_sections
from tests.docgen.phrasebook.operations import sections as operation_sections
from tests.docgen.phrasebook.reports import sections as report_sections

HOSTILE = "a\x1b]0;title\x07b\x1b[2Jc\x9bd\re\u202ef [red]g[/red] \x00h\x08i"


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def shown(content: Message, width: int | None = None) -> str:
    """Return what is written to a pipe, or to a terminal of this width without colours."""
    out = io.StringIO()
    if width is None:
        write(from_message(content), out)
    else:
        Console(file=out, width=width, color_system=None, highlight=False, markup=False).print(from_message(content))
    return out.getvalue()


def messages() -> Iterator[Message]:
    """Every message of the phrasebook."""
    sections = (
        *cluster_sections(),
        *background_sections(),
        *alert_sections(),
        *operation_sections(),
        *report_sections(),
    )
    for each in sections:
        for sample in each.samples:
            if isinstance(sample.content, Message):
                yield sample.content


def steering(text: str) -> set[str]:
    """Return the characters that a terminal would act on."""
    return {char for char in text if char != "\n" and unicodedata.category(char) in {"Cc", "Cf", "Cs"}}


@pytest.mark.parametrize("width", [None, 40, 80, 200])
def test_every_view_fits_and_is_readable(width: int | None) -> None:
    seen = 0
    for each in messages():
        text = shown(each, width)
        seen += 1
        assert not steering(text), text
        assert not re.search(r"<!date|&(?:lt|gt|amp);|<[@#]", text), text
        assert text.strip() or not each.text
        if width is not None:
            assert max(map(cell_len, text.splitlines()), default=0) <= width, text
    assert seen > 100


def test_no_word_of_a_table_is_lost_at_any_width() -> None:
    rows = [("disk_repair", "on; not known", "rebuilds the data of broken disks", "http://10.1.0.11:8899")]
    content = message("-", table(rows, header=("Task", "What happens", "What it does", "Host"), right=(1,)))
    for width in (None, 200, 100, 60, 30, 12):
        words = shown(content, width).split()
        if width is None or width >= len("http://10.1.0.11:8899"):
            assert {word for cell in rows[0] for word in cell.split()} <= set(words), (width, words)


def test_hostile_text_reaches_no_terminal() -> None:
    content = message(
        HOSTILE,
        header(HOSTILE),
        section(f"*{escape(HOSTILE)}* {code(HOSTILE)}"),
        section(pre(HOSTILE)),
        context(escape(HOSTILE)),
        table([(HOSTILE, HOSTILE)], header=("A", HOSTILE)),
    )
    raw = Message(
        "-", ({"type": "section", "text": {"type": "mrkdwn", "text": HOSTILE}}, {"type": "x", "text": HOSTILE})
    )
    for each in (content, raw, Message(HOSTILE)):
        for width in (None, 20, 80):
            text = shown(each, width)
            assert not steering(text)
            assert "[red]g[/red]" in "".join(text.split())


def test_mrkdwn_becomes_text() -> None:
    at = 1_700_000_000
    text = from_mrkdwn(
        f"*bold* _it_ ~no~ `a*b*c` <@U0ALICE> <#C0A|ops> <https://x.example/a|b> 1 &lt; 2 {date(at, 'time')}"
    )
    assert text.plain == "bold it no a*b*c @U0ALICE #ops b (https://x.example/a) 1 < 2 22:13:20 UTC"
    assert [str(span.style) for span in text.spans if span.start == 0] == ["bold"]
    assert from_mrkdwn("snake_case_name 2*3*4 a_b").plain == "snake_case_name 2*3*4 a_b"
    assert from_mrkdwn("&lt;@U0ALICE&gt; &amp;lt;").plain == "<@U0ALICE> &lt;"


def test_commands_of_the_terminal_are_named_as_they_are_typed_there() -> None:
    assert terminal_words("see /cm risk and /cm stat prod") == "see cmbot risk and cmbot stat prod"
    assert terminal_words("/cm ack 3, /cm disk offline 3, /cm ops-x") == "/cm ack 3, /cm disk offline 3, /cm ops-x"


def test_blocks_of_later_views_are_shown() -> None:
    """Folded parts are shown in full, and a data table as a table."""
    cells = [[{"type": "raw_text", "text": "Disk"}], [{"type": "raw_number", "value": 17}]]
    content = Message(
        "-",
        (
            {
                "type": "container",
                "title": {"type": "plain_text", "text": "12 checks passed"},
                "default_collapsed": True,
                "child_blocks": [section("*quorum* is kept")],
            },
            {"type": "data_table", "caption": "Disks", "rows": cells},
            {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Approve"}}]},
            {"type": "of_a_later_release"},
        ),
    )
    assert shown(content).split() == ["12", "checks", "passed", "quorum", "is", "kept", "Disks", "Disk", "17"]
