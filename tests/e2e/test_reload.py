"""Reloads: new settings while the program runs, refused whole when wrong; nothing that Slack delivers is lost."""

import asyncio
import gc
import logging
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from pathlib import Path

import aiohttp
import pytest

from bot.cli.main import main
from bot.common.errors import ConfigError
from bot.playground.slack_sim import payloads
from bot.playground.slack_sim.delivery import INTERACTION
from bot.playground.slack_sim.inputs import form_state
from bot.runtime import program
from bot.runtime.parts import App
from bot.runtime.program import Program
from bot.store.database import Store
from tests.support.ports import free_port
from tests.support.receiver import recording_receiver
from tests.support.reloadable import TOKENS, Reloadable, reloadable

PROD = "name: prod, alert_channel: C0STORAGE, poll_interval: 500ms"
MOVED = "name: prod, alert_channel: C0ARCHIVE, poll_interval: 500ms"
OTHER = "name: other, alert_channel: C0STORAGE, poll_interval: 500ms"


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reloadable]:
    for name in (*TOKENS, "SLACK_SIGNING_SECRET", "CMBOT_STORE_URL", "CMBOT_HEARTBEAT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in TOKENS:
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / name))
    async with reloadable(tmp_path) as started:
        yield started


async def audited(world: Reloadable) -> list[tuple[str, str, object]]:
    """The rows about settings: who, what, and the changes or the refusal."""
    async with Store.existing(f"sqlite:///{world.folder}/cmbot.db") as store, store.read() as uow:
        rows = [row for row in await uow.audit.range(limit=100) if row.action.startswith("settings.")]
    return [(row.actor, row.action, row.details.get("changes") or row.details.get("words")) for row in rows]


async def test_clusters_come_and_go_with_a_signal(world: Reloadable) -> None:
    """The alerts of a cluster that left are closed and said so; nothing that was typed meanwhile is lost."""
    world.cluster.break_disk(3)
    await world.slack.wait_for("C0STORAGE", lambda m: "disk #3" in m.full_text, timeout=20)
    world.write(OTHER)
    ended = asyncio.Event()

    async def type_on() -> int:
        """Type without a pause until the reload is over; every delivery must be acknowledged in time."""
        typed = 0
        while not ended.is_set() and typed < 200:
            await world.slack.as_user("U0BOB").command("C0OPERATIONS", "/cm whoami")
            typed += 1
            await asyncio.sleep(0.02)
        return typed

    typing = asyncio.create_task(type_on())
    world.hang_up()
    done = await world.until_logged("reload.done")
    ended.set()
    assert await typing > 0
    print("gap", done["seconds"], "typed", typing.result())  # noqa: T201 - measured, not asserted
    await world.slack.wait_for("C0STORAGE", lambda m: "prod was removed from the settings" in m.text, timeout=20)
    await world.slack.wait_for("C0STORAGE", lambda m: "disk #3" in m.full_text and "other" in m.full_text, timeout=20)
    assert "other is" in (await world.ask("/cm stat other")).text
    assert "prod" not in (await world.ask("/cm clusters")).full_text
    changes = ["clusters.prod: removed", "clusters.other: added, with 3 hosts, alerts in C0STORAGE"]
    assert await audited(world) == [("", "settings.reloaded", changes)]
    assert len(world.slack.delivery.sockets) == 1, "the connection outlived the reload"


@pytest.fixture
def no_record_of_late_jobs() -> Iterator[None]:
    """Pytest keeps each record, a record of APScheduler its job, and a job the program that it is of."""
    scheduler = logging.getLogger("apscheduler")
    before = scheduler.level
    scheduler.setLevel(logging.CRITICAL)
    yield
    scheduler.setLevel(before)


@pytest.mark.usefixtures("no_record_of_late_jobs")
async def test_what_ran_before_a_reload_is_freed(world: Reloadable) -> None:
    """Also after everything was used once: commands, forms, pages over HTTP, alerts."""
    port, counted = free_port(), list[Counter[str]]()
    world.cluster.break_disk(3)
    async with aiohttp.ClientSession() as session:
        for number, interval in enumerate(("600ms", "700ms", "800ms"), 1):
            http = f"http: {{port: {port}, host: 127.0.0.1}}"
            world.write(PROD.replace("500ms", interval), but="http:", more=http)
            world.hang_up()
            await world.until_logged("reload.done", number)
            for page, status in {"livez": 200, "readyz": None, "healthz": None, "metrics": 200, "other": 404}.items():
                async with session.get(f"http://127.0.0.1:{port}/{page}") as answer:
                    assert status in (None, answer.status)
            assert "prod is" in (await world.ask("/cm stat")).text
            await world.slack.as_user("U0ALICE").command("C0STORAGE", "/cm do task disable")
            world.used.clear()
            counted.append(parts_in_memory(world.folder))
    assert counted[-1]["App"] == 1
    first, second, third = counted
    assert not {name for name in third if first[name] < second[name] < third[name]}


@pytest.fixture
def informed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What the collection of garbage learns: True after a reload. Use it before `world`."""
    informed: list[bool] = []

    @asynccontextmanager
    async def collected_by_time(_: object, *, reloaded: bool) -> AsyncIterator[None]:
        informed.append(reloaded)
        yield

    monkeypatch.setattr(program, "collected_by_time", collected_by_time)
    return informed


async def test_garbage_of_an_earlier_program_is_collected_after_a_reload(
    informed: list[bool], world: Reloadable
) -> None:
    world.write(PROD.replace("500ms", "600ms"))
    world.hang_up()
    await world.until_logged("reload.done")
    assert informed == [False, True]


def parts_in_memory(folder: Path) -> Counter[str]:
    """Number of objects of each type of the program's parts, for the programs that use this folder."""
    gc.unfreeze()
    gc.collect()
    objects = [each for each in gc.get_objects() if str(type(each).__module__).startswith("bot.")]
    apps = [each for each in objects if isinstance(each, App) and str(folder) in each.settings.store.url]
    own = {type(part) for app in apps for part in (app, *(getattr(app, each.name) for each in fields(app)))}
    return Counter(type(each).__qualname__ for each in objects if type(each) in own)


async def test_wrong_settings_are_refused_whole(world: Reloadable) -> None:
    good = world.config.read_text()
    wrong = {
        "clusters: [": "not valid YAML",
        good.replace("name: prod", "name: stat"): "is a command",
        good + "\nzebra: 1\n": "zebra: no such setting",
        good + "\nrules: {zebra: {hold: 1s}}\n": "zebra",
        good.replace("port: 0", "port: 1, host: 192.0.2.1"): "cannot listen on",
        good.replace("poll_interval", "token_env: NOT_SET, poll_interval"): "NOT_SET is not set",
        good.replace("port: 0", f"port: 0, host: {'a' * 70}"): "They cannot be used (UnicodeError)",
        good.replace("poll_interval", 'ca_file: "a\\0b", poll_interval'): "cannot be read as certificates",
        good + "outputs: {receivers: [{name: am, kind: alertmanager, url: 'http://127.0.0.1:9', ca_file: /nope}]}\n": (
            "outputs.receivers.am.ca_file"
        ),
    }
    for number, (text, words) in enumerate(wrong.items(), 1):
        world.config.write_text(text)
        world.hang_up()
        refused = await world.until_logged("reload.refused", number)
        assert words in refused["error"]
    world.config.unlink()
    world.hang_up()
    assert "cannot be read" in (await world.until_logged("reload.refused", len(wrong) + 1))["error"]
    world.config.write_text(good)
    (world.folder / TOKENS[0]).write_text("")
    world.hang_up()
    assert "is empty" in (await world.until_logged("reload.refused", len(wrong) + 2))["error"]
    (world.folder / TOKENS[0]).write_text("xoxb-other")
    world.hang_up()
    assert "Slack rejects the new token" in (await world.until_logged("reload.refused", len(wrong) + 3))["error"]
    world.allowed = ("error", "invalid_auth")
    assert not world.logged("reload.accepted")
    assert len(world.used) == 1
    assert "prod is" in (await world.ask("/cm stat")).text
    rows = await audited(world)
    assert {action for _, action, _ in rows} == {"settings.refused"}
    assert len(rows) == len(wrong) + 3


async def test_command_reloads_and_says_what_changed(world: Reloadable) -> None:
    assert "You are not an admin" in (await world.ask("/cm admin reload", user="U0BOB")).text
    assert "nothing changes" in (await world.ask("/cm admin reload")).text
    world.write(PROD, more="slack2: 1")
    refused = await world.ask("/cm admin reload")
    assert "the old ones stay" in refused.text
    assert "slack2: no such setting" in refused.text
    world.write(PROD, more="timezone: Europe/Berlin")
    answer = await world.ask("/cm admin reload")
    assert "timezone: UTC → Europe/Berlin" in answer.full_text
    await world.until_logged("reload.done")
    assert world.used[-1].timezone == "Europe/Berlin"
    rows = await audited(world)
    assert [(actor, action) for actor, action, _ in rows] == [
        ("U0ALICE", "settings.reloaded"),
        ("U0ALICE", "settings.refused"),
        ("U0ALICE", "settings.reloaded"),
    ]
    assert "nothing changes" in (await world.ask("/cm admin reload")).text, "it is answered once"


async def test_what_a_reload_would_change_is_shown_before_it(
    world: Reloadable, capsys: pytest.CaptureFixture[str]
) -> None:
    async def diff(status: int) -> str:
        """Compare with what runs until the command has this status: a program says its settings when it has started."""
        async with asyncio.timeout(30):
            while True:
                found = await asyncio.to_thread(main, ["config", "diff", "--running", "--config", str(world.config)])
                said = capsys.readouterr().out
                if found == status:
                    return said
                await asyncio.sleep(0.1)

    assert "No change." in await diff(0)
    world.write(PROD, more="timezone: Europe/Berlin")
    assert "timezone: UTC → Europe/Berlin\n1 change.\n" in await diff(1)
    world.hang_up()
    await world.until_logged("reload.done")
    assert "No change." in await diff(0)
    async with Store.existing(f"sqlite:///{world.folder}/cmbot.db") as store, store.read() as uow:
        [stored] = (await uow.facts.settings()).values()
    assert world.slack.bot_token not in stored
    assert world.slack.app_token not in stored


async def test_alert_whose_channel_changed_goes_on_in_the_new_one(world: Reloadable) -> None:
    """The old channel has a note; the message there stays, and only the new one is edited."""
    world.cluster.break_disk(3)
    first = await world.slack.wait_for("C0STORAGE", lambda m: "disk #3" in m.full_text, timeout=20)
    world.write(MOVED)
    world.hang_up()
    moved = await world.slack.wait_for("C0ARCHIVE", lambda m: "disk #3" in m.full_text, timeout=20)
    assert "Until now this was in <#C0STORAGE>" in moved.full_text
    await world.slack.wait_for("C0STORAGE", lambda m: "announced in <#C0ARCHIVE> from now on" in m.text, timeout=20)
    world.cluster.break_disk(4)
    await world.slack.wait_for("C0ARCHIVE", lambda m: m.ts == moved.ts and "disk #4" in m.full_text, timeout=20)
    shown = world.slack.workspace.find("C0STORAGE", first.ts)
    assert shown is not None
    assert "disk #4" not in shown.full_text
    world.hang_up()
    await world.until_logged("reload.unchanged")
    assert len([m for m in world.slack.as_user("U0ALICE").sees("C0ARCHIVE") if "disk #3" in m.full_text]) == 1


async def test_request_of_another_replica_is_followed(world: Reloadable) -> None:
    world.write(PROD, more="timezone: Europe/Berlin")
    async with Store.open(f"sqlite:///{world.folder}/cmbot.db") as store, store.begin() as uow:
        await uow.scheduled_runs.once("reload settings", time.time() + 1)
    await world.until_logged("reload.done")
    [(actor, action, _)] = await audited(world)
    assert (actor, action) == ("", "settings.reloaded")
    await asyncio.sleep(0)
    assert len(world.logged("reload.accepted")) == 1


async def test_tokens_are_rotated_without_a_restart(world: Reloadable) -> None:
    """A form that the old token signed is answered with what to do."""
    await world.slack.as_user("U0ALICE").command("C0STORAGE", "/cm do task disable")
    view = await world.slack.wait_for_view(lambda shown: "submit" in shown.content, user="U0ALICE")
    world.slack.rotate_tokens()
    world.write_tokens()
    world.hang_up()
    assert (await world.until_logged("reload.accepted"))["changes"] == [
        "SLACK_BOT_TOKEN: changed",
        "SLACK_APP_TOKEN: changed",
    ]
    await world.until_logged("reload.done")
    assert "prod is" in (await world.ask("/cm stat")).text
    alice = world.slack.as_user("U0ALICE")
    state = form_state(view.blocks, {"field:task": "balance"})
    payload = payloads.view_submission(world.slack.workspace, alice.user, view, state, [])
    ack = await alice.delivery.deliver(INTERACTION, payload)
    assert "This form is not valid any more. Close it and open a new one" in str(ack.payload)
    assert not world.logged("outbox.rejected")


async def test_secrets_of_receivers_are_rotated_without_a_restart(
    world: Reloadable, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = world.folder / "key"
    monkeypatch.setenv("AM_KEY_FILE", str(key))
    key.write_text("key-one")
    key.chmod(0o600)
    async with recording_receiver() as receiver:
        line = f"outputs: {{receivers: [{{name: am, kind: alertmanager, url: '{receiver.url}', key_env: AM_KEY}}]}}"
        world.write(PROD, more=line)
        world.hang_up()
        await world.until_logged("reload.done")
        key.write_text("key-two")
        world.hang_up()
        assert (await world.until_logged("reload.accepted", 2))["changes"] == ["AM_KEY: changed"]
        await world.until_logged("reload.done", 2)
        world.cluster.break_disk(3)
        async with asyncio.timeout(30):
            while not receiver.taken:  # noqa: ASYNC110 - the receiver wakes no one
                await asyncio.sleep(0.05)
    assert receiver.taken[-1].headers["Authorization"] == "Bearer key-two"


async def test_requests_wait_while_the_program_is_built_again(world: Reloadable) -> None:
    """The pages are served on the same socket, whose queue takes what comes in the pause."""
    ended, port = asyncio.Event(), free_port()

    async def ask_on() -> list[int]:
        """Ask for the page until the reload is over; a refused connection raises."""
        seen: list[int] = []
        while not ended.is_set() and len(seen) < 1000:
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as answer:
                seen.append(answer.status)
        return seen

    world.write(PROD, more=f"http: {{port: {port}}}", but="http:")
    world.hang_up()
    await world.until_logged("reload.done")
    asking = asyncio.create_task(ask_on())
    world.write(PROD, more=f"http: {{port: {port}}}\ntimezone: Asia/Tokyo", but="http:")
    world.hang_up()
    await world.until_logged("reload.done", 2)
    ended.set()
    assert set(await asking) == {200}
    assert world.used[-1].timezone == "Asia/Tokyo"


async def test_command_may_have_another_name(world: Reloadable) -> None:
    """Help, hints, cards and refusals name the command that people type; another one still works and is logged."""
    own = world.config.read_text()
    world.config.write_text(own.replace("slack: {", "slack: {command: /blob, "))
    world.hang_up()
    await world.until_logged("reload.done")
    team = world.slack.workspace.team
    world.slack.workspace.team = replace(team, commands=(*team.commands, replace(team.commands[0], command="/blob")))
    texts = [
        (await world.ask(line)).full_text
        for line in ("/blob help", "/blob stat nowhere", "/blob audit since=never", "/blob clusters", "/blob whoami")
    ]
    assert "/blob" in "".join(texts)
    assert [text for text in texts if re.search(r"(?<!\w)/cm\b", text)] == []
    assert not world.logged("edge.other_command")
    await world.ask("/cm whoami")
    assert world.logged("edge.other_command")[0]["typed"] == "/cm"


@pytest.mark.parametrize("error", [ConfigError("unforeseen"), RuntimeError("with a secret")])
async def test_build_that_fails_after_all_falls_back(
    world: Reloadable, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """What no check foresaw: the program runs again with the settings before, and says so to who asked."""
    once = Program._once
    failed: list[object] = []

    async def fail_once(self: Program, settings: object, *rest: object) -> None:
        if getattr(settings, "timezone", "") == "Europe/Berlin" and not failed:
            failed.append(settings)
            raise error
        await once(self, settings, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Program, "_once", fail_once)
    world.write(PROD, more="timezone: Europe/Berlin")
    assert "Taking over 1 change" in (await world.ask("/cm admin reload")).text
    await world.until_logged("reload.failed")
    await world.until_logged("reload.done")
    assert world.used[-1].timezone == "UTC"
    notice = await world.slack.wait_for("D0ALICE", lambda m: "could not be used after all" in m.text, user="U0ALICE")
    why = "unforeseen" if isinstance(error, ConfigError) else "They cannot be used (RuntimeError)"
    assert why in notice.full_text
    assert "secret" not in notice.full_text
    rows = await audited(world)
    assert [(actor, action) for actor, action, _ in rows] == [
        ("U0ALICE", "settings.reloaded"),
        ("U0ALICE", "settings.failed"),
    ]
    assert why in str(rows[-1][2])
    assert "prod is" in (await world.ask("/cm stat")).text


async def test_program_that_fails_at_its_end_does_not_stop_the_reload(
    world: Reloadable, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = Program._once
    failed: list[object] = []

    async def fail_at_the_end(self: Program, settings: object, *rest: object) -> None:
        await once(self, settings, *rest)  # type: ignore[arg-type]
        if not failed:
            failed.append(settings)
            raise OSError("a connection could not be closed")

    monkeypatch.setattr(Program, "_once", fail_at_the_end)
    for number, zone in enumerate(("Europe/Berlin", "Asia/Tokyo"), 1):
        world.write(PROD, more=f"timezone: {zone}")
        world.hang_up()
        await world.until_logged("reload.done", number)
    assert len(world.logged("reload.end_failed")) == 1
    assert world.used[-1].timezone == "Asia/Tokyo"


async def test_another_address_of_the_pages_is_used_after_a_reload(world: Reloadable) -> None:
    port = free_port()

    async def status(host: str) -> int:
        try:
            async with aiohttp.ClientSession() as session, session.get(f"http://{host}:{port}/healthz") as answer:
                return answer.status
        except aiohttp.ClientConnectionError:
            return 0

    for number, (host, other) in enumerate((("127.0.0.1", "127.0.0.2"), ("127.0.0.2", "127.0.0.1")), 1):
        world.write(PROD, more=f"http: {{host: {host}, port: {port}}}", but="http:")
        world.hang_up()
        await world.until_logged("reload.done", number)
        assert (await status(host), await status(other)) == (200, 0)
    everywhere = "0.0.0.0"  # noqa: S104 - it includes the address that is listened on
    world.write(PROD, more=f"http: {{host: {everywhere}, port: {port}}}", but="http:")
    world.hang_up()
    await world.until_logged("reload.done", 3)
    assert (await status("127.0.0.1"), await status("127.0.0.2")) == (200, 200)


async def test_time_limit_of_a_stricter_policy_is_changed_by_a_new_proposal(world: Reloadable) -> None:
    """Its card has no buttons; the answer must not name them."""
    alice, bob = (world.slack.as_user(user) for user in ("U0ALICE", "U0BOB"))
    prod = f"{PROD}, operations_channel: C0STORAGE"
    world.write(prod, more="policies: {default: loose, task_disable: {approvals: 2}}")
    world.hang_up()
    await world.until_logged("reload.done")
    await alice.command("C0STORAGE", "/cm task disable balance for=2h")
    card = await world.slack.wait_for("C0STORAGE", lambda m: "*Waiting*" in m.full_text, timeout=20)
    for person in (alice, bob):
        await person.click("C0STORAGE", card.ts, "op_confirm", confirmed=True)
    done = await world.slack.wait_for("C0STORAGE", lambda m: " is turned back on " in m.full_text, timeout=20)
    assert "propose it again, without `for=` to keep it" in done.full_text
    world.write(prod, more="policies: {default: loose}")
    world.hang_up()
    await world.until_logged("reload.done", 2)
    await alice.command("C0STORAGE", "/cm task disable balance for=4h")
    await world.slack.wait_for("C0STORAGE", lambda m: m.ts != card.ts and "*Waiting*" in m.full_text, timeout=20)
