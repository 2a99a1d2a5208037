"""The address of a new node is what a person typed: it is asked over real sockets, and without the request token."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.operations.preflight.verdict import Check
from bot.operations.requests import MemberAdd
from bot.views.preflight_text.table import check_text
from bot.workflow.evaluation import evaluate
from tests.support.raw_server import Handler, RawServer, says, serving

STAT = json.dumps(
    {"leader_host": "", "raft_status": {"nodeId": 1, "term": 3, "leader": 1, "peers": [{"id": 1, "host": "cm1:10110"}]}}
)
TOKEN = "blob-store-auth-token"


@asynccontextmanager
async def evaluation(node: Handler) -> AsyncIterator[tuple[Check, RawServer, RawServer]]:
    """The check of whether the new node answers, with the configured host and the new node as they were asked."""
    async with serving(says(200, STAT)) as ours, serving(node) as new:
        async with ClustermgrClient([ours.host], secret="testsecret") as api:
            cluster = Cluster("prod", "C1", api, lambda: 1000.0, 0.5)
            verdict = (await evaluate(cluster, MemberAdd(4, "cm4:10110", new.host), ())).verdict
        check = verdict.check("answers")
        assert check is not None
        yield check, ours, new


async def test_new_node_is_asked_without_the_request_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.clustermgr.cluster.APART_SECONDS", 0.0)
    async with evaluation(says(200, STAT)) as (check, ours, new):
        assert check_text(check).sentence == f"{new.host} answers."
        assert [request.target for request in new.requests] == ["/stat"]
        assert not any(TOKEN in request.headers for request in new.requests)
        assert all(TOKEN in request.headers for request in ours.requests)


async def test_new_node_that_requires_the_token_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs and demands a token: that is a warning which says why, and no block."""
    monkeypatch.setattr("bot.clustermgr.cluster.APART_SECONDS", 0.0)
    async with evaluation(says(403)) as (check, _, new):
        assert check.level == "warn"
        assert check_text(check).sentence == (
            f"It is not known if {new.host} answers: it asks for the request token, "
            "which cmbot sends only to the hosts in the settings."
        )
