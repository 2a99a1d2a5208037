"""What was delivered lately is known, for a while and up to a number."""

from bot.slack.dedup import Dedup


def test_a_key_is_new_once() -> None:
    seen = Dedup(lambda: 0.0)
    assert [seen.first("a"), seen.first("a"), seen.first("b")] == [True, False, True]


def test_a_key_is_forgotten_after_its_time() -> None:
    now = [0.0]
    seen = Dedup(lambda: now[0], seconds=900.0)
    seen.first("a")
    now[0] = 899.0
    assert not seen.first("a")
    now[0] = 900.0
    assert seen.first("a")


def test_oldest_keys_are_dropped_beyond_the_limit() -> None:
    seen = Dedup(lambda: 0.0, most=2)
    for key in "abc":
        seen.first(key)
    assert [seen.first("b"), seen.first("c"), seen.first("a")] == [False, False, True]
