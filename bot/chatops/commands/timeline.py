"""/cm timeline: what happened, in order, with times in UTC and people, as a message and as a file."""

from collections.abc import AsyncIterator

from pydantic import Field, field_validator

from bot.chatops.commands.arguments import configured
from bot.chatops.commands.audit import moment
from bot.common.durations import MAX_SPAN
from bot.common.errors import SlackError, UserError
from bot.interactions.command import Args, Call, Command, Reply, Scope, TimelineBook
from bot.interactions.notes import NoteKind, subject_named
from bot.interactions.timeline import LONGEST, Timeline
from bot.views.timeline import FileState, file_name, markdown, timeline

_ABOUT = "an alert or operation: alert 17 (or 17 alone), or op 12; or leave it out and give since="
_TIME = "a span back from now such as 2h, or a time in UTC such as 2025-12-31T18:00"
_NO_SINCE = "Which time? Name an alert or operation, as in /cm timeline alert 17, or a time, as in since=2h."


class TimelineArgs(Args):
    """The alert or operation, or the time."""

    words = ("about",)
    rest = "about"
    about: tuple[str, ...] = Field((), max_length=2, description=_ABOUT)
    since: str = Field("", max_length=MAX_SPAN, description=f"in place of that: from when, {_TIME}")
    until: str = Field("", max_length=MAX_SPAN, description=f"with since=: to when (now), {_TIME}")
    cluster: str = Field("", max_length=40, description="with since=: only this cluster (all)")

    @field_validator("about")
    @classmethod
    def _is_a_subject(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value and subject_named(" ".join(value)) is None:
            raise ValueError(_ABOUT)
        return value

    @field_validator("since", "until")
    @classmethod
    def _is_a_time(cls, value: str) -> str:
        if value:
            moment(value, 0.0)
        return value


async def run_timeline(call: Call, args: TimelineArgs) -> AsyncIterator[Reply]:
    """Show the timeline, then say where the file is."""
    if call.timelines is None:
        raise UserError("Timelines are shown in Slack only.")
    found = await _found(call, args, call.timelines)
    if call.share is None or not found.events:
        yield Reply(timeline(found, FileState.NONE), private=False, facts=found)
        return
    yield Reply(timeline(found, FileState.UNDER_WAY), private=False)
    content = markdown(found, call.now).encode("utf-8", "replace")
    try:
        await call.share.upload(call.caller.channel, file_name(found), content, title="Timeline")
    except SlackError as error:
        yield Reply(timeline(found, FileState.FAILED, why=str(error)), private=False)
    else:
        yield Reply(timeline(found, FileState.DONE), private=False)


async def _found(call: Call, args: TimelineArgs, book: TimelineBook) -> Timeline:
    if subject := subject_named(" ".join(args.about)):
        if args.since or args.until or args.cluster:
            raise UserError(f"The timeline of {subject} has its own time: leave since=, until= and cluster= out.")
        if subject.kind is NoteKind.OPERATION:
            return await book.of_operation(await call.operations.shown(subject.number))
        return await book.of_alert(await call.alerts.alert(subject.number))
    if not args.since:
        raise UserError(_NO_SINCE).at("since")
    since, until = moment(args.since, call.now), moment(args.until, call.now) if args.until else call.now
    if not since < until:
        raise UserError("until= must be later than since=, and since= must be past.").at("since")
    if until - since > LONGEST:
        raise UserError("A timeline spans at most 31 days: name a shorter time with since= and until=.").at("since")
    clusters = (configured(args.cluster, tuple(call.clusters)),) if args.cluster else tuple(call.clusters)
    return await book.between(clusters, since, until)


TIMELINE = Command(
    path=("timeline",),
    summary="What happened around an alert, an operation or a time, in order: for the post-mortem.",
    args=TimelineArgs,
    run=run_timeline,
    scope=Scope.NO_CLUSTER,
    examples=("/cm timeline alert 17", "/cm timeline op 12", "/cm timeline since=2h cluster=prod"),
    notes=(
        "It has alerts as they fired, got worse, were acknowledged, silenced and resolved, each step of operations "
        "with its people, changes of the leader, of members and of switches, silences, and notes. Times are in UTC. "
        "The message is shortened; a Markdown file with all events (at most 2,000) appears in the channel, for "
        "everyone in it; cmbot must be in the channel. There is no file if answers are private."
    ),
)
