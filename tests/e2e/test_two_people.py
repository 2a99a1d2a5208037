"""Two people by default: what a new installation demands, and how an earlier one is asked to decide."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from bot.cli.demo import EXAMPLE, Demo, demo, settings_for
from bot.config import Secrets, parse
from bot.operations.model import OpState
from bot.playground.slack_sim.server import LocalSlack
from bot.runtime.app import build
from bot.runtime.lifecycle import running
from bot.store.database import Store
from bot.views.policy_text import NOTE
from tests.e2e.conftest import QUICK
from tests.e2e.test_operations import ALICE, BOB, PATIENCE, ask, card_with, click, only_op, propose, refused, writes

pytestmark = pytest.mark.fast_time


@pytest.fixture
async def world() -> AsyncIterator[Demo]:
    """The demo with the default policies of its example: strict ones for prod, loose ones for archive."""
    async with demo(port=0, timing=QUICK, poll=0.5, example_ports=False, clock=time.time) as parts:
        yield parts
        parts.slack.assert_no_violations()


async def test_requester_needs_a_second_person(world: Demo) -> None:
    card = await propose(world, "/cm task disable balance")
    assert "one approver other than <@U0ALICE>" in card.full_text
    assert "You proposed operation #1, so another person must approve it" in await refused(world, card, ALICE)
    assert (await only_op(world)).state is OpState.WAITING
    assert writes(world, "/config/set") == []
    await click(world, card, BOB)
    await card_with(world, card, "Verified")


async def test_cluster_may_have_loose_policies(world: Demo) -> None:
    await ask(world, "/cm task disable balance archive")
    card = await world.slack.wait_for("C0ARCHIVE", lambda m: "proposed by" in m.full_text, timeout=PATIENCE)
    await click(world, card, ALICE)
    await world.slack.wait_for("C0ARCHIVE", lambda m: m.ts == card.ts and "Verified" in m.full_text, timeout=PATIENCE)


async def test_earlier_installation_keeps_its_policies_and_says_so(tmp_path: Path) -> None:
    """`/readyz` stays ready, and the Home tab tells those who hold a role."""
    async with LocalSlack() as slack, Store.open(f"sqlite:///{tmp_path}/cmbot.db") as store:
        await store.migrate("0011")
        template = parse(EXAMPLE.read_text(encoding="utf-8"), secrets=Secrets(), environment={})
        for default, note in ((None, NOTE), ("strict", "")):
            policies = template.policies.model_copy(update={"default": default})
            own = tuple(each.model_copy(update={"hosts": ("127.0.0.1:1",)}) for each in template.clusters[:1])
            settings = template.model_copy(update={"policies": policies, "clusters": own, "summaries": ()})
            found = settings_for(settings.model_copy(update={"clusters": ()}), slack, {}, str(tmp_path), 5.0)
            settings = found.model_copy(update={"clusters": own})
            async with build(settings) as app, running(app), ClientSession() as web:
                async with web.get(f"http://127.0.0.1:{app.port}/readyz") as answer:
                    body = await answer.json()
                assert body["checks"]["policies"] == (note or "ok")
                assert app.home.notes == ((note,) if note else ())
                seen = [await app.home._seen_by(user) for user in (ALICE, "U0DAVE")]
                assert [each.notes for each in seen] == [app.home.notes, ()]
