"""`cmbot enrol`: give a person on this host a code for break-glass, or take it away."""

import io
import time
from datetime import UTC, datetime

import segno
from pydantic import TypeAdapter, ValidationError

from bot.common.errors import ConfigError, UserError
from bot.common.text import shown
from bot.config import Settings
from bot.config.types import UserId
from bot.permissions.one_time_codes import CodeKey, address_of, new_secret
from bot.runtime.settings_mapping import code_key
from bot.store.database import Store
from bot.workflow.code_check import Enrolments

NO_KEY = "CMBOT_CODE_KEY is not set: run `cmbot enrol --new-key`, set the variable for cmbot and for this command."


async def enrol(settings: Settings, user: str | None, *, remove: bool, again: bool) -> str:
    """Enrol or remove a person, or list all; returns what to print. Raises ConfigError, StoreError, UserError."""
    async with Store.existing(settings.store_url) as store:
        people = Enrolments(store, time.time)
        if user is None:
            if remove:
                raise UserError("Name the person whose code is taken away: cmbot enrol U0123ABCD --remove.")
            return await _listed(people)
        _check(user)
        if remove:
            if not await people.remove(user):
                raise UserError(f"{user} has no code.")
            return f"{user} has no code any more."
        key = code_key(settings)
        if key is None:
            raise ConfigError(NO_KEY)
        return await _added(people, key, user, again=again)


def _check(user: str) -> None:
    try:
        TypeAdapter(UserId).validate_python(user)
    except ValidationError as error:
        words = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise UserError(f"{shown(user)}: {words}.") from error


async def _added(people: Enrolments, key: CodeKey, user: str, *, again: bool) -> str:
    secret = new_secret()
    if not await people.add(user, key.seal(user, secret), again=again):
        raise UserError(f"{user} has a code already: add --force to replace it.")
    [held] = [each for each in await people.every() if each.user == user]
    picture = io.StringIO()
    segno.make(address_of(user, secret), error="m").terminal(picture, compact=True, border=2)
    return (
        f"{picture.getvalue()}\n"
        f"Let {user} scan this with an authenticator app, or type the key {secret} there.\n"
        f"It is shown once. Clear this screen afterwards.{_counts_later(held.locked_until)}"
    )


def _at(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


async def _listed(people: Enrolments) -> str:
    found = await people.every()
    lines = [f"{each.user}  since {_at(each.since)}{_locked(each.locked_until)}" for each in found]
    return "\n".join(lines) or "No person has a code."


def _counts_later(until: float) -> str:
    return f"\nNo code counts before {_at(until)}: wrong ones locked this person." if until > time.time() else ""


def _locked(until: float) -> str:
    return f"  locked until {_at(until)}" if until > time.time() else ""
