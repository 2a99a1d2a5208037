"""Whose Home tab is published again, and when."""

from bot.chatops.home_viewers import APART, LATELY, MAX_AT_ONCE, MAX_VIEWERS, HomeViewers

NOW = 1_700_000_000.0


def test_a_tab_is_due_when_it_shows_another_state_and_not_too_soon() -> None:
    viewers = HomeViewers()
    viewers.opened("U1", NOW)
    viewers.shown("U1", 7, NOW)
    assert viewers.due(7, NOW + APART) == ()
    assert viewers.due(8, NOW + APART - 1.0) == ()
    assert viewers.due(8, NOW + APART) == ("U1",)
    viewers.shown("U1", 8, NOW + APART)
    assert viewers.due(8, NOW + 3 * APART) == ()


def test_only_those_who_opened_it_lately_are_due() -> None:
    viewers = HomeViewers()
    viewers.shown("U2", 7, NOW)
    viewers.opened("U1", NOW)
    assert viewers.due(8, NOW + LATELY) == ("U1",)
    assert viewers.due(8, NOW + LATELY + 1.0) == ()
    assert len(viewers) == 0


def test_rounds_and_memory_are_bounded_and_the_oldest_tab_comes_first() -> None:
    viewers = HomeViewers()
    for number in range(MAX_VIEWERS + 50):
        viewers.opened(f"U{number}", NOW + number)
        viewers.shown(f"U{number}", 7, NOW + number)
    assert len(viewers) == MAX_VIEWERS
    due = viewers.due(8, NOW + 1000.0)
    assert len(due) == MAX_AT_ONCE
    assert due[0] == "U50"
