"""Folded blocks: within Slack's limits, as a button where Slack takes none, and open in a modal."""

import pytest

from bot.playground.slack_sim.blockkit import check_blocks
from bot.views.blocks import context, message, section
from bot.views.containers import folded, has_containers, without_containers
from bot.views.forms import notice
from tests.support.view_samples import HOSTILE, assert_harmless, assert_postable, seen


def test_a_container_is_closed_at_first_and_postable() -> None:
    shown = message("Folded.", folded("✓ 2 checks passed", [section("one"), section("two")], op_id=12))
    assert has_containers(shown)
    [block] = shown.blocks
    assert block["is_collapsible"]
    assert block["default_collapsed"]
    assert check_blocks(list(shown.blocks)) == []
    assert_postable(shown)


def test_children_beyond_ten_are_counted() -> None:
    shown = message("Many.", folded("Many", [section(str(n)) for n in range(25)]))
    assert "… and 16 more parts" in seen(shown)
    assert check_blocks(list(shown.blocks)) == []


def test_a_container_without_children_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one child"):
        folded("Nothing", [])


def test_a_container_of_an_operation_becomes_a_line_with_a_button() -> None:
    full = message("Folded.", section("before"), folded("✓ 2 checks & more", [section("one")], op_id=12))
    plain = without_containers(full)
    assert not has_containers(plain)
    assert "✓ 2 checks &amp; more. All of it: `/cm op 12`" in seen(plain)
    button = plain.blocks[1]["accessory"]
    assert (button["action_id"], button["value"]) == ("op_details", '{"op": 12}')
    assert "one" not in seen(plain)
    assert_postable(plain)


def test_any_other_container_is_unfolded() -> None:
    full = message("Folded.", folded("Title", [section("one"), context("two")]))
    assert seen(without_containers(full)) == "*Title*\none\ntwo"


def test_a_modal_shows_what_is_folded() -> None:
    view = notice(message("Folded.", folded("Title", [section("one")], op_id=3)), "A title")
    assert [block["type"] for block in view["blocks"]] == ["section", "section"]
    assert check_blocks(list(view["blocks"]), "modal") == []


def test_a_hostile_title_is_harmless() -> None:
    assert_harmless(message("Folded.", folded(HOSTILE * 20, [section("one")]), section("&lt;!channel&gt;")))
    assert_harmless(without_containers(message("x", folded(HOSTILE * 20, [section("&lt;!channel&gt;")], op_id=1))))
