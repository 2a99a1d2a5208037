"""Message keys: built and parsed in one place, with the stored text unchanged."""

import pytest

from bot.common.message_key import MessageKey

ALERT, CARD, GROUP = MessageKey.alert(17), MessageKey.card(12), MessageKey.group("C1", 3)
STORED = {
    "alert:17": ALERT,
    "alert:17:line:3": ALERT.line(3),
    "op:12": CARD,
    "op:12:line:14.5": CARD.step(14, 5, passing=False),
    "op:12:step:14.4": CARD.step(14, 4, passing=True),
    "op:12:warn:14.1": CARD.warning(14, 1),
    "digest:C1:3": GROUP,
    "digest:C1:3:line:2": GROUP.line(2),
    "silence:5": MessageKey.silence(5),
    "silence:5:lifted": MessageKey.silence(5, "lifted"),
    "summary:daily:1700000000": MessageKey.report("summary", "daily", 1_700_000_000.0),
    "summary:daily:1700000000:0": MessageKey.report("summary", "daily", 1_700_000_000.0).page(0),
    "status:C1": MessageKey.status("C1"),
    "clock:one:100:C1": MessageKey.clock("one", 100.0, "C1"),
    "blind:prod:100": MessageKey.stale("prod", 100.9),
    "left:prod:C1:100": MessageKey.left("prod", "C1", 100.9),
    "settings:one:100": MessageKey.settings("one", 100.9),
    "unposted:C1": MessageKey.unposted("C1"),
}


@pytest.mark.parametrize(("text", "key"), STORED.items())
def test_key_has_its_stored_text_and_is_read_back(text: str, key: MessageKey) -> None:
    assert str(key) == text
    assert MessageKey.parse(text) == key


@pytest.mark.parametrize("text", ["", "a", "note:1", "alert::", "job:with:many:colons"])
def test_any_text_is_a_key_with_the_same_text(text: str) -> None:
    assert str(MessageKey.parse(text)) == text


def test_roots_are_subjects_and_replies_are_not() -> None:
    roots = {text for text, key in STORED.items() if key.is_root}
    assert roots == {"alert:17", "op:12", "digest:C1:3", "silence:5", "status:C1", "unposted:C1"}
    assert GROUP.line(2).root == GROUP


def test_subjects_are_read_from_their_own_messages_only() -> None:
    assert (ALERT.alert_id, ALERT.line(3).alert_id, CARD.alert_id) == (17, None, None)
    assert (CARD.card_id, CARD.warning(14, 1).card_id, MessageKey.parse("op:x").card_id) == (12, None, None)
    assert (ALERT.line(3).subject_id, MessageKey.status("C1").subject_id) == (17, None)
    assert (GROUP.line(2).group_channel, ALERT.group_channel) == ("C1", None)


def test_prefixes_match_the_replies_that_they_name() -> None:
    assert str(ALERT.line(3)).startswith(ALERT.lines)
    assert str(CARD.step(14, 4, passing=True)).startswith(CARD.passing_steps(14))
    assert not str(CARD.step(14, 5, passing=False)).startswith(CARD.passing_steps(14))
