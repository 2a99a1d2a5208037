"""Times as servers write them (RFC 3339). No I/O."""

from datetime import UTC, datetime


def unix_of(written: str) -> float | None:
    """Return the Unix seconds of an RFC 3339 time; None if it is none, or before 1970 (Go's zero time)."""
    try:
        parsed = datetime.fromisoformat(written[:64])
        at = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return at if at > 0 else None
