"""`cmbot check --blocks`: let Slack check the form of every message, modal and tab, without posting anything.

`block_samples.jsonl` has one sample of each form of each view as this release renders it; a test keeps it current.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

from bot.cli.check_row import CheckRow
from bot.common.errors import SlackRetryable
from bot.common.frozen import frozen
from bot.common.text import count
from bot.config import Settings
from bot.interactions.message import Message
from bot.slack.client import SlackClient
from bot.views.plain_forms import forms

SAMPLES = "block_samples.jsonl"
_MOST_FAULTS = 5
"""Faults of one sample that are shown."""
_TRIES = 5
_LONGEST_WAIT = 60.0
_MESSAGE = "message"


@frozen
class Sample:
    """A sample: the name of its view, its kind (message, view or blocks), and what Slack is asked about."""

    name: str
    kind: str
    value: Any


def samples() -> Iterator[Sample]:
    """Yield every sample of this release."""
    for line in files("bot.cli").joinpath(SAMPLES).read_text(encoding="utf-8").splitlines():
        read = json.loads(line)
        yield Sample(read["name"], read["kind"], read["value"])


async def check_blocks(settings: Settings) -> list[CheckRow]:
    """Return a row for each fault that Slack finds, and one for what it takes. Raises SlackError."""
    token = settings.secrets.slack_bot_token.get_secret_value()
    rows: list[CheckRow] = []
    plainer: set[str] = set()
    taken = 0
    async with SlackClient(token, settings.slack.api_url, proxy=settings.slack_proxy) as gateway:
        for sample in samples():
            faults, missing = await _faults(gateway, sample)
            plainer |= set(missing)
            taken += not faults
            rows += [_failed(sample, fault) for fault in faults[:_MOST_FAULTS]]
    rows.append(
        CheckRow("blocks", well=taken > 0, found=f"Slack takes {count(taken, 'form')} of messages, modals and tabs")
    )
    if plainer:
        kinds = " and ".join(sorted(plainer))
        rows.append(CheckRow("kinds of blocks", well=True, found=f"not taken here: {kinds}; a plainer form is used"))
    return rows


def _failed(sample: Sample, fault: str) -> CheckRow:
    fix = "report it with this line; people get a plainer form of this message"
    return CheckRow(sample.name, well=False, found=fault, fix=fix)


async def _faults(gateway: SlackClient, sample: Sample) -> tuple[Sequence[str], Sequence[str]]:
    """Return the faults of a sample, and the kinds of blocks that the workspace does not take at all."""
    if sample.kind != _MESSAGE:
        return await _ask(gateway, sample.kind, sample.value), ()
    missing: list[str] = []
    faults: Sequence[str] = ()
    for form in forms(Message("", tuple(sample.value["blocks"]))):
        if not form.blocks:
            break
        faults = await _ask(gateway, _MESSAGE, {"blocks": list(form.blocks)})
        if not faults:
            return (), missing
        unknown = [_kind_of(fault, form) for fault in faults]
        if not all(unknown):
            return faults, missing
        missing += unknown
    return faults, missing


def _kind_of(fault: str, form: Message) -> str:
    """Return the kind of the block that Slack does not take as such, "" for a fault inside a block."""
    pointer = fault.partition(":")[0].strip("/").split("/")
    place = [part for part in pointer if part != "blocks"]
    if len(place) != 2 or place[1] != "type" or not place[0].isdigit() or int(place[0]) >= len(form.blocks):  # noqa: PLR2004 - a block and its field
        return ""
    return str(form.blocks[int(place[0])]["type"])


async def _ask(gateway: SlackClient, kind: str, value: Any) -> Sequence[str]:
    for left in reversed(range(_TRIES)):
        try:
            return await gateway.validate(kind, value)
        except SlackRetryable as error:
            if not left or error.retry_after > _LONGEST_WAIT:
                raise
            await asyncio.sleep(error.retry_after)
    return ()
