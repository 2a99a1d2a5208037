"""The address of a new node is what a person typed: it is asked over real sockets, and without the request token."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.operations.change_request import NO_OPTIONS, RequestOptions
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
async def evaluation(
    node: Handler, options: RequestOptions = NO_OPTIONS, *, decided: bool = False
) -> AsyncIterator[tuple[Check, RawServer, RawServer]]:
    """The check of whether the new node answers, with the configured host and the new node as they were asked."""
    async with serving(says(200, STAT)) as ours, serving(node) as new:
        async with ClustermgrClient([ours.host], secret="testsecret") as api:
            cluster = Cluster("prod", "C1", api, lambda: 1000.0, 0.5)
            request = MemberAdd(4, "cm4:10110", new.host)
            verdict = (await evaluate(cluster, request, (), options, decided=decided)).verdict
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


async def test_new_node_of_an_agent_is_asked_only_when_a_person_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent may have read the address in a foreign text: cmbot must not become its messenger."""
    monkeypatch.setattr("bot.clustermgr.cluster.APART_SECONDS", 0.0)
    agent = RequestOptions(agent=True)
    async with evaluation(says(200, STAT), agent) as (check, _, new):
        assert new.requests == []
        assert check.level == "warn"
        assert check_text(check).sentence == (
            f"It is not known if {new.host} answers: it was not asked, because an agent proposed it."
        )
        assert "when a person approves" in check_text(check).next_step
    async with evaluation(says(200, STAT), agent, decided=True) as (check, _, new):
        assert [request.target for request in new.requests] == ["/stat"]
        assert check_text(check).sentence == f"{new.host} answers."


async def test_name_that_an_agent_gives_is_not_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """The labels of a name would carry data to the server of its zone."""
    monkeypatch.setattr("bot.clustermgr.cluster.APART_SECONDS", 0.0)
    asked: list[Any] = []
    resolve = socket.getaddrinfo

    def recorded(host: Any, *rest: Any, **more: Any) -> Any:
        asked.append(host)
        return resolve(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", recorded)
    async with serving(says(200, STAT)) as ours, ClustermgrClient([ours.host]) as api:
        cluster = Cluster("prod", "C1", api, lambda: 1000.0, 0.5)
        request = MemberAdd(4, "cm4:10110", "secret.zone.invalid:80")
        await evaluate(cluster, request, (), RequestOptions(agent=True))
        assert not any("secret" in str(host) for host in asked)
        await evaluate(cluster, request, (), RequestOptions(agent=True), decided=True)
        assert any("secret" in str(host) for host in asked), "a name that is asked is seen by this test"


async def test_configured_host_that_an_agent_names_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.clustermgr.cluster.APART_SECONDS", 0.0)
    async with serving(says(200, STAT)) as ours, ClustermgrClient([ours.host]) as api:
        cluster = Cluster("prod", "C1", api, lambda: 1000.0, 0.5)
        request = MemberAdd(4, "cm4:10110", ours.host)
        check = (await evaluate(cluster, request, (), RequestOptions(agent=True))).verdict.check("answers")
    assert check is not None
    assert check_text(check).sentence == f"{ours.host} answers."
