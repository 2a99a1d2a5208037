"""blocks.validate: the checks of a message or a view, without posting it."""

import re
from typing import Any

from bot.playground.slack_sim.arguments import Answer, Args, structure, unsupported
from bot.playground.slack_sim.blockkit import check_blocks, check_view
from bot.playground.slack_sim.errors import ApiError
from bot.playground.slack_sim.workspace import Workspace

_CHOICES = ("blocks", "message", "view")
_PROBLEM = re.compile(r"(?s)(.*) \[json-pointer:([^\]]*)\]")


def validate(ws: Workspace, args: Args) -> Answer:
    """blocks.validate: exactly one of blocks, message and view; as strict as posting it."""
    given = [name for name in _CHOICES if args.get(name) is not None]
    if len(given) != 1:
        raise ApiError("invalid_arguments", f"exactly one of {', '.join(_CHOICES)} is needed")
    [name] = given
    problems = _problems(ws, name, structure(args, name))
    return {"ok": False, "error": f"invalid_{name}", "errors": [_error(each) for each in problems]} if problems else {}


def _problems(ws: Workspace, name: str, value: Any) -> list[str]:
    if name == "view":
        return unsupported(ws, value.get("blocks") if isinstance(value, dict) else ()) or check_view(value)
    if name == "message":
        if not isinstance(value, dict):
            return ["must be an object [json-pointer:/message]"]
        value = value.get("blocks", [])
    return unsupported(ws, value) or check_blocks(value)


def _error(problem: str) -> dict[str, Any]:
    found = _PROBLEM.fullmatch(problem)
    words, pointer = found.groups() if found else (problem, "")
    return {"pointer": pointer.removeprefix("/blocks"), "code": "failed_constraint", "message": words}
