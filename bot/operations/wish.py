"""A wish: what somebody asks for, the request itself and how they want it done. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import UserError
from bot.operations.model import OpKind
from bot.operations.requests import Request

MIN_LEASE, MAX_LEASE = 60.0, 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Wish:
    """A request with its reason; `lease` in seconds (0: for good), `dialect` "v1", "v3" or "" (found out).

    `forced` is break-glass, `dry_run` only judges. `policy` names the policy when it is not that of the request;
    `replaces` are the dead and the new peer when it is a step of a replacement.
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
    def key(self) -> str:
        """The policy that decides on it."""
        return self.policy or policy_key(self.request.kind, self.request.to_json())

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


def policy_key(kind: OpKind, request: Mapping[str, Any]) -> str:
    """The name of the policy of an operation's request."""
    if request.get("policy"):
        return str(request["policy"])
    if kind is OpKind.TASK_SWITCH:
        return "task_enable" if request["on"] else "task_disable"
    return kind.value
