"""Who may change what: the holders of roles, and the approval of each kind of change."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from bot.common.durations import seconds_in_settings
from bot.config.section import Section
from bot.config.types import Called, ChannelId, GroupId, Source, UserId


class Members(Section):
    """The holders of a role: ids of users and of user groups."""

    users: tuple[UserId, ...] = ()
    groups: tuple[GroupId, ...] = ()


class AccessSettings(Section):
    """The holders of each role; without operators no one may change anything."""

    operators: Members = Members()
    approvers: Members = Members()
    admins: Members = Members()
    breakers: Members = Members()


class ClusterAccessSettings(Section):
    """The holders of roles on one cluster; a role that is named here replaces the global one there."""

    operators: Members | None = None
    approvers: Members | None = None
    admins: Members | None = None
    breakers: Members | None = None


class PolicySettings(Section):
    """The approval of one kind of change; a missing key takes the global value, else the default."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, populate_by_name=True)
    approvals: int | None = Field(None, ge=1, le=5)
    source: Source | None = Field(None, alias="from")
    requester_may: Literal["always", "if_approver", "never"] | None = None
    reason: Literal["required", "optional"] | None = None
    expires_after: Annotated[float, BeforeValidator(seconds_in_settings), Field(ge=10, le=86400)] | None = None
    channels: tuple[ChannelId, ...] | None = None
    call: Called | None = None


PolicyKey = Literal[
    "task_enable",
    "task_disable",
    "member_add",
    "member_remove",
    "member_replace",
    "leader_transfer",
    "disk_readonly",
    "disk_writable",
    "disk_broken",
    "disk_offline",
    "node_offline",
    "break_glass",
]


def _glass_is_strict(policies: Mapping[str, PolicySettings]) -> Mapping[str, PolicySettings]:
    """Refuse settings that make break-glass less strict than its defaults."""
    glass = policies.get("break_glass", PolicySettings())
    milder = (
        ("approvals", glass.approvals == 1, "at least 2"),
        ("requester_may", glass.requester_may not in {None, "never"}, "never"),
        ("reason", glass.reason == "optional", "required"),
    )
    for key, wrong, least in milder:
        if wrong:
            raise ValueError(f"break_glass.{key} is always {least}: leave it out, or make it stricter")
    return policies


Policies = Annotated[Mapping[PolicyKey, PolicySettings], AfterValidator(_glass_is_strict)]
