"""Codes of break-glass in a real database: used up once by many at the same time, recorded, and never stored."""

import asyncio
import dataclasses
import json
import re
import time

import pytest

from bot.cli.enrol import enrol
from bot.common.errors import ConfigError, UserError
from bot.config import Secrets, Settings, parse
from bot.permissions.one_time_codes import LOCK_SECONDS, CodeKey, CodeVerdict, code_at, new_key, new_secret, step_of
from bot.runtime.settings_mapping import code_key
from bot.runtime.startup import code_check, foundation
from bot.store.database import Store
from bot.store.retention import DAY, Keep, Retention
from bot.workflow.code_check import CodeCheck, Enrolments

NOW = 1_800_000_000.0
ANNA = "U0ANNA"


class World:
    """A check, the secret of one enrolled person, and a clock that is set by hand."""

    def __init__(self, store: Store) -> None:
        self.now, self.key, self.secret = NOW, CodeKey(new_key()), new_secret()
        self.ahead = 0.0
        self.check = CodeCheck(
            store, self.key, lambda: self.now, lambda: self.now + self.ahead, lambda cluster: cluster == "prod"
        )
        self.people = Enrolments(store, lambda: self.now)
        self.store = store

    def code(self, ahead: int = 0) -> str:
        """Return the code of a step beside the present one."""
        return code_at(self.secret, step_of(self.now) + ahead)

    async def audit(self) -> list[tuple[str, str, str]]:
        """Return actor, action and detail of each row, the oldest first."""
        async with self.store.read() as uow:
            rows = [row async for page in uow.dump.pages("audit") for row in page]
        return [(row["actor"], row["action"], row["detail"]) for row in rows]


@pytest.fixture
async def world(store: Store) -> World:
    parts = World(store)
    await parts.people.add(ANNA, parts.key.seal(ANNA, parts.secret))
    return parts


async def test_code_counts_once_when_sent_many_times_at_once(world: World) -> None:
    found = await asyncio.gather(*(world.check.check(ANNA, world.code()) for _ in range(4)))
    verdicts = [each.verdict for each in found]
    assert sorted(verdicts) == sorted([CodeVerdict.ACCEPTED, *[CodeVerdict.REUSED] * 3])
    assert [action for _, action, _ in await world.audit()].count("code.accepted") == 1


async def test_five_wrong_codes_lock_and_are_recorded(world: World) -> None:
    right, wrong = world.code(), f"{(int(world.code()) + 1) % 1_000_000:06d}"
    found = [await world.check.check(ANNA, wrong) for _ in range(5)]
    assert [(each.verdict, each.left) for each in found[:4]] == [(CodeVerdict.WRONG, left) for left in (4, 3, 2, 1)]
    assert (found[4].verdict, found[4].locked_until) == (CodeVerdict.LOCKED, NOW + LOCK_SECONDS)
    assert (await world.check.check(ANNA, right)).verdict is CodeVerdict.LOCKED
    await world.people.add(ANNA, world.key.seal(ANNA, world.secret), again=True)
    assert (await world.check.check(ANNA, right)).verdict is CodeVerdict.LOCKED, "to enrol again does not unlock"
    world.now += LOCK_SECONDS
    assert (await world.check.check(ANNA, world.code())).verdict is CodeVerdict.ACCEPTED
    rows = await world.audit()
    actions = [action for _, action, _ in rows]
    assert actions.count("code.refused") == 7
    assert actions.count("code.locked") == 1
    assert {actor for actor, action, _ in rows if action.startswith("code.refused")} == {ANNA}
    text = json.dumps(rows)
    assert not re.search(rf"\b({right}|{wrong})\b", text)
    assert world.secret not in text


async def lock(world: World) -> None:
    """Type five wrong codes."""
    wrong = f"{(int(world.code()) + 1) % 1_000_000:06d}"
    for _ in range(5):
        await world.check.check(ANNA, wrong)


async def enrolled(world: World) -> set[str]:
    async with world.store.read() as uow:
        return {each.user for each in await uow.codes.every()}


async def has_row(world: World) -> bool:
    async with world.store.read() as uow:
        return await uow.codes.get(ANNA) is not None


async def test_code_that_is_taken_away_and_given_again_stays_locked(world: World) -> None:
    """The code is gone at once, and only the lock is kept: not a secret, nor the person in a list."""
    await lock(world)
    assert await world.people.remove(ANNA)
    assert not await world.people.remove(ANNA), "there is none any more"
    assert await enrolled(world) == {each.user for each in await world.people.every()} == set()
    assert not await world.check.wanted(ANNA, "lab")
    assert (await world.check.check(ANNA, world.code())).verdict is CodeVerdict.UNKNOWN
    world.secret = new_secret()
    assert await world.people.add(ANNA, world.key.seal(ANNA, world.secret)), "no --force: there is no code"
    found = await world.check.check(ANNA, world.code())
    assert (found.verdict, found.locked_until) == (CodeVerdict.LOCKED, NOW + LOCK_SECONDS)
    world.now += LOCK_SECONDS
    assert (await world.check.check(ANNA, world.code())).verdict is CodeVerdict.ACCEPTED
    actions = [action for _, action, _ in await world.audit()]
    assert [each for each in actions if each in {"code.enrolled", "code.removed", "code.locked"}] == [
        *("code.enrolled", "code.locked", "code.removed", "code.enrolled"),
    ]


async def test_kept_lock_is_deleted_once_it_has_ended(world: World) -> None:
    retention = Retention(world.store, Keep(), lambda: world.now)
    await lock(world)
    await retention.apply()
    assert await enrolled(world) == {ANNA}
    await world.people.remove(ANNA)
    for later, kept in ((0.0, True), (LOCK_SECONDS - 1.0, True), (LOCK_SECONDS + 1.0, False)):
        world.now = NOW + later
        await retention.apply()
        assert await has_row(world) is kept
    await world.people.add(ANNA, world.key.seal(ANNA, world.secret))
    await lock(world)
    world.now += DAY
    await retention.apply()
    assert await enrolled(world) == {ANNA}, "a code whose lock has ended is kept"
    await world.people.remove(ANNA)
    assert not await has_row(world), "without a lock the row is deleted at once"


async def test_codes_follow_the_system_clock_when_it_is_set(world: World) -> None:
    """A machine whose clock was wrong at the start of the process: phones know better, and locks go on as before."""
    world.ahead = 3600.0
    old, right = world.code(), code_at(world.secret, step_of(NOW + world.ahead))
    assert (await world.check.check(ANNA, old)).verdict is CodeVerdict.WRONG
    assert (await world.check.check(ANNA, right)).verdict is CodeVerdict.ACCEPTED
    for _ in range(4):
        await world.check.check(ANNA, old)
    assert (await world.check.check(ANNA, old)).locked_until == NOW + LOCK_SECONDS


async def test_code_is_wanted_of_the_enrolled_and_where_it_is_required(world: World) -> None:
    wanted = [await world.check.wanted(user, name) for user in (ANNA, "U0BEN") for name in ("prod", "lab")]
    assert wanted == [True, True, True, False]
    assert (await world.check.check("U0BEN", world.code())).verdict is CodeVerdict.UNKNOWN
    off = CodeCheck(world.store, None, lambda: NOW, lambda: NOW, lambda _: False)
    assert not await off.wanted(ANNA, "prod")
    assert (await off.check(ANNA, world.code())).verdict is CodeVerdict.NO_KEY


@pytest.mark.parametrize("injected", [True, False])
@pytest.mark.usefixtures("store")
async def test_codes_follow_the_clock_of_the_system_or_the_one_in_its_place(database_url: str, injected: bool) -> None:
    """As the program is built: not the clock of the process, which began with another time."""
    own, secret = settings(database_url, new_key()), new_secret()
    async with foundation(own, (lambda: NOW) if injected else None, 0.0) as base:
        key = code_key(own)
        assert key is not None
        await Enrolments(base.store, base.clock).add(ANNA, key.seal(ANNA, secret))
        present = NOW if injected else time.time()
        own_clock = base.clock if injected else lambda: present + 3600.0
        found = await code_check(dataclasses.replace(base, clock=own_clock)).check(
            ANNA, code_at(secret, step_of(present))
        )
    assert found.verdict is CodeVerdict.ACCEPTED


def settings(url: str, key: str) -> Settings:
    text = 'clusters: [{name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0A}]'
    return parse(text, secrets=Secrets(cmbot_store_url=url, cmbot_code_key=key), environment={})


@pytest.mark.usefixtures("store")
async def test_command_enrols_lists_and_removes(database_url: str) -> None:
    """The secret is printed once; the database has it encrypted."""
    own = settings(database_url, new_key())
    shown = await enrol(own, ANNA, remove=False, again=False)
    assert "█" in shown or "▀" in shown
    match = re.search(r"type the key ([A-Z2-7]{32}) there", shown)
    assert match is not None
    with pytest.raises(UserError, match="add --force to replace it"):
        await enrol(own, ANNA, remove=False, again=False)
    assert ANNA in await enrol(own, None, remove=False, again=False)
    async with Store.open(database_url) as store, store.read() as uow:
        [held] = await uow.codes.every()
    assert match[1] not in held.sealed
    assert "no code any more" in await enrol(own, ANNA, remove=True, again=False)
    assert await enrol(own, None, remove=False, again=False) == "No person has a code."
    for user, words in (("anna", "Copy member ID"), ("U0BEN", "U0BEN has no code")):
        with pytest.raises(UserError, match=words):
            await enrol(own, user, remove=True, again=False)
    shown = await enrol(own, ANNA, remove=False, again=False)
    assert "No code counts before" not in shown
    async with Store.open(database_url) as store, store.begin() as uow:
        own_row = await uow.codes.get(ANNA)
        assert own_row is not None
        await uow.codes.put(dataclasses.replace(own_row, locked_until=time.time() + LOCK_SECONDS))
    await enrol(own, ANNA, remove=True, again=False)
    assert await enrol(own, None, remove=False, again=False) == "No person has a code."
    assert "No code counts before" in await enrol(own, ANNA, remove=False, again=False)
    with pytest.raises(ConfigError, match="cmbot enrol --new-key"):
        await enrol(settings(database_url, ""), ANNA, remove=False, again=False)
