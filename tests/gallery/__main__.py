"""Draw every view of the phrasebook at two widths in two themes: `make gallery`."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any, Literal, get_args

from playwright.async_api import Browser, async_playwright

from bot.interactions.message import Message
from bot.playground.slack_sim.server import LocalSlack
from tests.docgen.phrasebook.book import sections
from tests.docgen.phrasebook.render import Content, Section

CHROMIUM = "/usr/bin/chromium"
FOLDER = Path(__file__).parents[2] / ".gallery"
Theme = Literal["light", "dark"]
LOOKS: tuple[tuple[int, Theme], ...] = tuple((width, theme) for width in (390, 1400) for theme in get_args(Theme))
DRAW = """async (samples) => {
  const { body } = await import("/web/blocks.js");
  const { h } = await import("/web/dom.js");
  const frame = { height: "auto", overflow: "visible" };
  for (const node of [document.documentElement, document.body]) Object.assign(node.style, frame);
  document.getElementById("app").hidden = true;
  const draw = ({ state, title, foot, message }) => h("section", {},
    h("div", { class: "day" }, h("span", {}, state)),
    h("div", { class: "message" }, h("img", { class: "avatar", src: "/web/logo.svg", alt: "" }),
      h("div", { class: "message-main" }, title && h("h2", {}, title),
        h("div", { class: "blocks" }, body(message, { act: () => {} })),
        foot && h("div", { class: "dialog-foot" }, foot.map((word) => h("span", { class: "button" }, word))))));
  document.body.append(h("main", {}, samples.map(draw)));
}"""
"""Uses the modules of the page, so that a view looks as it does in the conversation."""


def drawn(state: str, content: Content) -> dict[str, Any]:
    """What the page needs to draw one sample."""
    if isinstance(content, str):
        return {"state": state, "message": {"text": content, "blocks": []}}
    if isinstance(content, Message):
        return {"state": state, "message": {"text": content.text, "blocks": list(content.blocks)}}
    if isinstance(content, Mapping):
        foot = [content[name]["text"] for name in ("close", "submit") if content.get(name)]
        modal = {"text": "", "blocks": list(content["blocks"])}
        return {"state": state, "title": content["title"]["text"], "foot": foot, "message": modal}
    return {"state": state, "message": {"text": "", "blocks": list(content)}}


def named(section: Section, width: int, theme: Theme) -> str:
    """The file of a section in one look."""
    return f"{re.sub(r'[^a-z0-9]+', '-', section.title.lower()).strip('-')}-{width}-{theme}.png"


def index(every: tuple[Section, ...]) -> Iterator[str]:
    """The page that shows all pictures."""
    yield "<!doctype html><meta charset='utf-8'><title>Gallery</title>"
    yield "<style>img{max-width:24%;vertical-align:top}</style>"
    for section in every:
        yield f"<h2>{escape(section.title)}</h2>"
        for width, theme in LOOKS:
            name = named(section, width, theme)
            words = f"{escape(section.title)}, {width}, {theme}"
            yield f"<a href='{name}'><img loading='lazy' src='{name}' alt='{words}'></a>"


async def _look(browser: Browser, address: str, every: tuple[Section, ...], width: int, theme: Theme) -> None:
    page = await browser.new_page(viewport={"width": width, "height": 844}, color_scheme=theme)
    for section in every:
        await page.goto(address)
        await page.evaluate(DRAW, [drawn(each.state, each.content) for each in section.samples])
        await page.screenshot(path=FOLDER / named(section, width, theme), full_page=True)
    await page.close()


async def main() -> None:
    """Write the pictures and `index.html` to `.gallery`."""
    FOLDER.mkdir(exist_ok=True)
    every = sections()
    async with LocalSlack(port=0) as slack, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for width, theme in LOOKS:
            await _look(browser, slack.page_url, every, width, theme)
        await browser.close()
    (FOLDER / "index.html").write_text("\n".join(index(every)), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
