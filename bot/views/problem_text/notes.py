"""Words for the problems of notes. No I/O."""

from bot.interactions import notes as n


def note_empty(_: n.NoteEmpty) -> str:
    """There is no text."""
    return "The note is empty: write its text behind the number, as in `/cm note alert 17 fan 3 was loud`."


def note_too_long(problem: n.NoteTooLong) -> str:
    """The text is too long."""
    return f"This note has {problem.length:,} characters, and at most {n.MAX_NOTE:,} are kept: shorten it."


def too_many_notes(problem: n.TooManyNotes) -> str:
    """There are enough notes."""
    return f"There are {n.MAX_NOTES} notes on {problem.subject} already; no more are kept. Write in its thread."


def no_such_thread(_: n.NoSuchThread) -> str:
    """The message is elsewhere."""
    return (
        "This message is in no thread of an alert or operation that cmbot knows, so nothing was kept. "
        "`/cm note alert 17 …` keeps a note on an alert by its number."
    )


def several_alerts(_: n.SeveralAlerts) -> str:
    """The thread is of a group of alerts."""
    return (
        "This thread is of several alerts, so nothing was kept. "
        "Name one of them: `/cm note alert 17 …` (`/cm alerts` has the numbers)."
    )
