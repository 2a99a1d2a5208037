"""The tool with which an agent proposes a change: it is stored for the cmbot that runs, which checks it and answers."""

import asyncio
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, ValidationError
from rich.text import Text

from bot.chatops.agent_proposals import MAX_AGE, common_time, proposable, refuse_force
from bot.chatops.commands.arguments import configured, validated
from bot.chatops.commands.usage import CLUSTER
from bot.chatops.commands.usage import arguments as arguments_of
from bot.chatops.forms.fields import KINDS, Kind
from bot.cli.agents.answers import AgentAnswer, answered, failure
from bot.cli.agents.tools import ToolInput, fault
from bot.cli.terminal.cluster_json import iso
from bot.cli.terminal.mrkdwn import from_mrkdwn
from bot.cli.terminal.show import SCHEMA
from bot.common.errors import Refused, StoreError, UserError
from bot.common.frozen import frozen
from bot.common.json_object import JsonObject
from bot.interactions.events import AgentProposal
from bot.operations.agent_limits import HOUR
from bot.operations.operation_problems import OlderReplicas
from bot.operations.requests import AGENT_FIRST_READ_BY
from bot.runtime.reading import Reader
from bot.store.database import Store
from bot.store.repositories.inbox import encode_work
from bot.views.text import clean

PROPOSE = "propose"
WAIT_SECONDS = 60.0
"""Seconds in which the cmbot that runs must answer; less than the age at which it refuses."""
EVERY = 0.5
"""Seconds between two looks for the answer."""
MAX_AN_HOUR = 60
"""Proposals and dry runs that are stored in an hour."""
_OWN = ("reason", "dry_run")
"""Arguments of every change that the tool itself has."""
_HIDDEN = frozenset({*_OWN, "force", CLUSTER})

_Word = Annotated[str, Field(max_length=1000)]
_Value = bool | int | _Word | Annotated[list[int | _Word], Field(max_length=100)]


def _kinds() -> Mapping[str, Kind]:
    return MappingProxyType({kind.key: kind for kind in KINDS if kind.policies})


def _changes() -> str:
    """Return each change with its arguments."""
    return "; ".join(f"{key}: {', '.join(_named(kind))}" for key, kind in _kinds().items())


def _named(kind: Kind) -> Iterator[str]:
    for each in arguments_of(kind.command):
        if each.name not in _HIDDEN:
            choices = f" ({'|'.join(each.choices)})" if each.choices else ""
            yield f"{each.name}{choices}{' (optional)' if each.written.startswith('[') else ''}"


class ProposeInput(ToolInput):
    """A change to propose."""

    change: str = Field(max_length=40, description="what to change", json_schema_extra={"enum": list(_kinds())})
    cluster: str = Field(min_length=1, max_length=40, description="the cluster, as the tool clusters lists it")
    arguments: dict[Annotated[str, Field(max_length=40)], _Value] = Field(
        default_factory=dict, max_length=20, description=f"the arguments of the change by name. {_changes()}"
    )
    reason: str = Field(min_length=3, max_length=300, description="why, for the people who decide")
    dry_run: bool = Field(default=False, description="only say what the checks find: nothing is proposed")


TITLE = "Propose a change"
DESCRIPTION = (
    "Proposes a change of a cluster on a card in Slack. Nothing is sent to the cluster before people approve it there; "
    "an agent cannot approve. Begin with dry_run: it says what the checks find. The answer has the number of the "
    "operation; the tool operations shows what became of it."
)


@frozen
class Proposals:
    """Proposes changes in the name of `owner`; the cmbot that runs has `wait` seconds to answer."""

    reader: Reader
    owner: str
    wait: float = WAIT_SECONDS
    every: float = EVERY

    async def propose(self, arguments: Mapping[str, Any]) -> AgentAnswer:
        """Store a proposal and return what came of it. Raises UserError, StoreError."""
        work = proposal_of(arguments, tuple(self.reader.clusters), self.owner)
        store = await self._store()
        work = await _accepted(store, work)
        found = await self._answer_to(store, work)
        text = from_mrkdwn(str(found["text"]))
        if "result" not in found:
            return failure(text.plain)
        result = {**found, "text": text.plain, "expires_at": iso(found.get("expires_at") or 0.0)}
        data: JsonObject = {
            "schema": SCHEMA,
            "command": PROPOSE,
            "at": iso(self.reader.clock()),
            "results": [result],
            "errors": [],
            "without_database": None,
        }
        return answered(data, _shown(text, found))

    async def _store(self) -> Store:
        """Return the database, if a cmbot runs on it that knows proposals of agents."""
        await self.reader.refresh()
        store = self.reader.store
        if store is None:
            raise StoreError(self.reader.without_store)
        async with store.read() as uow:
            active = (await uow.replicas.assignments()).active
        if not active:
            raise UserError("No cmbot runs on this database, so nothing was proposed. People start it with cmbot run.")
        if older := [each.name for each in active if each.revision < AGENT_FIRST_READ_BY]:
            raise Refused(OlderReplicas(older))
        return store

    async def _answer_to(self, store: Store, work: AgentProposal) -> JsonObject:
        loop = asyncio.get_running_loop()
        until = loop.time() + self.wait
        try:
            while loop.time() < until:
                await asyncio.sleep(self.every)
                with suppress(StoreError):
                    if (found := await _answer(store, work)) is not None:
                        return found
        except asyncio.CancelledError:
            with suppress(StoreError):
                await asyncio.shield(_withdraw(store, work))
            raise
        if await _withdraw(store, work):
            raise UserError(
                f"No cmbot took the proposal within {self.wait:g} s, so nothing was proposed, and it is withdrawn. "
                "People see with cmbot replicas if one runs."
            )
        if (found := await _answer(store, work)) is not None:
            return found
        raise UserError(
            f"The proposal was taken, but not answered within {self.wait:g} s. Look with the tool operations if it is "
            f"there before you propose it again; it is refused {MAX_AGE:g} s after it was stored."
        )


def proposal_of(arguments: Mapping[str, Any], clusters: Sequence[str], owner: str) -> AgentProposal:
    """Return the proposal, without its time; the cmbot that runs checks it again. Raises UserError."""
    try:
        given = ProposeInput.model_validate(dict(arguments))
    except ValidationError as error:
        raise UserError(f"{PROPOSE}: {'; '.join(map(fault, error.errors(include_url=False)))}.") from error
    kind, cluster = proposable(given.change), configured(given.cluster, clusters)
    refuse_force(given.arguments)
    if own := next((name for name in _OWN if name in given.arguments), ""):
        raise UserError(f"{own} is an argument of {PROPOSE} itself: leave it out of arguments.").at(own)
    reason = clean(given.reason).strip()
    if not reason:
        raise UserError("reason cannot be empty: say why, for the people who decide.").at("reason")
    values = {name: clean(_words(value)) for name, value in given.arguments.items() if name != "force"}
    values |= {"reason": reason, "dry_run": "yes" if given.dry_run else "no"}
    validated(kind.command, values)
    return AgentProposal(f"agent-{secrets.token_hex(16)}", owner, 0.0, kind.key, cluster, values)


async def _accepted(store: Store, work: AgentProposal) -> AgentProposal:
    """Store the proposal with its time; raises UserError if there are too many."""
    async with store.begin() as uow:
        timed = replace(work, at=await common_time(uow, time.time))
        kind, payload = encode_work(timed)
        lately = await uow.inbox.count(kind, timed.at - HOUR)
        if lately >= MAX_AN_HOUR:
            raise UserError(f"Agents made {lately} proposals and dry runs in the last hour: ask again later.")
        await uow.inbox.insert_if_new(timed.key, kind, payload, timed.at)
    return timed


async def _answer(store: Store, work: AgentProposal) -> JsonObject | None:
    async with store.read() as uow:
        return await uow.inbox.payload(work.answer_key)


async def _withdraw(store: Store, work: AgentProposal) -> bool:
    async with store.begin() as uow:
        return await uow.inbox.withdraw(work.key)


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _shown(text: Text, found: JsonObject) -> Text:
    """Return the sentence, the address of the card, and what the checks found."""
    lines = [text.plain, *([f"Card: {found['link']}"] if found.get("link") else [])]
    for check in found.get("checks", ()):
        then = f" {check['next_step']}" if check["next_step"] else ""
        lines.append(f"{check['level']}: {check['sentence']}{then}")
    return Text("\n".join(map(clean, lines)))
