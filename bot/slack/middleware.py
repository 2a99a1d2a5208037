"""Acknowledges the deliveries of Slack in time and passes them to the dispatcher; one Bolt app for both transports.

One global middleware answers everything, instead of Bolt's listeners: Bolt polls every 10 ms for the acknowledgement of
a listener, and acknowledges events before their listener runs.
"""

import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.chatops.button_router import only_reads
from bot.chatops.commands.parser import is_changing
from bot.chatops.dispatcher import STORE_DOWN, Dispatcher
from bot.chatops.forms.events import FormAnswer, HomeOpened, ViewAction, ViewSubmission
from bot.chatops.forms.validation import store_down
from bot.chatops.slack_gateway import SlackGateway
from bot.common.errors import SlackError, StoreError
from bot.common.frozen import frozen
from bot.common.json_object import JsonObject
from bot.interactions.command import Reply
from bot.interactions.command_name import DEFAULT, json_with_command, with_command
from bot.interactions.events import Click, Invocation, Mention
from bot.interactions.message import Message
from bot.slack.installation import InstallationCheck
from bot.slack.payloads import Delivered, Ignored, Sharing, read
from bot.slack.task_queue import BackgroundWork, TaskQueue
from bot.telemetry.trace import NO_TRACE, trace_of, within

log = structlog.get_logger(__name__)

OnAck = Callable[[str, float], None]
"""Called for each acknowledgement with its kind (`read`, `change`, `busy`, `click`, `view`, `form`, `home`, `mention`,
`other`)
and its duration in seconds."""

MAX_AT_ONCE = 200
"""Running pieces of work above which no command starts: hosts that hang keep each one for twenty seconds."""
MAX_OF_ONE_PERSON = 60
"""Running commands of one person above which no further one starts, so that one person cannot block the others."""
BUSY = "This was not started, because cmbot has too many requests at the moment. Try again in a few seconds."


Bolt = AsyncApp
"""Bolt's app, named here so that no other package imports the library."""


class Dedup:
    """Remembers up to `most` keys of deliveries for `seconds`; for work that is not stored."""

    def __init__(self, clock: Callable[[], float], *, seconds: float = 900.0, most: int = 10_000) -> None:
        self._clock, self._seconds, self._most = clock, seconds, most
        self._keys: OrderedDict[str, float] = OrderedDict()

    def first(self, key: str) -> bool:
        """Record `key`; False if it is recorded already."""
        now = self._clock()
        while self._keys and next(iter(self._keys.values())) <= now:
            self._keys.popitem(last=False)
        if key in self._keys:
            return False
        if len(self._keys) >= self._most:
            self._keys.popitem(last=False)
        self._keys[key] = now + self._seconds
        return True


class OnSharing(Protocol):
    """Takes a channel, and if it is shared with another organisation."""

    def __call__(self, channel: str, *, shared: bool) -> None:
        """Record it."""


def _ignore_sharing(channel: str, *, shared: bool) -> None:
    """Stand for a program that does not ask."""


@frozen
class Surfaces:
    """Handlers for views and events: the Home tab opened, a click or a choice, a form sent, a mention."""

    on_home: Callable[[HomeOpened], BackgroundWork]
    on_act: Callable[[ViewAction], BackgroundWork]
    on_submit: Callable[[ViewSubmission], Awaitable[FormAnswer]]
    """Validates a form within three seconds; returns its acknowledgement, and the work to store before that."""
    on_mention: Callable[[Mention], BackgroundWork]
    """Answers a message that mentions the bot."""
    on_sharing: OnSharing = _ignore_sharing
    """Takes what an event says about a channel and other organisations."""


class AckMiddleware(AsyncMiddleware):
    """Acknowledges all deliveries; clicks, forms and changing commands once they are stored.

    A command that reads is acknowledged before it runs: it is only queued here, and Bolt writes the acknowledgement
    within the same turn of the event loop.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        slack: SlackGateway,
        background: TaskQueue,
        surfaces: Surfaces,
        *,
        on_ack: OnAck,
        command: str = DEFAULT,
    ) -> None:
        self._dispatcher, self._slack, self._background = dispatcher, slack, background
        self._surfaces, self._on_ack = surfaces, on_ack
        self._command, self._other = command, ""
        self._seen = Dedup(time.monotonic)
        self._of: Counter[str] = Counter()

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002 - the signature is Bolt's
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002, ARG002 - as above
    ) -> BoltResponse:
        """Acknowledge; `next` is never called, because Bolt has no listeners here."""
        began = time.monotonic()
        self._compare(req.body.get("command"))
        delivered = read(req.body)
        with within(NO_TRACE if isinstance(delivered, Ignored | Sharing) else trace_of(delivered.key)):
            kind, answer = await self._deliver(delivered)
        self._on_ack(kind, time.monotonic() - began)
        return answer

    def _compare(self, typed: object) -> None:
        """Log once that people type another command than the one that the answers name."""
        if isinstance(typed, str) and typed not in {self._command, self._other}:
            self._other = typed
            log.warning(
                "edge.other_command",
                typed=typed[:40],
                named=self._command,
                what="the answers name another command than people type: set slack.command",
            )

    async def _deliver(self, delivered: Delivered) -> tuple[str, BoltResponse]:
        if isinstance(delivered, Mention):
            return self._mentioned(delivered)
        if isinstance(delivered, Invocation):
            if self._busy(delivered.user):
                return "busy", _text_answer(with_command(BUSY, self._command))
            if is_changing(delivered.text):
                return "change", await self._persist(delivered)
            return "read", self._begin(delivered)
        if isinstance(delivered, Click):
            return "click", await self._persist(delivered)
        return await self._deliver_of_view(delivered)

    def _busy(self, user: str) -> bool:
        return len(self._background) >= MAX_AT_ONCE or self._of[user] >= MAX_OF_ONE_PERSON

    def _mentioned(self, mention: Mention) -> tuple[str, BoltResponse]:
        if self._busy(mention.user):
            # Not acknowledged: Slack delivers an event again, at once, after a minute and after five.
            return "busy", BoltResponse(status=503, body="")
        if self._seen.first(mention.key):
            self._of[mention.user] += 1
            self._background.start(self._counted(mention.user, self._surfaces.on_mention(mention)))
        return "mention", _ack()

    async def _deliver_of_view(
        self, delivered: ViewAction | ViewSubmission | HomeOpened | Sharing | Ignored
    ) -> tuple[str, BoltResponse]:
        if isinstance(delivered, ViewAction):
            if len(self._background) >= MAX_AT_ONCE:
                # The person can choose again; a form with the fields of another choice is refused when it is sent.
                return "busy", _ack()
            return "view", self._once(delivered.key, lambda: self._surfaces.on_act(delivered))
        if isinstance(delivered, ViewSubmission):
            return "form", await self._submit(delivered)
        if isinstance(delivered, HomeOpened):
            return "home", self._once(delivered.key, lambda: self._surfaces.on_home(delivered))
        if isinstance(delivered, Sharing):
            log.warning("slack.channel_sharing", channel=delivered.channel, shared=delivered.shared)
            self._surfaces.on_sharing(delivered.channel, shared=delivered.shared)
            return "other", _ack()
        return "other", _ignored(delivered)

    def _begin(self, work: Invocation) -> BoltResponse:
        if self._seen.first(work.key):
            self._of[work.user] += 1
            self._background.start(self._counted(work.user, self._dispatcher.execute(work)))
        return _ack()

    async def _counted(self, user: str, work: BackgroundWork) -> None:
        try:
            await work
        finally:
            self._of[user] -= 1
            if not self._of[user]:
                del self._of[user]

    def _once(self, key: str, work: Callable[[], BackgroundWork]) -> BoltResponse:
        if self._seen.first(key):
            self._background.start(_under(key, work))
        return _ack()

    async def _persist(self, work: Invocation | Click) -> BoltResponse:
        try:
            fresh = await self._dispatcher.accept(work)
        except StoreError as error:
            if isinstance(work, Click) and only_reads(work):
                return self._once(work.key, lambda: self._dispatcher.execute(work))
            log.warning("inbound.refused", user=work.user, kind=type(work).__name__, error=str(error))
            return self._store_down(work)
        if fresh:
            self._background.start(self._dispatcher.work(work))
        return _ack()

    async def _submit(self, sent: ViewSubmission) -> BoltResponse:
        answer = await self._surfaces.on_submit(sent)
        work = answer.work
        shown = json_with_command(answer.answer, self._command)
        if work is None:
            return _answered(shown)
        try:
            fresh = await self._dispatcher.accept(work)
        except StoreError as error:
            log.warning("inbound.refused", user=work.user, kind="Submission", error=str(error))
            return _answered(store_down(sent))
        if fresh:
            self._background.start(self._dispatcher.work(work))
        return _answered(shown)

    def _store_down(self, work: Invocation | Click) -> BoltResponse:
        if isinstance(work, Invocation):
            return _text_answer(STORE_DOWN)
        # The acknowledgement of a click shows nothing, so the answer goes to its response_url.
        self._background.start(self._respond(work, STORE_DOWN))
        return _ack()

    async def _respond(self, click: Click, text: str) -> None:
        try:
            if click.response_url:
                await self._slack.respond(click.response_url, Reply(Message(text)))
            else:
                # A click in the Home tab.
                await self._slack.post(click.user, Message(text))
        except SlackError as error:
            log.warning("answer.lost", error=str(error), code=error.code)


async def _under(key: str, work: Callable[[], BackgroundWork]) -> None:
    """Do the work in the trace of its delivery: the queue may begin it in that of another one."""
    with within(trace_of(key)):
        await work()


def _ack() -> BoltResponse:
    return BoltResponse(status=200, body="")


def _text_answer(words: str) -> BoltResponse:
    """Return the acknowledgement of a command with a text for its sender only."""
    return BoltResponse(status=200, body={"response_type": "ephemeral", "text": words})


def _answered(answer: JsonObject) -> BoltResponse:
    """Return the acknowledgement of a form with the next state of its view."""
    return BoltResponse(status=200, body=dict(answer))


def _ignored(delivered: Ignored) -> BoltResponse:
    log.debug("inbound.passed_over", why=delivered.why)
    return _ack()


def build_app(edge: AckMiddleware, gate: InstallationCheck, *, api_url: str) -> Bolt:
    """Return a Bolt app around `edge`, behind `gate`, for both transports; it has no token and checks no signature.

    Socket Mode needs no signature; bot/slack/http.py checks the signature of each request first.
    """
    # Bolt reads tokens from the environment by itself and warns about those it does not use: errors only.
    logger = logging.getLogger("slack_bolt.cmbot")
    logger.setLevel(logging.ERROR)
    app = AsyncApp(
        name="cmbot",
        logger=logger,
        signing_secret="",
        client=AsyncWebClient(base_url=api_url, retry_handlers=[], logger=logger),
        authorize=_installation,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
    )
    app.use(gate)
    app.use(edge)
    app.error(_failed)
    return app


async def _installation(enterprise_id: str | None, team_id: str | None, user_id: str | None) -> AuthorizeResult:
    """Stand in for auth.test, which Bolt would otherwise call before the first acknowledgement."""
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, user_id=user_id)


async def _failed(error: Exception, body: JsonObject) -> BoltResponse:
    """Log a failure before the acknowledgement; Slack then shows its user that the app did not answer."""
    log.error("inbound.crashed", kind=str(body.get("type") or body.get("command"))[:40], exc_info=error)
    return BoltResponse(status=500, body="")
