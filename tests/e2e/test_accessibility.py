"""The demo page for a keyboard and a screen reader: axe-core finds nothing, in light and dark, wide and on a phone."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Page, async_playwright, expect

from bot.cli.demo import demo
from bot.operations.policy import PolicyMode
from tests.e2e.test_browser import BRISK, CHROMIUM, FLAGS, PATIENCE, say

pytestmark = pytest.mark.browser

_RUN = (
    "axe.run().then((seen) => seen.violations.map(({ id, nodes }) => ({ id, where: nodes.map(({ html }) => html) })))"
)


def _axe() -> str:
    """The source of axe-core, from the package that bundles it."""
    found = find_spec("axe_playwright_python")
    assert found is not None, "axe-playwright-python is not installed"
    assert found.origin is not None
    return next(Path(found.origin).parent.rglob("axe*.js")).read_text(encoding="utf-8")


async def violations(page: Page) -> list[Any]:
    """What axe-core finds on the page as it is now."""
    found: list[Any] = await page.evaluate(_RUN)
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
async def test_axe_finds_nothing(width: int, theme: Literal["light", "dark"]) -> None:
    """Answers with tables, the cluster panel with all its parts, a form, and the Home tab."""
    source = _axe()
    async with (
        demo(port=0, policies=PolicyMode.LOOSE, timing=BRISK, poll=0.5, example_ports=False) as parts,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(
            viewport={"width": width, "height": 844}, color_scheme=theme, reduced_motion="reduce"
        )
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        await page.goto(f"{parts.slack.page_url}#/storage")
        await page.evaluate(source)
        for line, answer in (
            ("/cm stat", "prod is healthy"),
            ("/cm disks", "From the disk list"),
            ("/cm statt", "Did you mean"),
        ):
            await say(page, line)
            await expect(page.get_by_text(answer).first).to_be_visible()
        assert await violations(page) == []

        if width > 1000:
            await page.evaluate(
                "document.querySelectorAll('#cluster details').forEach((part) => { part.open = true; })"
            )
            await expect(page.get_by_test_id("scheduler-state")).to_be_visible()
            assert await violations(page) == []

        await say(page, "/cm do")
        await expect(page.get_by_test_id("modal")).to_be_visible()
        assert await violations(page) == []
        await page.keyboard.press("Escape")
        await page.evaluate("location.hash = '#/home'")
        await expect(page.get_by_test_id("home-view")).to_be_visible()
        assert await violations(page) == []
        await browser.close()
