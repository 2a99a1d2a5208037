"""Every call to Slack: messages, answers by response_url, views and look-ups, over one HTTP session.

It implements the ports `Poster` (delivery), `SlackGateway` (chatops) and `GroupMembers` (permissions).
"""

import asyncio
import dataclasses
import json
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.chatops.slack_gateway import Asked, OpenView
from bot.common.errors import SlackError, SlackLost, SlackRetryable
from bot.common.frozen import frozen
from bot.common.json_object import JsonObject
from bot.common.message_key import MessageKey
from bot.config.proxy import SlackProxy
from bot.delivery.block_support import BlockSupport, call_plainer
from bot.interactions.command import Reply
from bot.interactions.command_name import DEFAULT, json_with_command, message_with_command, with_command
from bot.interactions.message import BlockJson, Message
from bot.slack import methods
from bot.slack.errors import FOREIGN, faults_of, refused, translated
from bot.slack.identity import EVENT_TYPE, Identity, is_ours, part
from bot.slack.measure import OnCall, ignore_call, measured
from bot.slack.methods import Method
from bot.slack.responses import PLAIN, answer, patiently
from bot.slack.session import opened
from bot.slack.shared_channels import SharedChannels
from bot.slack.upload import send as send_file
from bot.slack.upload import sharing

_PAGE = 200
_READ_BY_PEOPLE = ("text", "blocks", "view")
"""Arguments with what people read."""
_MAX_PAGES = 50
_GROUP_SECONDS = 60.0
_AGAIN_SECONDS = 2.0
"""A read that failed sooner is made again: someone waits for its answer, and Slack for the acknowledgement."""
_PRIVATE = "groups:read"
"""Scope that shows private channels."""


@frozen
class Channel:
    """One channel as Slack shows it to the bot."""

    id: str
    name: str
    member: bool
    archived: bool
    private: bool
    shared: bool = False
    """True if it is shared with another organisation, or an invitation to one waits."""


class SlackClient:
    """An async context manager; every method raises SlackError, SlackRetryable or (when it posts) SlackLost.

    `api_url` ends with a slash; `timeout` and `connect_timeout` are seconds of one call. This class never retries:
    the outbox does, and bot/slack/responses.py retries an answer by response_url if nothing was sent.
    """

    def __init__(
        self,
        token: str,
        api_url: str,
        *,
        timeout: float = 15.0,
        connect_timeout: float = 5.0,
        proxy: SlackProxy | None = None,
        command: str = DEFAULT,
        monotonic: Callable[[], float] = time.monotonic,
        on_call: OnCall = ignore_call,
    ) -> None:
        # The SDK logs bodies at debug and looks at this logger's own level for whether to format them.
        logger = logging.getLogger("slack_sdk.cmbot")
        logger.setLevel(logging.WARNING)
        # No retry handlers: the SDK's default one sends a post again after a cut connection.
        self._client = AsyncWebClient(token=token, base_url=api_url, retry_handlers=[], logger=logger)
        # The SDK by itself takes one from the environment, for the loopback too.
        self._client.proxy = proxy.of(api_url) if proxy else None
        self._proxy, self._command = proxy, command
        self._api_url = api_url
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=connect_timeout)
        self._monotonic = monotonic
        self._on_call = on_call
        self._groups: dict[str, tuple[float, frozenset[str]]] = {}
        self._no_groups: tuple[float, SlackError | None] = (0.0, None)
        self._asked: dict[str, tuple[float, frozenset[str]]] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._me: Identity | None = None
        self.shared = SharedChannels(self._is_shared, monotonic)
        """Which channels are shared with another organisation."""
        self.support = BlockSupport()
        """Which blocks the workspace takes."""
        self.app_id = ""
        """Our app's id, "" until Slack has named it."""

    def proxy_of(self, address: str) -> str | None:
        """Return the proxy for an address of Slack, None for a direct connection."""
        return self._proxy.of(address) if self._proxy else None

    @property
    def token(self) -> str:
        """The bot token as configured."""
        return self._client.token or ""

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._client.session = opened(self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the session."""
        await self._session.close()

    @property
    def _session(self) -> aiohttp.ClientSession:
        session = self._client.session
        if session is None:
            raise RuntimeError("SlackClient is used outside its `async with`")
        return session

    async def post(
        self, channel: str, message: Message, *, thread_ts: str | None = None, broadcast: bool = False
    ) -> str:
        """Post a new message, into a thread when `thread_ts` is given; returns its ts."""
        thread = {"thread_ts": thread_ts, "reply_broadcast": broadcast} if thread_ts else {}
        data = await self._write(methods.POST, {"channel": channel, **_shown(message), **thread})
        self.learn_app(part(data, "message").get("app_id"))
        return _text(data, "ts", methods.POST)

    async def update(self, channel: str, ts: str, message: Message) -> None:
        """Replace the content of the message; without blocks the message loses its old blocks."""
        await self._write(methods.UPDATE, {"channel": channel, "ts": ts, **_shown(message)})

    async def say(self, asked: Asked, reply: Reply, *, instead_of: str = "") -> str:
        """Answer a question in its thread; a private answer is for the asker alone and cannot be edited.

        Slack shows a private message in a thread only if the thread has begun; else it stands in the channel.
        """

        async def posted(message: Message) -> str:
            return await patiently(partial(send, message))

        async def send(message: Message) -> str:
            if reply.private:
                thread = {"thread_ts": asked.ts} if asked.begun else {}
                where = {"channel": asked.channel, "user": asked.user, **thread}
                return _text(
                    await self._write(methods.POST_PRIVATELY, {**where, **_content(message)}),
                    "message_ts",
                    methods.POST_PRIVATELY,
                )
            if instead_of:
                await self.update(asked.channel, instead_of, message)
                return instead_of
            return await self.post(asked.channel, message, thread_ts=asked.ts)

        return await call_plainer(posted, reply.message, PLAIN, self.support)

    async def delete(self, channel: str, ts: str) -> None:
        """Delete the message."""
        await self._write(methods.DELETE, {"channel": channel, "ts": ts})

    async def find(
        self, channel: str, message_key: MessageKey, *, after: float, thread_ts: str | None = None
    ) -> Sequence[str]:
        """Return the ts of our own messages of that key posted after `after` (Unix seconds), oldest first.

        Source: the reference pages of conversations.history and conversations.replies (`include_all_metadata`).
        """
        me = await self.identity()
        method = methods.REPLIES if thread_ts else methods.HISTORY
        query = {"channel": channel, "oldest": f"{max(after, 0.0):.6f}", "limit": _PAGE, "include_all_metadata": True}
        found: list[str] = []
        cursor = ""
        for _ in range(_MAX_PAGES):
            turn = {**query, **({"ts": thread_ts} if thread_ts else {}), **({"cursor": cursor} if cursor else {})}
            data = await self._read(method, turn)
            found += [item["ts"] for item in _list(data, "messages") if is_ours(item, message_key, me)]
            cursor = str(part(data, "response_metadata").get("next_cursor") or "")
            if not cursor:
                break
        return sorted(set(found), key=float)

    async def respond(self, response_url: str, reply: Reply, *, replace: bool = False) -> None:
        """Answer a command or click; `replace` puts it in the place of the answer before.

        Source: the reference page on response_url: five uses within 30 minutes.
        """
        await answer(
            self._session,
            response_url,
            dataclasses.replace(reply, message=message_with_command(reply.message, self._command)),
            replace=replace,
            api_url=self._api_url,
            support=self.support,
            proxy=self.proxy_of(response_url),
            on_call=self._on_call,
        )

    async def group_members(self, group: str) -> frozenset[str]:
        """Return the members of a user group, cached for a minute; of the failures only a missing scope is cached."""
        until, members = self._groups.get(group, (0.0, frozenset[str]()))
        if self._monotonic() < until:
            return members
        until, refusal = self._no_groups
        if refusal is not None and self._monotonic() < until:
            raise refusal
        return await self.members_now(group)

    async def members_now(self, group: str) -> frozenset[str]:
        """Return the members of a user group without the cache; concurrent callers share one answer."""
        asked = self._monotonic()
        async with self._asking.setdefault(group, asyncio.Lock()):
            began, members = self._asked.get(group, (0.0, frozenset[str]()))
            if began > asked:
                return members
            return await self._list_group(group)

    async def _list_group(self, group: str) -> frozenset[str]:
        began = self._monotonic()
        try:
            data = await self._read(methods.GROUP_MEMBERS, {"usergroup": group})
        except SlackError as error:
            if error.code == "missing_scope":
                self._no_groups = (self._monotonic() + _GROUP_SECONDS, error)
            raise
        members = frozenset(user for user in _list(data, "users") if isinstance(user, str))
        self._groups[group] = (self._monotonic() + _GROUP_SECONDS, members)
        self._asked[group] = (began, members)
        return members

    async def permalink(self, channel: str, ts: str) -> str:
        """Return the address of a message."""
        data = await self._read(methods.PERMALINK, {"channel": channel, "message_ts": ts})
        return _text(data, "permalink", methods.PERMALINK)

    async def publish_home(self, user: str, blocks: Sequence[BlockJson]) -> None:
        """Publish the Home tab of `user`."""
        await self._write(methods.PUBLISH_HOME, {"user_id": user, "view": {"type": "home", "blocks": list(blocks)}})

    async def open_view(self, trigger_id: str, view: JsonObject) -> OpenView:
        """Open a modal, within three seconds of the click with that `trigger_id`."""
        return _view(await self._write(methods.OPEN_VIEW, {"trigger_id": trigger_id, "view": dict(view)}))

    async def update_view(self, view_id: str, view: JsonObject, *, hash: str = "") -> OpenView:  # noqa: A002 - Slack's word
        """Replace the content of an open modal; with `hash` only if it has not changed since (`hash_conflict`)."""
        known = {"hash": hash} if hash else {}
        return _view(await self._write(methods.UPDATE_VIEW, {"view_id": view_id, "view": dict(view), **known}))

    async def upload(
        self, channel: str, name: str, content: bytes, *, title: str, comment: str = "", thread_ts: str | None = None
    ) -> None:
        """Share a file in a channel that the bot is in, or in a thread there; `comment` (mrkdwn) introduces it."""
        # As the SDK sends them: these methods have been seen to refuse a JSON body.
        place = (await self._call(methods.UPLOAD_ADDRESS, params={"filename": name, "length": len(content)})).data
        address, file = (_text(place, part, methods.UPLOAD_ADDRESS) for part in ("upload_url", "file_id"))
        with measured(methods.UPLOAD, self._on_call):
            await send_file(self._session, address, content, api_url=self._api_url, proxy=self.proxy_of(address))
        done = sharing(file, channel, title=title, comment=with_command(comment, self._command), thread_ts=thread_ts)
        await self._call(methods.UPLOAD_DONE, params=done)

    async def auth_test(self) -> Identity:
        """Return the owner of the bot token and its scopes."""
        response = await self._call(methods.AUTH_TEST, json={})
        data = response.data
        granted = str(response.headers.get("x-oauth-scopes") or "")
        return Identity(
            user=str(data.get("user_id") or ""),
            bot=str(data.get("bot_id") or ""),
            team=str(data.get("team") or ""),
            team_id=str(data.get("team_id") or ""),
            enterprise=str(data.get("enterprise_id") or ""),
            scopes=frozenset(scope.strip() for scope in granted.split(",") if scope.strip()),
        )

    async def channel_info(self, channel: str) -> Channel:
        """Return a channel as Slack shows it to the bot."""
        info = part(await self._read(methods.CHANNEL, {"channel": channel}), "channel")
        return Channel(
            id=str(info.get("id") or channel),
            name=str(info.get("name") or ""),
            member=bool(info.get("is_member")),
            archived=bool(info.get("is_archived")),
            private=bool(info.get("is_private")),
            shared=bool(info.get("is_ext_shared") or info.get("is_pending_ext_shared")),
        )

    async def _is_shared(self, channel: str) -> bool:
        try:
            return (await self.channel_info(channel)).shared
        except SlackError as error:
            scopes = (await self.identity()).scopes if error.code == "channel_not_found" else frozenset()
            if scopes and _PRIVATE not in scopes:
                # To an app that may not see private channels Slack denies that there is one.
                raise SlackError(str(error), code="missing_scope") from error
            raise

    async def socket_address(self, app_token: str) -> str:
        """Return a new WebSocket address for Socket Mode, valid for one connection."""
        response = await self._call(methods.CONNECTIONS_OPEN, params={"token": app_token})
        return _text(response.data, "url", methods.CONNECTIONS_OPEN)

    def learn_app(self, app_id: Any) -> None:
        """Record our app's id as Slack names it; the first one counts."""
        if not self.app_id and isinstance(app_id, str):
            self.app_id = app_id

    async def identity(self) -> Identity:
        """Return the owner of the bot token, asked once."""
        if self._me is None:
            self._me = await self.auth_test()
            self.support.at_home(self._me.team_id)
        return self._me

    async def validate(self, kind: str, value: JsonObject | Sequence[BlockJson]) -> Sequence[str]:
        """Return what Slack would refuse in `message`, `view` or `blocks` (the `kind`), nothing if it takes it."""
        try:
            # As a form with JSON text, the way the reference page of the method describes it.
            await self._call(methods.VALIDATE, data={kind: json.dumps(value)})
        except SlackError as error:
            if error.code != f"invalid_{kind}":
                raise
            return faults_of(error)
        return ()

    async def team_id(self) -> str:
        """Return the id of the workspace, asked once."""
        return (await self.identity()).team_id

    async def _write(self, method: Method, body: JsonObject) -> JsonObject:
        shown = {key: json_with_command(held, self._command) for key, held in body.items() if key in _READ_BY_PEOPLE}
        return (await self._call(method, json={**body, **shown})).data  # type: ignore[no-any-return] # checked by _call

    async def _read(self, method: Method, query: JsonObject) -> JsonObject:
        """Read, and once more at once if the first attempt was lost or failed soon: on some reads a change depends."""
        began, read = self._monotonic(), partial(self._call, method, http_verb="GET", params=dict(query))
        try:
            return (await read()).data  # type: ignore[no-any-return] # as above
        except (SlackLost, SlackRetryable) as error:
            if error.code == "ratelimited" or self._monotonic() - began > _AGAIN_SECONDS:
                raise
        return (await read()).data  # type: ignore[no-any-return] # as above

    async def _call(self, method: Method, **arguments: Any) -> Any:
        _ = self._session
        with measured(method, self._on_call):
            try:
                response = await self._client.api_call(method.name, **arguments)
            except FOREIGN as error:
                raise translated(error, method, self._client.proxy) from error
            if not isinstance(response.data, dict):
                raise refused(response.status_code, None, None, method)
            return response


def _content(message: Message) -> JsonObject:
    return {"text": message.text, "blocks": [dict(block) for block in message.blocks]}


def _shown(message: Message) -> JsonObject:
    shown: dict[str, Any] = {
        **_content(message),
        "unfurl_links": False,
        "unfurl_media": False,
    }
    if message.metadata is not None:
        shown["metadata"] = {"event_type": EVENT_TYPE, "event_payload": dict(message.metadata)}
    return shown


def _view(data: JsonObject) -> OpenView:
    view = part(data, "view")
    return OpenView(_text(view, "id", methods.OPEN_VIEW), str(view.get("hash") or ""))


def _list(data: JsonObject, name: str) -> Sequence[Any]:
    value = data.get(name)
    return value if isinstance(value, list) else ()


def _text(data: JsonObject, name: str, method: Method) -> str:
    value = data.get(name)
    if isinstance(value, str) and value:
        return value
    error: SlackError = refused(200, None, None, method)
    raise error
