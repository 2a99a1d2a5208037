"""A night on a phone: a call, the state in the thread, the alert taken over, its fix, an approval, and the timeline."""

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Error, Locator, Page, async_playwright, expect

from bot.cli.demo import EXAMPLE, Demo, demo
from bot.operations.policy import PolicyMode
from bot.views.alert_actions import ACKNOWLEDGE, FIX, RUNBOOK
from bot.views.holders import TAKE
from bot.views.operations import APPROVE
from tests.e2e.conftest import without_policies
from tests.e2e.test_browser import BRISK, CHROMIUM, FLAGS, PATIENCE, say
from tests.support.slow_polls import switches_read

pytestmark = pytest.mark.browser

CALL = "  escalate_to: S0ONCALL\n  escalate_after: 10s\n  escalate_severity: warning\n"
"""The on-call group is called soon."""
POLICY = "\npolicies:\n  task_enable: {approvals: 1, requester_may: never, call: S0ONCALL}\n"
"""Another person approves what one proposes."""
BOB, CAROL = "U0BOB", "U0CAROL"


@dataclass(frozen=True, slots=True)
class Night:
    """The demo, and its page on a phone."""

    world: Demo
    page: Page

    async def act_as(self, user: str, channel: str) -> None:
        """Hand the phone to another person, who opens a channel."""
        await self.page.get_by_test_id("places-toggle").click()
        await self.page.get_by_test_id("user-switch").select_option(user)
        await self.page.get_by_test_id(f"channel-{channel}").click()

    def posted(self, words: str) -> Locator:
        """The newest message of the open channel with these words."""
        return self.page.locator('[data-testid^="message-"]', has_text=re.compile(words)).last

    def alert(self, words: str) -> Locator:
        """The message of the open alert with these words, not a reply to it."""
        messages = self.page.locator('[data-testid^="message-"]', has_text=words)
        return messages.filter(has=self.page.locator(f'[data-action-id="{RUNBOOK}"]')).last

    async def click(self, message: Locator, action: str) -> None:
        """Press a button of a message, and yes if it asks."""
        await message.locator(f'[data-action-id="{action}"]').first.click()
        await self.page.wait_for_timeout(200)
        if await self.page.get_by_test_id("confirm-yes").count():
            await self.page.get_by_test_id("confirm-yes").click()

    async def open_thread(self, message: Locator) -> None:
        """Open the thread of a message, again if the page drew the message again meanwhile."""
        for _ in range(5):
            await message.locator('[data-testid^="thread-"]').click()
            with suppress(Error):
                await self.page.get_by_test_id("thread-composer").wait_for(timeout=2000)
                return


@pytest.fixture
async def night(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Night]:
    """The demo page as wide as a phone; a broken Slack rule or an error of the page fails the test."""
    own = without_policies(EXAMPLE.read_text(encoding="utf-8"))
    changed = tmp_path / "config.yaml"
    with_call = own.replace("\nalerts:\n", f"\nalerts:\n{CALL}", 1).replace("\nsummaries:", f"{POLICY}\nsummaries:", 1)
    changed.write_text(with_call, encoding="utf-8")
    monkeypatch.setattr("bot.cli.demo.EXAMPLE", changed)
    async with (
        demo(port=0, policies=PolicyMode.LOOSE, timing=BRISK, poll=0.5, example_ports=False) as parts,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        await page.goto(f"{parts.slack.page_url}#/storage")
        yield Night(parts, page)
        await browser.close()
        parts.slack.assert_no_violations()
        assert wrong == []


async def test_a_night(night: Night) -> None:
    """Alice is called and holds the alert; Carol takes over, asks in its thread and proposes the fix; Bob approves."""
    page, prod = night.page, night.world.clusters["prod"]
    watched = night.world.app.clusters["prod"]
    prod.break_disk(3)
    alert = night.alert("1 disk of prod is broken")
    await expect(alert).to_be_visible()
    await watched.api.config_set("disk_repair", "Enable")
    await switches_read(watched, night.world.app.clock)
    await expect(alert).to_contain_text("Of the same cause")
    await expect(night.posted("@oncall")).to_be_visible()
    await night.click(alert, ACKNOWLEDGE)
    await expect(alert).to_contain_text("acknowledged by @alice")

    await night.act_as(CAROL, "storage")
    await night.click(alert, TAKE)
    await expect(alert).to_contain_text("acknowledged by @carol")
    await night.open_thread(alert)
    await page.get_by_test_id("thread-composer").fill("@cmbot stat prod")
    await page.get_by_test_id("thread-send").click()
    thread = page.locator("#thread")
    await expect(thread.get_by_text(re.compile("prod is degraded")).first).to_be_visible()
    await expect(thread.get_by_text(re.compile("took over alert #1 from")).first).to_be_visible()
    await page.get_by_test_id("thread-close").click()

    await night.click(alert, FIX)
    await night.act_as(BOB, "operations")
    card = night.posted("disk_repair")
    await expect(card).to_contain_text("@oncall")
    await night.click(card, APPROVE)
    await expect(card).to_contain_text("Verified")

    prod.repair_disk(3, "repaired")
    await night.act_as(CAROL, "storage")
    await expect(night.posted("Resolved after")).to_be_visible()
    await say(page, "/cm note alert 1 the switch had a word that means nothing")
    await expect(night.posted("Kept as a note on alert #1")).to_be_visible()
    await say(page, "/cm timeline alert 1")
    story = night.posted("Timeline of alert #1")
    for event in ("fired", "was acknowledged", "was taken over", "proposed", "was resolved", "note on alert #1"):
        await expect(story).to_contain_text(event)
