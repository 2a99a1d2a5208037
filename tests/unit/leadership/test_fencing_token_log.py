"""Log line of a fenced process: the redactor does not take the fencing token for a secret."""

import io
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import structlog

from bot.common.errors import Fenced
from bot.leadership.membership import Membership
from bot.leadership.model import Hold
from bot.telemetry.logs import set_up


class Rows:
    """Rows of replicas in which another replica holds the task already."""

    async def require_hold(self, hold: Hold) -> None:
        raise Fenced(f"Another process holds {hold.task} now.")


@dataclass
class Unit:
    """A unit of work."""

    replicas: Rows = field(default_factory=Rows)


async def test_fencing_number_is_visible_in_the_log() -> None:
    out = io.StringIO()
    set_up("info", (), as_json=True, stream=out)
    try:
        member = Membership(
            cast("Any", None), "me", ("watch prod",), 15.0, alone=False, steady=lambda: 0.0, gained=lambda _: None
        )
        with pytest.raises(Fenced):
            await member.check_of(Hold("watch prod", "me", 4711, 0.0))(cast("Any", Unit()))
    finally:
        structlog.reset_defaults()
    assert '"fence": 4711' in out.getvalue()
    assert "redacted" not in out.getvalue()
