"""A wish: what somebody asks for, the request itself and how they want it done. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.common.errors import UserError
from bot.operations.model import OpKind
from bot.operations.requests import Request

MIN_LEASE, MAX_LEASE = 60.0, 30 * 86400.0


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """A request with its reason; `lease` in seconds (0: for good), `dialect` "v1", "v3" or "" (found out).

    `forced` is break-glass, `dry_run` only judges. `policy` names a further policy: that of the whole whose step it
    is. `replaces` are the dead and the new peer when it is a step of a replacement.
    """

    request: Request
    reason: str = ""
    dry_run: bool = False
    forced: bool = False
    lease: float = 0.0
    dialect: str = ""
    policy: str = ""
    replaces: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.lease and not MIN_LEASE <= self.lease <= MAX_LEASE:
            raise UserError("for= takes a time between 1m and 30d, as in for=2h.")

    @property
    def keys(self) -> tuple[str, ...]:
        """The policies that decide on it, the strictest of which holds in each field."""
        return policy_keys(self.request.kind, self.to_json())

    def to_json(self) -> dict[str, Any]:
        """What an operation keeps of it as its `request`."""
        extra = {
            "reason": self.reason,
            "forced": self.forced,
            "lease": self.lease,
            "dialect": self.dialect,
            "policy": self.policy,
            "replaces": list(self.replaces),
        }
        return self.request.to_json() | {name: value for name, value in extra.items() if value}


def policy_keys(kind: OpKind, request: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the policies of an operation's request: of its own kind, and of all that it is part of or leads to.

    A step of a replacement is a change of members too. A switch for a time only is turned twice, the second time
    without anybody's approval.
    """
    found = [str(request["policy"])] if request.get("policy") else []
    if kind is not OpKind.TASK_SWITCH:
        return tuple(dict.fromkeys((*found, kind.value)))
    own, back = ("task_enable", "task_disable") if request["on"] else ("task_disable", "task_enable")
    return (*found, own, *((back,) if request.get("lease") else ()))
