"""The tools for agents: each runs a reading command of `/cm` with arguments that are validated here. No I/O."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.chatops.commands.arguments import configured
from bot.chatops.commands.disk_list import MAX_LIMIT, Status
from bot.chatops.commands.disks import MAX_DISK_ID
from bot.chatops.commands.parser import Parsed
from bot.chatops.commands.registry import COMMANDS
from bot.common.durations import MAX_SPAN
from bot.common.errors import UserError
from bot.common.frozen import frozen
from bot.common.text import listed, suggestion
from bot.interactions.command import Command, Scope

_BY_NAME: Mapping[str, Command] = MappingProxyType({each.path[0]: each for each in COMMANDS if len(each.path) == 1})
_WORDS = "the name of a cluster, as the tool clusters lists it; without it all clusters"
_ClusterName = Annotated[str, Field(max_length=40, description=_WORDS)]


class ToolInput(BaseModel):
    """Arguments of a tool; an unknown one is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class OfCluster(ToolInput):
    """A cluster, or all."""

    cluster: _ClusterName = ""


class OfDisks(OfCluster):
    """Filters for disks; all of them must fit."""

    state: Status | None = Field(None, description="only disks in this state")
    zone: str | None = Field(None, min_length=1, max_length=100, description="only disks of this zone (idc)")
    host: str | None = Field(None, min_length=1, max_length=200, description="only disks of this blobnode")
    limit: int = Field(20, ge=1, le=MAX_LIMIT, description="how many disks to return")


class OfDisk(ToolInput):
    """One disk."""

    disk: int = Field(ge=1, le=MAX_DISK_ID, description="the number of the disk")
    cluster: str = Field("", max_length=40, description="its cluster; needed if there are several")


class OfOperations(OfCluster):
    """Which operations."""

    state: Literal["open", "recent"] = Field("open", description="the open ones, or the last ones in any state")


class OfRule(ToolInput):
    """A rule of the watch."""

    rule: str = Field(min_length=1, max_length=40, description="the rule of an alert, or the number of an alert")


class OfTime(ToolInput):
    """An alert, an operation, or a time."""

    about: str = Field("", max_length=40, description="alert 17, or op 12; without it a time")
    since: str = Field("", max_length=MAX_SPAN, description="from when: a span such as 2h, or 2025-12-31T18:00 (24h)")
    until: str = Field("", max_length=MAX_SPAN, description="to when, in the same form (now)")
    cluster: _ClusterName = ""


ToolRuns = Callable[[Any, Sequence[str]], Sequence[Parsed]]
"""Makes commands of the arguments of a tool and the names of the clusters that may be read. Raises UserError."""


@frozen
class AgentTool:
    """A tool; the answer has a verdict unless it is about history or text."""

    name: str
    title: str
    description: str
    input: type[ToolInput]
    runs: ToolRuns
    verdict: bool = True

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its arguments."""
        return self.input.model_json_schema()

    def parsed(self, arguments: Mapping[str, Any], clusters: Sequence[str]) -> Sequence[Parsed]:
        """Return what is to run, in one cluster or in each. Raises UserError."""
        try:
            return self.runs(self.input.model_validate(dict(arguments)), clusters)
        except ValidationError as error:
            raise UserError(f"{self.name}: {'; '.join(map(fault, error.errors(include_url=False)))}.") from error


def fault(error: Mapping[str, Any]) -> str:
    """Return an error of pydantic with the argument that it is about."""
    where = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"{where[:60]}: there is no such argument"
    return f"{where[:60]}: {error['msg'].removeprefix('Value error, ')[:300].rstrip('.')}"


def _wanted(cluster: str, clusters: Sequence[str]) -> Sequence[str]:
    return (configured(cluster, clusters),) if cluster else tuple(clusters)


def _each(command: Command, names: Sequence[str], **values: Any) -> Sequence[Parsed]:
    """Run a command about one cluster in each of them."""
    if command.scope is Scope.NO_CLUSTER:
        raise AssertionError(f"{command.path} is not about one cluster")
    return [Parsed(command, command.args(**values), name) for name in names]


def _once(command: Command, **values: Any) -> Sequence[Parsed]:
    return [Parsed(command, command.args(**values), None)]


def _cluster(name: str) -> ToolRuns:
    def runs(given: OfCluster, clusters: Sequence[str]) -> Sequence[Parsed]:
        return _each(_BY_NAME[name], _wanted(given.cluster, clusters))

    return runs


def _disks(given: OfDisks, clusters: Sequence[str]) -> Sequence[Parsed]:
    filters = {"status": given.state, "idc": given.zone, "host": given.host}
    return _each(_BY_NAME["disks"], _wanted(given.cluster, clusters), limit=given.limit, **filters)


def _disk(given: OfDisk, clusters: Sequence[str]) -> Sequence[Parsed]:
    names = _wanted(given.cluster, clusters)
    if len(names) > 1:
        raise UserError(f"disk: cluster: name the cluster of disk {given.disk}. There are {listed(names)}.")
    return _each(_BY_NAME["disk"], names, id=given.disk)


def _alerts(given: OfCluster, clusters: Sequence[str]) -> Sequence[Parsed]:
    return _once(_BY_NAME["alerts"], cluster=_one(given.cluster, clusters))


def _operations(given: OfOperations, clusters: Sequence[str]) -> Sequence[Parsed]:
    return _once(_BY_NAME["ops"], state=given.state, cluster=_one(given.cluster, clusters))


def _one(cluster: str, clusters: Sequence[str]) -> str:
    return configured(cluster, clusters) if cluster else ""


def _timeline(given: OfTime, clusters: Sequence[str]) -> Sequence[Parsed]:
    cluster = _one(given.cluster, clusters)
    since = given.since or ("" if given.about else "24h")
    about = tuple(given.about.split())
    return _once(_BY_NAME["timeline"], about=about, since=since, until=given.until, cluster=cluster)


def _runbook(given: OfRule, _: Sequence[str]) -> Sequence[Parsed]:
    return _once(_BY_NAME["runbook"], rule=given.rule)


def _clusters(_: ToolInput, __: Sequence[str]) -> Sequence[Parsed]:
    return _once(_BY_NAME["clusters"])


TOOLS: Mapping[str, AgentTool] = MappingProxyType(
    {
        tool.name: tool
        for tool in (
            AgentTool(
                "clusters",
                "All clusters",
                "The clusters of CubeFS BlobStore that may be read, each with its verdict at the last poll.",
                ToolInput,
                _clusters,
            ),
            AgentTool(
                "status",
                "State of a cluster",
                "The state of a cluster now: verdict with reasons, leader, quorum, members, hosts, space, disks by "
                "zone, volumes.",
                OfCluster,
                _cluster("stat"),
            ),
            AgentTool(
                "disks",
                "Disks of a cluster",
                "How many disks are in each state, and the disks that fit the filters, what is not normal first.",
                OfDisks,
                _disks,
            ),
            AgentTool(
                "disk",
                "One disk",
                "All facts of one disk, and whether it may be pulled without risk to data.",
                OfDisk,
                _disk,
            ),
            AgentTool(
                "tasks",
                "Background tasks",
                "Each background task (repair, drop, balance, …): its switch, and what happens.",
                OfCluster,
                _cluster("tasks"),
            ),
            AgentTool(
                "risk",
                "Volumes at risk",
                "The volumes that have lost units or cannot reach them, and how many more units each can lose. It may "
                "take a minute.",
                OfCluster,
                _cluster("risk"),
            ),
            AgentTool(
                "alerts",
                "Open alerts",
                "The open alerts, the most severe first, who holds them, and the silences in force.",
                OfCluster,
                _alerts,
            ),
            AgentTool(
                "operations",
                "Operations",
                "The changes that people proposed: what, by whom, approved by whom, in which state.",
                OfOperations,
                _operations,
            ),
            AgentTool(
                "runbook",
                "Runbook of a rule",
                "What a rule of the watch means, why it matters, and what people do about it, step by step.",
                OfRule,
                _runbook,
                verdict=False,
            ),
            AgentTool(
                "timeline",
                "Timeline",
                "What happened around an alert, an operation or in a time (at most 31 days), in order: alerts, "
                "operations, changes of leader, members and switches, silences, notes.",
                OfTime,
                _timeline,
                verdict=False,
            ),
        )
    }
)
"""The tools by name; every one reads only."""


def tool_named(name: str) -> AgentTool:
    """Return a tool; raises UserError that lists them."""
    found = TOOLS.get(name)
    if found is None:
        raise UserError(f"There is no tool {name!r:.60}.{suggestion(name, TOOLS)} Tools: {', '.join(TOOLS)}.")
    return found
