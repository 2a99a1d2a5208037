"""One redacted, bounded pipeline for the logs of cmbot and its libraries: lines or JSON on standard error."""

import logging
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.telemetry.log_throttle import Fields, LogThrottle, Summary, ThrottleForeign
from bot.telemetry.redact import Redactor
from bot.telemetry.trace import current, stored_trace

QUIET = (
    "aiohttp",
    "aiosqlite",
    "alembic",
    "apscheduler",
    "asyncio",
    "asyncpg",
    "httpcore",
    "httpx",
    "opentelemetry",
    "slack_bolt",
    "slack_sdk",
    "sqlalchemy",
    "urllib3",
)
"""Libraries whose logs show warnings and errors only, at any level: their debug lines quote payloads."""

_ACCESS = "aiohttp.access"
_LEVELS = {
    **{name.lower(): level for name, level in logging.getLevelNamesMapping().items()},
    "exception": logging.ERROR,
}
_OWN = frozenset({"event", "level", "logger", "timestamp", "stack_info", "exc_info"})
"""Fields that each line has for itself."""

log = structlog.get_logger(__name__)


def set_up(level: str, secrets: Iterable[str], *, as_json: bool, stream: TextIO | None = None) -> None:
    """Configure structlog and standard logging for the process; call this once, before anything else.

    `level` is debug, info, warning or error. Every record and every traceback is redacted.
    """
    redactor = Redactor(secrets)
    throttle = LogThrottle(_write_summary, redact=redactor.text)
    known: list[Processor] = [structlog.contextvars.merge_contextvars, _with_trace]
    shared: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _Redaction(redactor),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *known,
            # Before anything else: a line that is only counted shall cost little.
            _Bounded(throttle),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = _Handler(throttle, stream or sys.stderr)
    for former in logging.getLogger().handlers:
        if isinstance(former, _Handler) and former.stream is handler.stream:
            # A reload: what was counted so far is not left unmentioned.
            former.sum_up()
    handler.setFormatter(_Formatter(redactor, [*known, *shared], as_json=as_json))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    own = logging.getLevelNamesMapping()[level.upper()]
    for name in QUIET:
        logging.getLogger(name).setLevel(max(own, logging.WARNING))
    logging.getLogger(_ACCESS).setLevel(logging.ERROR)


def _with_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Add the trace of the work that logs, and the one that caused it."""
    trace = current()
    if trace.id:
        event["trace"] = trace.id
    if trace.cause:
        event["cause"] = stored_trace(trace.cause).id
    return event


class _Bounded:
    """Leave out the lines that are only counted."""

    def __init__(self, throttle: LogThrottle) -> None:
        self._throttle = throttle

    def __call__(self, _: WrappedLogger, method: str, event: EventDict) -> EventDict:
        if self._throttle.admits(_LEVELS.get(method, logging.INFO), str(event.get("event")), event):
            return event
        raise structlog.DropEvent


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines; at the end of the process also those that sum up what was counted."""

    def __init__(self, throttle: LogThrottle, stream: TextIO) -> None:
        super().__init__(stream)
        self._throttle = throttle
        self.addFilter(ThrottleForeign(throttle))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - a name of logging
        """Say in one line that a library's line could not be rendered; Python would print a traceback."""
        if not isinstance(record.msg, dict):
            log.warning("log.unrendered", library=record.name, exc_info=sys.exc_info()[1])

    def sum_up(self) -> None:
        """Sum up what was counted; then this handler writes nothing more."""
        self._throttle.close()
        self._throttle.sum_up()

    def close(self) -> None:
        """Stop counting; a handler that was replaced writes nothing more."""
        self._throttle.close()
        if self in logging.getLogger().handlers:
            self._throttle.sum_up()
        super().close()


def _write_summary(summary: Summary) -> None:
    """Write one line about the lines of a kind that were only counted, with the fields of the newest one."""
    (level, event, cluster, _), counted = summary
    newest: Fields = {name: value for name, value in counted.newest.items() if name not in _OWN}
    many = {"clusters": len(counted.clusters)} if counted.clusters else {}
    named = {"cluster": cluster} if cluster else {}
    says = f"{counted.left:,} more of this kind"
    log.log(level, "log.more", **{**newest, **many, **named, "of": event, "count": counted.left, "says": says})


class _Redaction:
    """Redact the fields of a record before they are rendered: escaping could hide a secret."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        fields = {key: value for key, value in event.items() if not key.startswith("_")}
        return {**event, **self._redactor.value(fields)}


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Render a record and redact the line again, with everything that the renderer added."""

    def __init__(self, redactor: Redactor, shared: list[Processor], *, as_json: bool) -> None:
        renderer: Processor = (
            structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
        )
        super().__init__(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, with its traceback."""
        return self._redactor.text(super().format(record))


def context(**values: Any) -> None:
    """Add values to every later record of this task (cluster, user, command)."""
    structlog.contextvars.bind_contextvars(**values)
