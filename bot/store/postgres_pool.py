"""Connections of the PostgreSQL pool: whether one still works is asked of the server only after a pause.

The ping of the library begins and rolls back a transaction: three round trips before each unit of work, as many as
most units need themselves. The driver knows that a server closed a connection, so one that was used a moment ago is
taken as it is. A server that vanished silently within that moment is found by the first statement, which times out as
the ping would.
"""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine

PING_SECONDS = 15.0
"""Time without use after which the server is asked."""
_USED_AT = "cmbot_used_at"


def ping_after_pauses(engine: AsyncEngine, clock: Callable[[], float] = time.monotonic) -> None:
    """Replace connections that the server closed, and ping those that were not used for PING_SECONDS.

    `clock` is steady. The pool must not ping by itself.
    """
    dialect = engine.sync_engine.dialect

    @event.listens_for(engine.sync_engine, "checkin")
    def returned(connection: Any, record: Any) -> None:
        # There is none if the connection was invalidated.
        if connection is not None:
            record.info[_USED_AT] = clock()

    @event.listens_for(engine.sync_engine, "checkout")
    def taken(connection: Any, record: Any, _fairy: Any) -> None:
        used_at = record.info.get(_USED_AT)
        if used_at is None:
            return  # it is new
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError
        if clock() - used_at >= PING_SECONDS:
            try:
                dialect.do_ping(connection)
            except dialect.loaded_dbapi.Error as error:
                raise InvalidatePoolError from error
