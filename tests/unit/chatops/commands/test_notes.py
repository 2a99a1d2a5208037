"""The grammar of /cm note: the number, then the rest of the line as typed; what stays of a message of Slack."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chatops.commands.arguments import MissingArgument
from bot.chatops.commands.notes import NoteArgs
from bot.chatops.commands.parser import addressed, is_changing, parse
from bot.chatops.commands.registry import COMMANDS
from bot.common.errors import UserError
from bot.interactions.notes import NoteKind, subject_named
from bot.views.notes import note_text


def read(text: str) -> tuple[str, str]:
    parsed = parse(text, COMMANDS, clusters=("prod",), default_cluster="prod")
    assert isinstance(parsed.args, NoteArgs)
    assert parsed.cluster is None
    return parsed.args.about, parsed.args.text


@pytest.mark.parametrize(
    ("typed", "about", "text"),
    [
        ("note 17 fan 3 was loud", "17", "fan 3 was loud"),
        ("note alert 17 fan", "alert 17", "fan"),
        ("NOTE Alert #17 fan", "Alert #17", "fan"),
        ("  note   op 12   agreed with prod  ", "op 12", "agreed with prod"),
        ("note 17 it's \"odd, x=1 reason=none 「quote", "17", "it's \"odd, x=1 reason=none 「quote"),
        ("note 17 two\nlines。", "17", "two\nlines。"),
        ("note op 12", "op 12", ""),
    ],
)
def test_rest_of_the_line_is_kept_as_typed(typed: str, about: str, text: str) -> None:
    assert is_changing(typed) is bool(text), "without a text it opens its form"
    command, cluster = addressed(typed, COMMANDS, clusters=("prod",), default_cluster="prod")
    assert (command.path if command else (), cluster) == (("note",), "")
    if not text:
        with pytest.raises(MissingArgument, match="needs text") as caught:
            read(typed)
        assert caught.value.given == {"about": about}
        return
    assert read(typed) == (about, text)


@given(st.text(max_size=60))
def test_any_text_is_a_note_or_refused(text: str) -> None:
    try:
        about, kept = read(f"note 17 {text}")
    except UserError:
        return
    assert about == "17"
    assert kept == text.strip()


@pytest.mark.parametrize(
    ("text", "kind", "number"),
    [
        ("17", NoteKind.ALERT, 17),
        ("#17", NoteKind.ALERT, 17),
        ("alert#17", NoteKind.ALERT, 17),
        ("op 12", NoteKind.OPERATION, 12),
        ("operation #12", NoteKind.OPERATION, 12),
    ],
)
def test_subject_is_named_by_its_number(text: str, kind: NoteKind, number: int) -> None:
    found = subject_named(text)
    assert found is not None
    assert (found.kind, found.number) == (kind, number)


@pytest.mark.parametrize("text", ["", "0", "alert", "alert 0", "op", "disk 3", "17 18", "-3", "9" * 30])
def test_other_text_names_nothing(text: str) -> None:
    assert subject_named(text) is None


@pytest.mark.parametrize(
    ("mrkdwn", "text"),
    [
        ("the &lt;fan&gt; &amp; more", "the <fan> & more"),
        ("<@U0BEN> and <@U0BEN|ben> in <#C1|general>", "@U0BEN and @U0BEN in #general"),
        ("<!here> <!subteam^S0OPS|ops> <!subteam^S0OPS>", "@here ops @S0OPS"),
        ("see <https://x.y/z|the page> and <https://x.y>", "see the page (https://x.y/z) and https://x.y"),
    ],
)
def test_message_of_slack_becomes_plain_text(mrkdwn: str, text: str) -> None:
    assert note_text(mrkdwn) == text
