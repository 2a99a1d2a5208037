"""Of several contents that are made for one view the newest is shown, whichever is ready first."""

from bot.chatops.forms.view_versions import MAX_VIEWS, ViewVersions
from tests.support.slack_recorder import SlackRecorder


def numbers(slack: SlackRecorder) -> list[str]:
    """Return the `n` of each view that was shown."""
    return [view["n"] for view in slack.shown]


async def test_last_requested_form_is_shown() -> None:
    slack = SlackRecorder()
    screens = ViewVersions(slack)
    slow, quick = screens.turn("V1", "h0"), screens.turn("V1", "h0")
    await screens.show("V1", quick, {"n": "quick"})
    await screens.show("V1", slow, {"n": "slow"})
    assert numbers(slack) == ["quick"]


async def test_choice_before_redraw_carries_the_old_hash() -> None:
    slack = SlackRecorder()
    screens = ViewVersions(slack)
    await screens.show("V1", screens.turn("V1", "h0"), {"n": "first"})
    await screens.show("V1", screens.turn("V1", "h0"), {"n": "second"})
    assert numbers(slack) == ["first", "second"]
    assert slack.conflicts == 0


async def test_form_drawn_by_another_process_is_known_by_its_hash() -> None:
    slack = SlackRecorder()
    screens = ViewVersions(slack)
    await screens.show("V1", screens.turn("V1", "h0"), {"n": "ours"})
    slack.hash = "theirs"
    await screens.show("V1", screens.turn("V1", "theirs"), {"n": "after"})
    assert numbers(slack) == ["ours", "after"]


async def test_a_view_that_changed_otherwise_is_left_alone() -> None:
    slack = SlackRecorder(hash="sent")
    screens = ViewVersions(slack)
    await screens.show("V1", screens.turn("V1", "h0"), {"n": "late"})
    assert numbers(slack) == []


async def test_views_that_were_forgotten_are_not_drawn_on() -> None:
    slack = SlackRecorder()
    screens = ViewVersions(slack)
    first = screens.turn("V0", "h0")
    for number in range(1, MAX_VIEWS + 1):
        screens.turn(f"V{number}", "h0")
    await screens.show("V0", first, {"n": "forgotten"})
    assert numbers(slack) == []
