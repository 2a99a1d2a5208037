"""Answers of Slack: read once, unpacked, and refused where their header is wrong."""

import zlib

import pytest

from bot.slack.session import MAX_READ, TooLarge, _unpacked


def test_packed_answer_is_unpacked() -> None:
    assert _unpacked(zlib.compress(b'{"ok": true}')) == b'{"ok": true}'


def test_answer_that_is_not_packed_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^not what its header says$"):
        _unpacked(b'{"ok": true}')


@pytest.mark.parametrize(("size", "refused"), [(MAX_READ, False), (MAX_READ + 1, True)])
def test_answer_is_bounded_after_it_is_unpacked(size: int, refused: bool) -> None:
    packed = zlib.compress(b"0" * size)
    if refused:
        with pytest.raises(TooLarge):
            _unpacked(packed)
    else:
        assert len(_unpacked(packed)) == size
