"""The demo page in a real browser: status, a change, failures, alerts."""

import os
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from bot.cli.demo import demo
from bot.operations.policy import PolicyMode
from bot.playground.slack_sim.server import LocalSlack
from bot.views.blocks import data_table, message
from tests.docgen.phrasebook.book import sections
from tests.e2e.conftest import QUICK
from tests.gallery.__main__ import DRAW, drawn

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
BRISK = replace(QUICK, collect=0.2, unit_move=0.05)
"""Schedulers that need seconds for a disk."""
PATIENCE = 30_000
"""Milliseconds that a slow machine may take for a step."""


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """The open demo page; a broken Slack rule or an error of the page fails the test."""
    async with (
        demo(port=0, policies=PolicyMode.LOOSE, timing=BRISK, poll=0.5, example_ports=False) as parts,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = await browser.new_page(viewport={"width": 1440, "height": 900})
        opened.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        wrong: list[str] = []
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        await opened.goto(parts.slack.page_url)
        yield opened
        await browser.close()
        parts.slack.assert_no_violations()
        assert wrong == []


async def say(page: Page, line: str) -> None:
    """Type a line and send it."""
    await page.get_by_test_id("composer").fill(line)
    await page.get_by_test_id("send").click()


async def test_page_shows_status_change_and_alerts(page: Page) -> None:
    """/cm stat, a switch turned off with its button and dialog, a broken disk, a killed leader."""
    await page.get_by_test_id("channel-storage").click()
    await say(page, "/cm stat")
    await expect(page.get_by_text(re.compile("prod is healthy")).first).to_be_visible()

    await say(page, "/cm task disable balance")
    await page.get_by_test_id("channel-operations").click()
    await page.locator('[data-action-id="op_confirm"]').first.click()
    await page.get_by_test_id("confirm-yes").click()
    await expect(page.get_by_text("Verified").first).to_be_visible()
    await expect(page.locator('[data-action-id="op_confirm"]')).to_have_count(0)

    await page.get_by_test_id("channel-storage").click()
    await page.get_by_test_id("break-disk").click()
    await expect(page.get_by_text(re.compile("1 disk of prod is broken")).first).to_be_visible()
    await page.locator('[data-action-id="alert_runbook"]').first.click()
    await expect(page.get_by_test_id("modal").get_by_text(re.compile("Runbook of")).first).to_be_visible()
    await page.get_by_test_id("modal-close").click()
    await page.locator('[data-action-id="alert_silence"]').first.select_option(label="Silence for 1 hour")
    await page.get_by_test_id("confirm-yes").click()
    await expect(page.get_by_text(re.compile("silenced by")).first).to_be_visible()
    await page.get_by_test_id("kill-leader").click()
    await expect(page.get_by_text(re.compile("leader of prod changed from peer 1")).first).to_be_visible()


async def test_panel_shows_a_volume_at_risk_a_drained_disk_and_a_unit_that_landed(page: Page) -> None:
    """Volume at risk, scheduler started, a disk drained to its end, and a unit that lands on it afterwards."""
    await page.get_by_test_id("channel-storage").click()
    await page.get_by_test_id("risk-volume").click()
    await expect(page.get_by_text(re.compile(r"volumes of prod can lose 1 more unit each")).first).to_be_visible()
    await page.get_by_test_id("land-unit").click()
    await expect(page.get_by_text("No disk is repaired yet").first).to_be_visible()

    await page.get_by_test_id("drain-disk").click()
    await expect(page.get_by_test_id("disk-24")).to_have_attribute("aria-label", re.compile("dropping"))
    await page.get_by_text("Background tasks").first.click()
    await expect(page.get_by_test_id("scheduler-state")).to_have_text("No scheduler is registered")
    await page.get_by_test_id("scheduler-toggle").click()
    await expect(page.get_by_test_id("scheduler-state")).to_have_text("A scheduler is registered and runs")
    await expect(page.get_by_test_id("disk-24")).to_have_attribute("aria-label", re.compile("dropped"))
    await say(page, "/cm disk 24")
    await expect(page.get_by_text(re.compile("safe to pull", re.IGNORECASE)).first).to_be_visible()

    await page.get_by_test_id("disk-24").click()
    await page.get_by_test_id("land-unit").click()
    await expect(page.get_by_test_id("disk-chunks")).to_have_text("Volumes have 1 unit on it")
    await say(page, "/cm disk 24")
    await expect(page.get_by_text(re.compile("do not pull", re.IGNORECASE)).first).to_be_visible()


async def test_question_in_a_thread_and_the_menu_of_a_message(page: Page) -> None:
    """A mention is answered in its thread, a change by mention has a button, and an alert's menu opens a form."""
    await page.get_by_test_id("channel-storage").click()
    await page.get_by_test_id("composer").fill("@cm")
    await expect(page.get_by_role("option", name="@cmbot stat", exact=True)).to_be_visible()
    await say(page, "@cmbot stat prod")
    await page.get_by_text("1 reply").first.click()
    await expect(page.get_by_text(re.compile("prod is healthy")).first).to_be_visible()
    await page.get_by_test_id("thread-composer").fill("@cmbot task disable")
    await page.get_by_test_id("thread-send").click()
    await page.locator('[data-action-id="mention_run"]').first.click()
    modal = page.get_by_test_id("modal")
    await expect(modal.get_by_text("Background task", exact=True)).to_be_visible()
    await page.get_by_test_id("modal-close").click()
    await page.get_by_test_id("thread-close").click()

    await page.get_by_test_id("break-disk").click()
    alert = page.locator('[data-testid^="message-"]', has_text=re.compile("1 disk of prod is broken")).first
    await alert.hover()
    await alert.locator('[data-testid^="more-"]').click()
    await alert.get_by_role("menuitem", name="Propose a change").click()
    await expect(modal.locator('select[data-action-id="form:cluster"]')).to_have_value("prod")


async def test_refusal_is_seen_only_by_its_sender(page: Page) -> None:
    """A typo gets an ephemeral suggestion, which no other user sees."""
    await page.get_by_test_id("channel-storage").click()
    await say(page, "/cm statt")
    await expect(page.get_by_text("Did you mean /cm stat").first).to_be_visible()
    await expect(page.get_by_text(re.compile("only visible to you", re.IGNORECASE)).first).to_be_visible()
    await page.get_by_test_id("user-switch").select_option("U0BOB")
    await page.get_by_test_id("channel-storage").click()
    await expect(page.locator('[data-testid^="message-"]', has_text="Did you mean /cm stat")).to_have_count(0)


async def test_form_of_cm_do_turns_a_task_off(page: Page) -> None:
    """The form opens, shows an error at its field, accepts the correction, and the card is approved."""
    await page.get_by_test_id("channel-storage").click()
    await say(page, "/cm do")
    modal = page.get_by_test_id("modal")
    await expect(modal.get_by_role("heading")).to_have_text("Change a cluster")
    await modal.locator('select[data-action-id="form:kind"]').select_option("task disable")
    await modal.locator('select[data-action-id="field:task"]').select_option("balance")
    await modal.locator('[data-action-id="field:for"]').fill("soon")
    await page.get_by_test_id("modal-submit").click()
    await expect(modal.get_by_text(re.compile("takes a time such as 30m")).first).to_be_visible()
    await modal.locator('[data-action-id="field:for"]').fill("2h")
    await modal.locator('[data-action-id="field:reason"]').fill("rush hour")
    await page.get_by_test_id("modal-submit").click()
    await expect(modal.get_by_text(re.compile("Operation #1 .*waits for")).first).to_be_visible()
    await page.get_by_test_id("modal-close").click()
    await expect(modal).to_have_count(0)
    await expect(page.get_by_text(re.compile("Operation #1 .*waits for")).first).to_be_visible()
    await page.get_by_test_id("channel-operations").click()
    await expect(page.get_by_text("rush hour").first).to_be_visible()
    await page.locator('[data-action-id="op_confirm"]').first.click()
    await page.get_by_test_id("confirm-yes").click()
    await expect(page.get_by_text("Verified").first).to_be_visible()


async def test_switch_value_of_the_old_manual_is_explained(page: Page) -> None:
    """A switch is set on the panel, without the bot; /cm tasks explains its stored value."""
    await page.get_by_test_id("channel-storage").click()
    await page.get_by_text("Background tasks").first.click()
    await page.get_by_test_id("switch-balance").select_option("Enable")
    await expect(page.get_by_test_id("switch-balance")).to_have_value("Enable")
    await say(page, "/cm tasks")
    await expect(page.get_by_text("meaningless here").first).to_be_visible()


NO_COLOUR = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include>/etc/fonts/fonts.conf</include>
  <selectfont><rejectfont><pattern><patelt name="color"><bool>true</bool></patelt></pattern></rejectfont></selectfont>
</fontconfig>
"""


async def test_emoji_are_drawn_where_no_font_has_them_in_colour(tmp_path: Path) -> None:
    """Without a font of coloured emoji the page draws them, keeps their characters, and has no empty box."""
    fonts = tmp_path / "fonts.conf"
    fonts.write_text(NO_COLOUR, encoding="utf-8")
    async with LocalSlack(port=0) as slack, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS, env={**os.environ, "FONTCONFIG_FILE": str(fonts)}
        )
        opened = await browser.new_page()
        opened.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        await opened.goto(slack.page_url)
        await say(opened, "one \U0001f7e2 two \u26a0\ufe0f three \u26aa four \U0001f984 five 5 \u2713")
        message = opened.locator('[data-testid^="message-"] .blocks', has_text="one").first
        await expect(message.locator(".emoji:not(.other) svg")).to_have_count(3)
        await expect(message.locator(".emoji.other svg")).to_have_count(1)
        await expect(message).to_have_text("one \U0001f7e2 two \u26a0\ufe0f three \u26aa four \U0001f984 five 5 \u2713")
        box = await message.locator(".emoji").first.bounding_box()
        assert box is not None
        assert box["width"] > 10
        assert box["height"] > 10
        await browser.close()


def few_rows(number: int) -> dict[str, object]:
    """A message with a table of that many rows."""
    return drawn(
        "rows", message("rows", data_table([[f"row {n}"] for n in range(number)], header=["Row"], caption="R"))
    )


async def test_phone_shows_the_beginning_of_a_long_message_and_no_filter_above_few_rows() -> None:
    """The headline of an answer that is longer than the page is in sight; the next short message is, too."""
    async with LocalSlack(port=0) as slack, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = await browser.new_page(viewport={"width": 390, "height": 844})
        opened.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        await opened.goto(slack.page_url)
        await expect(opened.get_by_text("No messages here yet.")).to_be_visible()
        await say(
            opened, "\n".join(["The headline", "• one", "    ◦ two", *(f"line {n}" for n in range(60)), "• the end"])
        )
        await expect(opened.locator("ul.inner li")).to_have_text("two")
        await expect(opened.get_by_text("The headline")).to_be_in_viewport()
        await expect(opened.get_by_text("the end")).not_to_be_in_viewport()
        await say(opened, "short")
        await expect(opened.get_by_text("short", exact=True)).to_be_in_viewport()
        await opened.evaluate(DRAW, [few_rows(3), few_rows(30)])
        await expect(opened.get_by_role("searchbox")).to_have_count(1)
        await expect(opened.get_by_role("button", name="Next")).to_have_count(1)
        await browser.close()


async def test_no_view_is_wider_than_a_phone() -> None:
    """Every view of the phrasebook, drawn at 390 pixels: tables scroll inside their box, nothing else goes beyond."""
    samples = [drawn(each.state, each.content) for section in sections() for each in section.samples]
    async with LocalSlack(port=0) as slack, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = await browser.new_page(viewport={"width": 390, "height": 844})
        opened.set_default_timeout(PATIENCE)
        await opened.goto(slack.page_url)
        await opened.evaluate(DRAW, samples)
        assert await opened.locator(".message").count() == len(samples)
        assert await opened.evaluate("document.documentElement.scrollWidth") == 390
        await browser.close()
