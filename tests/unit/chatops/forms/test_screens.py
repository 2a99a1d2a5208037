"""Of several contents that are made for one view the newest is shown, whichever is ready first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.chatops.forms.view_versions import MOST, Shown, ViewVersions
from bot.common.errors import SlackError


@dataclass
class Slack:
    """Views with hashes, as Slack keeps them; notes what is shown."""

    hash: str = "h0"
    shown: list[str] = field(default_factory=list)
    conflicts: int = 0

    async def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> Shown:
        raise AssertionError(f"not used here: {trigger_id} {view}")

    async def update_view(self, view_id: str, view: Mapping[str, Any], *, hash: str = "") -> Shown:  # noqa: A002 - as in the port
        if hash not in {"", self.hash}:
            self.conflicts += 1
            raise SlackError("changed", code="hash_conflict")
        self.hash = f"h{len(self.shown) + 1}"
        self.shown.append(str(view["n"]))
        return Shown(view_id, self.hash)


async def test_last_requested_form_is_shown() -> None:
    slack = Slack()
    screens = ViewVersions(slack)
    slow, quick = screens.turn("V1", "h0"), screens.turn("V1", "h0")
    await screens.show("V1", quick, {"n": "quick"})
    await screens.show("V1", slow, {"n": "slow"})
    assert slack.shown == ["quick"]


async def test_choice_before_redraw_carries_the_old_hash() -> None:
    slack = Slack()
    screens = ViewVersions(slack)
    await screens.show("V1", screens.turn("V1", "h0"), {"n": "first"})
    await screens.show("V1", screens.turn("V1", "h0"), {"n": "second"})
    assert slack.shown == ["first", "second"]
    assert slack.conflicts == 0


async def test_form_drawn_by_another_process_is_known_by_its_hash() -> None:
    slack = Slack()
    screens = ViewVersions(slack)
    await screens.show("V1", screens.turn("V1", "h0"), {"n": "ours"})
    slack.hash = "theirs"
    await screens.show("V1", screens.turn("V1", "theirs"), {"n": "after"})
    assert slack.shown == ["ours", "after"]


async def test_a_view_that_changed_otherwise_is_left_alone() -> None:
    slack = Slack(hash="sent")
    screens = ViewVersions(slack)
    await screens.show("V1", screens.turn("V1", "h0"), {"n": "late"})
    assert slack.shown == []


async def test_views_that_were_forgotten_are_not_drawn_on() -> None:
    slack = Slack()
    screens = ViewVersions(slack)
    first = screens.turn("V0", "h0")
    for number in range(1, MOST + 1):
        screens.turn(f"V{number}", "h0")
    await screens.show("V0", first, {"n": "forgotten"})
    assert slack.shown == []
