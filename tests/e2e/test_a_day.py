"""A scripted day: every message that the channels see, word for word."""

from pathlib import Path

from tests.e2e.day.page import PAGE, lived


async def test_a_day_is_told_as_it_was(tmp_path: Path) -> None:
    """Regenerate docs/a-day.md with `make docs` and read it when this fails: it is what people would be told."""
    text, day = await lived(tmp_path)
    assert text == PAGE.read_text(encoding="utf-8")
    assert day.looks + day.events > 2500
