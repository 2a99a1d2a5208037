"""Who may change what: the holders of roles, and the approval of each kind of change."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

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


class GlassSettings(PolicySettings):
    """The approval of break-glass; `code` says if its requester must type a time-based code."""

    code: Literal["required", "optional"] | None = None

    @model_validator(mode="after")
    def _is_strict(self) -> Self:
        """Refuse settings that make break-glass less strict than its defaults."""
        milder = (
            ("approvals", self.approvals == 1, "at least 2"),
            ("requester_may", self.requester_may not in {None, "never"}, "never"),
            ("reason", self.reason == "optional", "required"),
        )
        for key, wrong, least in milder:
            if wrong:
                raise ValueError(f"break_glass.{key} is always {least}: leave it out, or make it stricter")
        return self


class Policies(Section):
    """The approvals of all kinds of change, for all clusters or for one; `default` is what missing keys mean.

    With `strict` a second person decides on each change that risks a cluster; with `loose` an approver may approve
    their own. A missing `default` of a cluster is that of all clusters.
    """

    default: Literal["strict", "loose"] | None = None
    task_enable: PolicySettings | None = None
    task_disable: PolicySettings | None = None
    member_add: PolicySettings | None = None
    member_remove: PolicySettings | None = None
    member_replace: PolicySettings | None = None
    leader_transfer: PolicySettings | None = None
    disk_readonly: PolicySettings | None = None
    disk_writable: PolicySettings | None = None
    disk_broken: PolicySettings | None = None
    disk_offline: PolicySettings | None = None
    node_offline: PolicySettings | None = None
    break_glass: GlassSettings | None = None

    @property
    def kinds(self) -> Mapping[str, PolicySettings]:
        """The policies that the settings name, by kind of change."""
        return {key: value for key, value in self if isinstance(value, PolicySettings)}
