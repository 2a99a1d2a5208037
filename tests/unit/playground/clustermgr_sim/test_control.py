"""The control interface over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.playground.clustermgr_sim.control_api import ACTIONS, routes


@pytest.fixture
async def control(caller: Any) -> AsyncIterator[Any]:
    app = web.Application()
    app.add_routes(routes(caller.cluster))
    async with TestClient(TestServer(app)) as client:
        yield client


async def act(control: Any, action: str, **args: Any) -> tuple[int, dict[str, Any]]:
    async with control.post(f"/control/{action}", json=args) as response:
        return response.status, await response.json()


async def test_state_shows_the_effect_of_an_action(caller: Any, control: Any) -> None:
    assert await act(control, "kill", node=1) == (200, {"ok": True, "result": None})
    assert await act(control, "break_disk", disk_id=3) == (200, {"ok": True, "result": None})
    caller.wait(10)
    async with control.get("/control/state") as response:
        state = await response.json()
    assert (state["leader"], state["quorum"]) == (2, True)
    assert [(node["id"], node["up"], node["role"]) for node in state["nodes"]] == [
        (1, False, ""),
        (2, True, "StateLeader"),
        (3, True, "StateFollower"),
    ]
    assert state["disks"][2]["status"] == 2


async def test_new_node_reports_its_id(caller: Any, control: Any) -> None:
    assert await act(control, "add_node") == (200, {"ok": True, "result": 4})
    assert (await caller.get(4, "/stat"))[0] == 200
    assert (await act(control, "remove_node", node=4))[0] == 200
    assert len(caller.cluster.hosts) == 3


@pytest.mark.parametrize(
    ("action", "args", "status", "words"),
    [
        ("explode", {}, 404, "there are: kill"),
        ("kill", {}, 400, "node"),
        ("kill", {"node": "1"}, 400, "node"),
        ("kill", {"node": 1, "more": 2}, 400, "more"),
        ("kill", {"node": 9}, 409, "no node 9"),
        ("fill_space", {"fraction": 1.5}, 400, "fraction"),
        ("fail_next", {"status": 17}, 400, "status"),
        ("repair_disk", {"disk_id": 1, "step": "eaten"}, 409, "eaten"),
        ("elect", {"node": 99}, 409, "no node 99"),
        ("move_chunks", {"disk_id": 1, "left": 65}, 409, "at most 64 units"),
        ("set_compacting", {"vid": 9999}, 409, "no volume 9999"),
        ("stop_scheduler", {}, 409, "no scheduler 1"),
        ("start_scheduler", {"number": 9}, 400, "number"),
        ("fail_tasks", {"task": "balance", "per_minute": 1}, 409, "not balance"),
    ],
)
async def test_bad_input_is_refused(control: Any, action: str, args: dict[str, Any], status: int, words: str) -> None:
    code, answer = await act(control, action, **args)
    assert (code, answer["ok"]) == (status, False)
    assert words in answer["error"]


async def test_scheduler_and_units_are_controlled(caller: Any, control: Any) -> None:
    status, answer = await act(control, "start_scheduler")
    assert (status, answer["result"]) == (200, caller.cluster.scheduler_host())
    assert (await act(control, "repair_disk", disk_id=3, step="repaired"))[0] == 200
    assert (await act(control, "land_unit", disk_id=3))[0] == 200
    assert (await act(control, "fail_tasks", task="blob_delete", per_minute=3))[0] == 200
    async with control.get("/control/state") as response:
        state = await response.json()
    assert state["schedulers"] == {"1": caller.cluster.scheduler_host()}
    assert (state["disks"][2]["status"], state["disks"][2]["units"]) == (4, 1)
    assert (await act(control, "stop_scheduler", registered=True))[0] == 200
    async with control.get("/control/state") as response:
        assert (await response.json())["schedulers"] == {}


async def test_a_foreign_page_cannot_post_a_form(control: Any) -> None:
    async with control.post("/control/lose_quorum", data={"node": "1"}) as response:
        assert response.status == 415


async def test_every_action_is_a_method_and_restore_repairs_all(caller: Any, control: Any) -> None:
    assert all(callable(getattr(caller.cluster, action)) for action in ACTIONS)
    for action, args in (
        ("pause", {"node": 2}),
        ("slow", {"node": 3, "seconds": 5}),
        ("isolate", {"node": 3}),
        ("lose_quorum", {}),
        ("lose_replies", {"count": 3}),
        ("restore", {}),
    ):
        assert (await act(control, action, **args))[0] == 200
    caller.wait(20)
    await caller.cluster.tick()
    assert caller.cluster.leader != 0
    for node in (1, 2, 3):
        async with caller.session.get(
            caller.cluster.host(node) + "/stat", timeout=aiohttp.ClientTimeout(20)
        ) as response:
            assert response.status == 200
