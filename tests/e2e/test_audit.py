"""The audit log of the running program, from the card to the file in the channel."""

import csv
import time

import aiohttp
import pytest

from bot.cli.audit import verify_store
from bot.cli.demo import demo
from bot.operations.policy import PolicyMode

pytestmark = pytest.mark.fast_time

OPS = "C0OPERATIONS"
COLUMNS = ("actor", "action", "cluster")


async def _download(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.text()


async def test_audit_file_has_changes_and_refused_attempts() -> None:
    async with demo(port=0, policies=PolicyMode.LOOSE, clock=time.time) as parts:
        slack = parts.slack
        alice = slack.as_user("U0ALICE")
        dave = slack.as_user("U0DAVE")
        await alice.command(OPS, "/cm task disable balance prod reason=rush")
        card = await slack.wait_for(OPS, lambda found: "op_cancel" in str(found.blocks))
        await dave.click(OPS, card.ts, "op_cancel", confirmed=True)
        await slack.wait_for(OPS, lambda found: "an admin may cancel" in found.full_text, user="U0DAVE")
        await dave.command("C0STORAGE", "/cm audit")
        await slack.wait_for("C0STORAGE", lambda found: "not an operator" in found.full_text, user="U0DAVE")
        await alice.click(OPS, card.ts, "op_cancel", confirmed=True)
        await slack.wait_for(OPS, lambda found: "op_cancel" not in str(found.blocks) and found.ts == card.ts)

        await alice.command(OPS, "/cm audit since=1h")
        shared = await slack.wait_for(OPS, lambda found: bool(found.files))
        await slack.wait_for(OPS, lambda found: "The CSV file in this channel has all rows" in found.full_text)
        content = await _download(f"http://{slack.page_url.split('/')[2]}{shared.files[0]['url']}")
        rows = [tuple(row[name] for name in COLUMNS) for row in csv.DictReader(content.splitlines())]
        assert rows == [
            ("U0ALICE", "operation.proposed", "prod"),
            ("U0ALICE", "operation.waiting", "prod"),
            ("U0DAVE", "refused.click", "prod"),
            ("U0DAVE", "refused.command", ""),
            ("U0ALICE", "operation.cancelled", "prod"),
        ]
        head, broken = await verify_store(parts.app.settings.store_url, None)
        assert (head.seq, broken) == (5, None)
        slack.assert_no_violations()
