"""One redacted pipeline for the logs of cmbot and its libraries: lines or JSON on standard error."""

import logging
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.telemetry.redact import Redactor

QUIET = (
    "aiohttp",
    "aiosqlite",
    "alembic",
    "apscheduler",
    "asyncio",
    "asyncpg",
    "httpcore",
    "httpx",
    "slack_bolt",
    "slack_sdk",
    "sqlalchemy",
)
"""Libraries whose logs show warnings and errors only, at any level: their debug lines quote payloads."""

_ACCESS = "aiohttp.access"


def set_up(level: str, secrets: Iterable[str], *, as_json: bool, stream: TextIO | None = None) -> None:
    """Configure structlog and standard logging for the process; call this once, before anything else.

    `level` is debug, info, warning or error. Every record and every traceback is redacted.
    """
    redactor = Redactor(secrets)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _Redaction(redactor),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Formatter(redactor, shared, as_json=as_json))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    own = logging.getLevelNamesMapping()[level.upper()]
    for name in QUIET:
        logging.getLogger(name).setLevel(max(own, logging.WARNING))
    logging.getLogger(_ACCESS).setLevel(logging.ERROR)


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
