"""Reading the settings again while the program runs: validated first, refused whole, reported in log and audit log."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import structlog

from bot.audit.chain import AuditEntry
from bot.common.errors import CmbotError, ConfigError, SlackError, SlackRetryable, StoreError, UserError
from bot.common.message_key import MessageKey
from bot.config import Settings
from bot.config.changes import changes, view_of
from bot.interactions.reload import Reloaded
from bot.runtime.handover import KeptOpen, cannot_listen
from bot.runtime.parts import App
from bot.runtime.validation import refuse_wrong
from bot.slack.client import SlackClient
from bot.store.database import Store
from bot.views.reload import reload_failed

log = structlog.get_logger(__name__)

Read = Callable[[], Settings]
"""Reads and validates the settings; raises ConfigError."""
SIGNAL = "SIGHUP"
ELSEWHERE = "another replica"
_NO_PERSON = frozenset({SIGNAL, ELSEWHERE})
_JOB = "reload settings"
"""Name of the rows that ask all replicas to reload; the due time is that of the request."""
_SLACK = 60.0
"""Seconds before the start of the process for which a request still counts: it read its settings at about that time."""
_LINES = 50
"""Changes that one row of the audit log lists."""
_FILES = ("ca_file", "cert_file", "key_file")


class Reloads:
    """Takes new settings for the running program; `accepted` is set when it must be built again with `settings`.

    `bind` names the running program; it is called after each build. `failed` is called instead if there is none with
    the new settings; `follow` then records that and tells the person who asked.
    """

    def __init__(self, settings: Settings, read: Read, handover: KeptOpen) -> None:
        self.settings = settings
        self.accepted = asyncio.Event()
        self._read, self._handover = read, handover
        self._files = _digests(settings)
        self._lock = asyncio.Lock()
        self._app: App | None = None
        self._followed: float | None = None
        self._by = ""
        self._unsaid: list[tuple[str, str]] = []
        self._published = True

    def bind(self, app: App) -> None:
        """Say which program runs now."""
        self._app = app
        self.accepted.clear()
        self.use(app.settings)
        self._published = False
        if self._followed is None:
            self._followed = app.clock() - _SLACK

    def failed(self, error: Exception, before: Settings) -> None:
        """Go back to the settings before: the program cannot be built with the new ones."""
        known = error if isinstance(error, CmbotError) else _unknown(error)
        log.error("reload.failed", by=self._by, error=str(known), what="the old settings are used again")
        self._unsaid.append((self._by, str(known)))
        self.use(before)

    async def _say_failed(self) -> None:
        """Record what failed, and tell the person who asked."""
        app = self._running
        while self._unsaid:
            by, why = self._unsaid[0]
            now = app.clock()
            async with app.store.begin() as uow:
                await uow.audit.append(_entry(app, now, by, "settings.failed", {"words": why}))
                if by not in _NO_PERSON:
                    notice = reload_failed(app.membership.name, why)
                    await uow.outbox.put(MessageKey.settings(app.membership.name, now), by, notice)
            self._unsaid.pop(0)
            app.outbox.wake()

    async def _publish(self) -> None:
        """Store the settings that are used, once, for `cmbot config diff --running`."""
        if self._published:
            return
        app = self._running
        async with app.store.begin() as uow:
            listed = [each.name for each in (await uow.replicas.assignments()).replicas]
            view = json.dumps(view_of(app.settings), sort_keys=True)
            await uow.facts.put_settings(app.membership.name, view, app.clock(), listed)
        self._published = True

    def use(self, settings: Settings) -> None:
        """Compare later settings with these."""
        self.settings, self._files = settings, _digests(settings)

    async def reload(self, by: str, *, everywhere: bool = False) -> Reloaded:
        """Validate the settings as they are now and take them over; raises UserError if anything refuses them.

        With `everywhere` a row in the database tells the other replicas to read theirs too.
        """
        app = self._running
        async with self._lock:
            if self.accepted.is_set():
                raise UserError("New settings are being taken over at this moment. Try again in a few seconds.")
            try:
                new = await asyncio.to_thread(self._validated)
                await self._rehearse(new)
                found = (*map(str, changes(self.settings, new)), *self._renewed(new))
                await self._record(by, "settings.reloaded", {"changes": list(found[:_LINES])}, everywhere=everywhere)
            except Exception as error:
                # Also for an error that no check foresaw: the program must go on with the old settings.
                known = error if isinstance(error, CmbotError) else _unknown(error)
                await self._refuse(by, known)
                raise UserError(f"The settings were not changed, and the old ones stay. {known}") from error
            log.info("reload.accepted" if found else "reload.unchanged", by=by, changes=list(found))
            if found:
                self._handover.slack.renew = _other_connection(self.settings, new)
                self._by = by
                self.settings = new
                self.accepted.set()
            return Reloaded(app.membership.name, found, app.membership.active_replicas - 1)

    async def by_signal(self) -> None:
        """Reload because of SIGHUP; a refusal is logged."""
        try:
            await self.reload(SIGNAL)
        except UserError:
            # Logged and recorded already.
            return

    async def follow(self) -> None:
        """Reload if a person asked every replica to; before that, say what failed and what is used.

        Settings that are refused are not tried again, but what else kept them from being used is. Raises StoreError.
        """
        await self._say_failed()
        await self._publish()
        async with self._running.store.read() as uow:
            last = await uow.scheduled_runs.last((_JOB,), float("inf"))
        if last is None or self._followed is None or last <= self._followed:
            return
        try:
            await self.reload(ELSEWHERE)
        except UserError as error:
            if error.__cause__ is None or isinstance(error.__cause__, StoreError):
                # Others are taken over at this moment, or the database did not answer.
                log.info("reload.postponed", by=ELSEWHERE, error=str(error))
                return
        self._followed = last

    @property
    def _running(self) -> App:
        if self._app is None:
            raise RuntimeError("no program is bound")
        return self._app

    def _validated(self) -> Settings:
        new = self._read()
        refuse_wrong(new)
        return new

    def _renewed(self, new: Settings) -> tuple[str, ...]:
        """The files that the settings still name, with other content than before."""
        after = _digests(new)
        return tuple(
            f"{key}: the file has other content" for key, held in self._files.items() if after.get(key, held) != held
        )

    async def _rehearse(self, new: Settings) -> None:
        """Try what a build with these settings would need; raises CmbotError."""
        try:
            await self._handover.sockets(new.http.host, new.http.port)
        except OSError as error:
            raise cannot_listen(new.http.host, new.http.port, error) from error
        if new.store_url != self.settings.store_url:
            try:
                async with Store.open(new.store_url) as store:
                    await store.migrate()
            except StoreError as error:
                # Not the database that runs: `follow` would try it again and again.
                raise ConfigError(str(error)) from error
        await _refuse_rejected(self.settings, new)

    async def _refuse(self, by: str, error: CmbotError) -> None:
        log.error("reload.refused", by=by, error=str(error), what="the old settings stay")
        self._handover.keep_only(self.settings.http.host, self.settings.http.port)
        try:
            await self._record(by, "settings.refused", {"words": str(error)})
        except StoreError as down:
            log.warning("audit.unnoted", action="settings.refused", actor=by, error=str(down))

    async def _record(
        self, by: str, action: str, detail: Mapping[str, str | list[str]], *, everywhere: bool = False
    ) -> None:
        """Write a row of the audit log; with `everywhere` also the row that all replicas follow. Raises StoreError."""
        app = self._running
        now = app.clock()
        async with app.store.begin() as uow:
            await uow.audit.append(_entry(app, now, by, action, detail))
            if everywhere:
                await uow.scheduled_runs.once(_JOB, now)
        if everywhere:
            self._followed = now


def _entry(app: App, now: float, by: str, action: str, detail: Mapping[str, str | list[str]]) -> AuditEntry:
    person = "" if by in _NO_PERSON else by
    cause = {"by": by} if not person else {}
    return AuditEntry(now, person, action, "", detail={"replica": app.membership.name, **cause, **detail})


def _unknown(error: Exception) -> ConfigError:
    """Return the refusal for an error of a library, whose text could have a secret."""
    log.error("reload.crashed", exc_info=error)
    return ConfigError(f"They cannot be used ({type(error).__name__}); the log of cmbot has the place.")


def _digests(settings: Settings) -> Mapping[str, str]:
    """The content of each file that clusters and receivers name, as a hash; "" for one that cannot be read."""
    holders = {
        **{f"clusters.{own.name}": own for own in settings.clusters},
        **{f"outputs.receivers.{own.name}": own for own in settings.outputs.receivers},
    }
    named = {
        f"{place}.{key}": path
        for place, own in holders.items()
        for key in _FILES
        if isinstance(path := getattr(own, key, None), Path)
    }
    return {key: _digest(path) for key, path in named.items()}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError):
        return ""


def _other_connection(old: Settings, new: Settings) -> bool:
    own, then = ((each.secrets.slack_app_token, each.slack, each.slack_proxy) for each in (old, new))
    return own != then


async def _refuse_rejected(old: Settings, new: Settings) -> None:
    """Raise ConfigError for new tokens that Slack rejects; one that Slack cannot be asked about is taken."""
    bot, app = (new.secrets.slack_bot_token, new.secrets.slack_app_token)
    async with SlackClient(bot.get_secret_value(), new.slack.api_url, proxy=new.slack_proxy) as slack:
        if bot != old.secrets.slack_bot_token:
            await _unless_rejected("SLACK_BOT_TOKEN", slack.auth_test())
        if app != old.secrets.slack_app_token and app.get_secret_value():
            await _unless_rejected("SLACK_APP_TOKEN", slack.socket_address(app.get_secret_value()))


async def _unless_rejected(variable: str, call: Awaitable[object]) -> None:
    try:
        await call
    except SlackRetryable as error:
        log.warning("reload.token_untried", variable=variable, error=str(error))
    except SlackError as error:
        raise ConfigError(f"{variable}: Slack rejects the new token ({error.code}).") from error
