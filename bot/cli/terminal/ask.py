"""Run a reading command for one cluster or for each: parsed and answered by the code that answers in Slack."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.cluster_status import cluster_status
from bot.chatops.commands.parser import Parsed, parse
from bot.chatops.commands.registry import COMMANDS
from bot.chatops.commands.tokenizer import quote
from bot.cli.terminal.exit_status import Exit, exit_status
from bot.clustermgr.cluster import Cluster
from bot.common.errors import CmbotError, UserError
from bot.common.frozen import frozen
from bot.common.text import listed
from bot.interactions.command import Reply, Scope
from bot.runtime.reading import Reader
from bot.views.errors import error_text
from bot.views.status_text import status_sentence

_SIMPLE = re.compile(r"[\w.:/*\[\]-]+")
_PAIR = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)=(.+)", re.DOTALL)
_ONE_CLUSTER = ("disk",)
"""Commands whose arguments mean something in one cluster only."""


@frozen
class TerminalAnswer:
    """The last reply of a command, or why there is none; `cluster` is "" for a command about all."""

    cluster: str
    reply: Reply | None
    error: str = ""

    @property
    def status(self) -> Exit:
        """The exit status of this answer."""
        return exit_status(self.reply.facts) if self.reply else Exit.UNKNOWN


def typed(command: str, words: Iterable[str]) -> str:
    """Return the command as it is typed in Slack; a word of the shell stays one word."""
    return " ".join((command, *map(_quoted, words)))


def _quoted(word: str) -> str:
    if pair := _PAIR.fullmatch(word):
        key, value = pair.groups()
        return f"{key}={value if _SIMPLE.fullmatch(value) else quote(value)}"
    return word if _SIMPLE.fullmatch(word) or word.endswith("=") else quote(word)


def parsed(text: str, clusters: Sequence[str]) -> Sequence[Parsed]:
    """Parse a command once for each cluster that it is about: the named one, else all. Raises UserError."""
    found = {each.cluster: each for each in (_for(text, clusters, name) for name in clusters)}
    [first, *more] = found.values()
    if more and first.command.path[0] in _ONE_CLUSTER:
        raise UserError(f"Which cluster? Write cmbot {text} <cluster>. There are {listed(clusters)}.")
    return [first, *more]


def _for(text: str, clusters: Sequence[str], default: str) -> Parsed:
    return parse(text, COMMANDS, clusters=clusters, default_cluster=default)


async def ask(reader: Reader, runs: Sequence[Parsed]) -> Sequence[TerminalAnswer]:
    """Run the command for all clusters at once; a failure is an answer too. Raises UserError."""
    await reader.refresh()
    if runs[0].command.path == ("clusters",):
        await poll_unknown(reader)
    return await asyncio.gather(*(_answer(reader, run) for run in runs))


async def _answer(reader: Reader, run: Parsed) -> TerminalAnswer:
    cluster = run.cluster if run.command.scope is not Scope.NO_CLUSTER else None
    last: Reply | None = None
    try:
        async for reply in run.command.run(reader.call(cluster), run.args):
            last = reply
    except UserError:
        raise
    except CmbotError as error:
        # An answer that could not be completed is an answer yet.
        if last is None:
            return TerminalAnswer(cluster or "", None, error_text(error))
    return TerminalAnswer(cluster or "", last)


async def poll_unknown(reader: Reader) -> None:
    """Poll the clusters of which no poll is stored, so that a list of clusters has their verdict."""
    unknown = [cluster for name, cluster in reader.clusters.items() if not reader.remembered(name).at]
    notes = await asyncio.gather(*(_polled(reader, cluster) for cluster in unknown))
    reader.notes = {**reader.notes, **{cluster.name: note for cluster, note in zip(unknown, notes, strict=True)}}


async def _polled(reader: Reader, cluster: Cluster) -> ClusterNote:
    snapshot = await cluster.snapshot(cluster.deadline)
    status = cluster_status(snapshot)
    host, seen = snapshot.leader or ("", None)
    return replace(
        reader.remembered(cluster.name),
        at=snapshot.at,
        level=str(status.level),
        verdict=status_sentence(status),
        leader=seen.raft_status.node_id if seen else 0,
        leader_host=host,
        term=snapshot.term,
        answered=len(snapshot.answered),
    )
