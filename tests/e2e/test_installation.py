"""An installation of cmbot 0.1.0 continues under this program; see tests/fixtures/installation/README.md."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.playground.slack_sim.message import Message
from bot.playground.slack_sim.server import LocalSlack
from tests.e2e.expected_answers import ALICE, ANSWERS, BOB, Expected
from tests.e2e.restored_installation import POSTS, Installation, cmbot, installation, lines_of, recorded, text_of

PAYLOADS: Mapping[str, Mapping[str, Any]] = {each["name"]: each for each in lines_of("payloads.jsonl")}
NAMES: Mapping[str, Any] = json.loads(text_of("names.json"))
OPEN_ALERTS = sorted(row["id"] for row in recorded("alerts") if row["state"] != "resolved")
LEASES = {row["id"]: row["lease_until"] for row in recorded("operations") if row["lease_until"]}
"""When each running lease ends, by operation."""
TWO_HOURS = 7500.0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Installation]:
    """The installation four minutes after it was recorded."""
    async with installation(tmp_path) as held:
        yield held


def cards(world: Installation, channel: str, words: str) -> list[Message]:
    """Messages of a channel with buttons and these words."""
    held = [m for m in world.slack.workspace.messages if m.channel == channel and words in m.full_text]
    return [m for m in held if m.action_ids()]


# --- the recorded payloads


async def test_recorded_payloads_get_the_expected_answers(world: Installation) -> None:
    """Buttons, menus, forms and Home tabs of the recorded program, delivered unchanged."""
    assert len(PAYLOADS) == 41
    assert sorted(PAYLOADS) == sorted(each.payload for each in ANSWERS)
    async with world.bot():
        await world.until(lambda: cards(world, "C0ARCHIVE", "disk_repair"), "the card of the work that was accepted")
        for expected in ANSWERS:
            await _answer(world, expected)
        await world.until(lambda: world.ask("SELECT count(*) FROM inbound WHERE NOT done") == [0], "no work left")
    assert [event for event in world.log if event["level"] == "error"] == []
    assert [event for event in world.log if event["event"] == "answer.lost"] == []
    assert world.ask("SELECT slot FROM posts WHERE state = 'dead'") == ["silence:4"], "as it was recorded"
    assert world.ask("SELECT count(*) FROM silences") == [len(recorded("silences")) + 4]
    assert set(world.ask("SELECT action FROM audit")) <= set(NAMES["audit_actions"])


async def _answer(world: Installation, expected: Expected) -> None:
    """Deliver a payload and wait for all that it leads to."""
    payload, ws = PAYLOADS[expected.payload]["payload"], world.slack.workspace
    place = payload.get("container", {}).get("channel_id", ""), payload.get("container", {}).get("message_ts", "")
    clicked, there, sent = ws.find(*place), {m.ts for m in ws.messages}, Counter(world.writes())
    user = _sender(payload)
    ack = await world.deliver(PAYLOADS[expected.payload]["type"], payload)
    assert (ack.error, ack.errors) == ("", {}), expected.payload

    def new(words: str) -> list[Message]:
        fresh = [m for m in ws.messages if m.ts not in there and m.only_for in {"", user}]
        return [m for m in fresh if words in m.full_text]

    def seen() -> bool:
        now = ws.find(*place)
        written = list((Counter(world.writes()) - sent).elements())
        return all(
            (
                not expected.edited or (now is not None and now != clicked and expected.edited in now.full_text),
                not expected.closed or (now is not None and not now.action_ids()),
                not expected.card
                or any(m.channel == expected.card[0] and m.action_ids() for m in new(expected.card[1])),
                not expected.reply or new(expected.reply),
                not expected.view or _shows(ws.modal(user), expected.view),
                not expected.home or _shows(ws.homes.get(user), expected.home),
                [each[:2] for each in written] == ([expected.write[:2]] if expected.write else []),
                not expected.write or (written and expected.write[2] in written[0][2]),
            )
        )

    await world.until(seen, f"{expected}")


def _sender(payload: Mapping[str, Any]) -> str:
    person = payload.get("user") or payload.get("event", {}).get("user") or payload.get("user_id")
    return str(person["id"] if isinstance(person, Mapping) else person)


def _shows(view: Any, words: str) -> bool:
    """True if the view has these words or a field with this id."""
    return view is not None and words in json.dumps(dict(view.content), ensure_ascii=False)


# --- alerts and leases that continue


async def test_open_alerts_end_by_an_edit_of_their_message(world: Installation) -> None:
    """No alert gets a second message; each key keeps its message."""
    _heal(world)
    async with world.bot():
        for alert in OPEN_ALERTS:
            slot = f"alert:{alert}"
            assert POSTS[slot]["ts"], "it was posted when it was recorded"
            await world.until(partial(_ended, world, slot), f"the end of {slot}")
            assert world.ask(f"SELECT ts FROM posts WHERE slot = '{slot}'") == [POSTS[slot]["ts"]]  # noqa: S608 - a test's
    assert len(OPEN_ALERTS) == 7


def _ended(world: Installation, slot: str) -> bool:
    """True if the message shows a resolved alert without buttons."""
    return world.message(slot).edited and not world.message(slot).action_ids()


def _heal(world: Installation) -> None:
    """Repair the clusters and remove the removed member's host from the settings."""
    prod, archive = world.clusters["prod"], world.clusters["archive"]
    for disk in (3, 4):
        prod.repair_disk(disk, "normal")
    for disk in (7, 8, 9):
        prod.expire_disk(disk, expired=False)
    prod.set_switch("disk_repair", "true")
    archive.repair_disk(5, "normal")
    archive.set_allocatable(396)
    archive.set_switch("disk_drop", "Enable")
    for cluster in (prod, archive):
        cluster.recount()
    _set_hosts(world, ", 127.0.0.1:21105", "")


def _set_hosts(world: Installation, old: str, new: str) -> None:
    config = world.folder / "config.yaml"
    text = config.read_text(encoding="utf-8")
    assert old in text
    config.write_text(text.replace(old, new), encoding="utf-8")


async def test_expired_recorded_lease_is_put_back(tmp_path: Path) -> None:
    """The switch is put back after two hours; running leases keep their buttons."""
    over, *others = sorted(LEASES, key=lambda op: LEASES[op])
    async with installation(tmp_path, later=TWO_HOURS) as world:
        assert LEASES[over] < world.clock.now() < min(LEASES[op] for op in others)
        async with world.bot():
            await world.until(world.writes, "the old value is written")
            await world.until(lambda: _ended(world, f"op:{over}"), "the end of the lease on its card")
            assert all(world.message(f"op:{op}").action_ids() for op in others)
        assert world.writes() == [("prod", "/config/set", '{"key":"balance","value":"true"}')]


async def test_recorded_replacement_is_finished(world: Installation) -> None:
    """The waiting step is approved on its recorded card; the same command then proposes the other steps."""
    line = "/cm member replace 5 6 127.0.0.1:10115 node=127.0.0.1:21106"
    async with world.bot():
        await world.slack.as_user(BOB).click(
            *(POSTS["op:13"]["channel"], POSTS["op:13"]["ts"], world.message("op:13").action_ids()[0]), confirmed=True
        )
        await world.until(lambda: _ended(world, "op:13"), "the learner is added")
    _set_hosts(world, "127.0.0.1:21105", "127.0.0.1:21106")
    async with world.bot():
        for path in ("/member/remove", "/member/add"):
            card = await _next_step(world, line)
            sent = len(world.writes())
            await world.slack.as_user(BOB).click(card.channel, card.ts, card.action_ids()[0], confirmed=True)
            await world.until(partial(_written, world, sent, path), f"a request to {path}")
    raft = world.clusters["prod"].raft
    assert {peer for peer in raft.members if raft.is_voter(peer)} == {1, 2, 3, 4, 6}


def _written(world: Installation, sent: int, path: str) -> bool:
    return [each[1] for each in world.writes()[sent:]] == [path]


async def _next_step(world: Installation, line: str) -> Message:
    """Repeat the command until it posts a card: a learner needs time to catch up."""
    before = {m.ts for m in cards(world, "C0OPERATIONS", "6")}
    found: list[Message] = []
    for _ in range(20):
        count = len(world.slack.workspace.messages)
        await world.slack.as_user(ALICE).command("C0STORAGE", line)
        await world.until(partial(_more_than, world.slack, count), "an answer")
        found = [m for m in cards(world, "C0OPERATIONS", "6") if m.ts not in before and "op_" in str(m.action_ids())]
        if found:
            return found[-1]
    raise AssertionError([m.full_text[:500] for m in world.latest(2)])


def _more_than(slack: LocalSlack, count: int) -> bool:
    return len(slack.workspace.messages) > count


# --- `cmbot check`


RENAMED = {
    "cmbot_alerts_open": "cmbot_cluster_alerts",
    "cmbot_cluster_call_seconds": "cmbot_cluster_call_duration_seconds",
    "cmbot_last_tick_time": "cmbot_poll_last_timestamp_seconds",
    "cmbot_outbox_oldest_seconds": "cmbot_outbox_oldest_age_seconds",
    "cmbot_schedule_troubles": "cmbot_job_problems",
    "cmbot_tick_seconds": "cmbot_poll_duration_seconds",
}
"""Metrics of 0.1.0 that have another name now, as CHANGELOG says."""


async def test_metrics_keep_their_names_or_have_the_new_ones(world: Installation) -> None:
    async with world.bot():
        page = await world.page("metrics")
    known = {line.split()[2].removesuffix("_total") for line in page.splitlines() if line.startswith("# TYPE")}
    assert {RENAMED.get(name, name) for name in NAMES["metrics"]} - known == set()


async def test_check_accepts_the_recorded_settings(world: Installation) -> None:
    """It checks each key, token, channel, user group and host, without the removed member's host."""
    _set_hosts(world, ", 127.0.0.1:21105", "")
    status, out = await cmbot(world.folder / "config.yaml", "check", SLACK_APP_TOKEN=world.slack.app_token)
    assert status == 0, out
