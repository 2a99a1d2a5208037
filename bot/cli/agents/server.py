"""The tools as a server of the Model Context Protocol, and standard input and output as its transport."""

from typing import Any

import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server

from bot.cli.agents.answers import NOTICE, OUTPUT_SCHEMA
from bot.cli.agents.calls import AgentCalls
from bot.cli.agents.propose import DESCRIPTION, PROPOSE, TITLE, ProposeInput
from bot.cli.agents.tools import TOOLS, AgentTool
from bot.common.version import own_version

_ABOUT = "cmbot watches CubeFS BlobStore clusters. "
_READ_ONLY = "These tools read only: changes are proposed and approved by people in Slack. "
_PROPOSES = "The tool propose proposes a change, which people approve or reject in Slack; all others read only. "
_BEGIN = "Begin with clusters or alerts; runbook says what people do about an alert. "


def instructions(*, proposes: bool) -> str:
    """Return what an agent is to know first."""
    return f"{_ABOUT}{_PROPOSES if proposes else _READ_ONLY}{_BEGIN}{NOTICE}"


def tool_server(calls: AgentCalls) -> Server[Any]:
    """Build the server."""

    async def offered(_: ServerRequestContext[Any], __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        own = [_proposing()] if calls.proposals is not None else []
        return types.ListToolsResult(tools=[*map(_described, TOOLS.values()), *own])

    async def called(_: ServerRequestContext[Any], asked: types.CallToolRequestParams) -> types.CallToolResult:
        found = await calls.answer(asked.name, asked.arguments or {})
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=found.text)],
            structured_content=found.data,
            is_error=found.failed,
        )

    server: Server[Any] = Server(
        "cmbot",
        version=own_version(),
        title="cmbot",
        instructions=instructions(proposes=calls.proposals is not None),
        on_list_tools=offered,
        on_call_tool=called,
    )
    # Spans are made by cmbot alone.
    server.middleware.clear()
    return server


def _described(tool: AgentTool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.schema,
        output_schema=dict(OUTPUT_SCHEMA),
        annotations=types.ToolAnnotations(
            title=tool.title, read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )


def _proposing() -> types.Tool:
    return types.Tool(
        name=PROPOSE,
        title=TITLE,
        description=DESCRIPTION,
        input_schema=ProposeInput.model_json_schema(),
        output_schema=dict(OUTPUT_SCHEMA),
        annotations=types.ToolAnnotations(
            title=TITLE, read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
        ),
    )


async def over_stdio(server: Server[Any]) -> None:
    """Serve the process that started this one, until it closes standard input."""
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
