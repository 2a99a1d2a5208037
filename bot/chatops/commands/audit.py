"""/cm audit: who did what when, from the audit log, as a table and as a file."""

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from pydantic import Field, field_validator

from bot.audit.query import AuditQuery, CsvExport
from bot.common.durations import MAX_SPAN, seconds_of
from bot.common.errors import SlackError, StoreError, UserError
from bot.common.text import listed, shown, suggestion
from bot.interactions.command import Args, Call, Caller, Command, FileShare, Reply, Scope
from bot.permissions.roles import Role
from bot.views.audit import Upload, audit

MAX_LIMIT = 90
"""Rows that one message can show as a table."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?", re.ASCII)
_EXPECTED = "a span back from now such as 30m, 2h30m, 7d or 4w, or a time in UTC such as 2025-12-31 or 2025-12-31T18:00"


class AuditArgs(Args):
    """Filters; all of them must fit."""

    since: str = Field("", max_length=MAX_SPAN, description=_EXPECTED)
    user: str = Field("", pattern=r"^[UW][A-Z0-9]{2,30}$", description="a person, as in user=@anna: what they did")
    cluster: str = Field("", max_length=40, description="about this cluster, configured or not")
    limit: int = Field(20, ge=1, le=MAX_LIMIT, description=f"rows to show, 1 to {MAX_LIMIT} (20); the file has all")

    @field_validator("since")
    @classmethod
    def _is_a_time(cls, value: str) -> str:
        moment(value, 0.0)
        return value


def moment(since: str, now: float) -> float:
    """Return the time that `since` means at `now` (Unix seconds); raises ValueError that names the expected form."""
    written = since.strip()
    with suppress(ValueError):
        return now - seconds_of(written)
    if _DAY.fullmatch(written.upper()) is None:
        raise ValueError(_EXPECTED)
    try:
        return datetime.fromisoformat(written.upper()).replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise ValueError(_EXPECTED) from error


async def run_audit(call: Call, args: AuditArgs) -> AsyncIterator[Reply]:
    """Show the newest rows, then say where the file with all of them is."""
    since = moment(args.since, call.now) if args.since else 0.0
    asked = await _seen_by(call, AuditQuery(since, args.user, args.cluster.lower()))
    found = await call.audit.newest(asked, args.limit)
    if not found.rows and asked.cluster and asked.cluster not in call.clusters:
        raise UserError(_no_cluster(args.cluster, tuple(call.clusters)))
    if not found.rows or call.share is None:
        yield Reply(audit(found, asked, Upload.NONE), private=False)
        return
    yield Reply(audit(found, asked, Upload.UNDER_WAY), private=False)
    try:
        sheet = await call.audit.sheet(asked)
        await _share(call.share, call.caller, sheet)
    except (SlackError, StoreError) as error:
        yield Reply(audit(found, asked, Upload.FAILED, why=str(error)), private=False)
    else:
        yield Reply(audit(found, asked, Upload.DONE), private=False)


async def _seen_by(call: Call, asked: AuditQuery) -> AuditQuery:
    """Limit the query to clusters on which the caller is an operator."""
    user, configured = call.caller.user, tuple(call.clusters)
    if asked.cluster in configured:
        await call.access.require(user, Role.OPERATOR, asked.cluster)
        return asked
    allowed = await call.access.of_clusters(user, Role.OPERATOR, ("", *configured))
    if "" in allowed:
        return replace(asked, hidden=tuple(name for name in configured if name not in allowed))
    return replace(asked, among=allowed)


async def _share(share: FileShare, caller: Caller, sheet: CsvExport) -> None:
    part = "" if sheet.rows == sheet.total else f" The newest {sheet.rows:,} of {sheet.total:,} rows."
    comment = f"The audit log as CSV.{part} `cmbot audit export` writes all of it, in a form that can be proven."
    await share.upload(
        caller.channel,
        "cmbot-audit.csv",
        sheet.content,
        title="Audit log",
        comment=comment,
        thread_ts=caller.thread or None,
    )


def _no_cluster(name: str, clusters: tuple[str, ...]) -> str:
    near = suggestion(name, clusters)
    return f"The audit log has nothing about a cluster {shown(name)}.{near} Configured: {listed(clusters)}."


AUDIT = Command(
    path=("audit",),
    summary="Changes, their approvals and outcomes, and refusals.",
    args=AuditArgs,
    run=run_audit,
    scope=Scope.NO_CLUSTER,
    role=Role.OPERATOR,
    examples=("/cm audit", "/cm audit since=7d cluster=prod", "/cm audit since=2025-12-31T18:00 limit=50"),
    notes=(
        "The table and a CSV file with all matching rows (at most 20,000) appear in the channel, for everyone in it; "
        "cmbot must be in the channel. There is no file if answers are private."
    ),
    manual="audit.md",
)
