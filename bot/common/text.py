"""Parts of sentences: quoted input, the nearest known word, a bounded list. No I/O."""

import difflib
from collections.abc import Iterable, Mapping, Sequence

MAX_SHOWN = 48
"""Maximum characters of typed text that a sentence quotes."""
MAX_LISTED = 10
"""Maximum names that one sentence lists."""


def shown(text: str) -> str:
    """Return typed text in quotes, cut to a bounded length."""
    return f'"{text}"' if len(text) <= MAX_SHOWN else f'"{text[:MAX_SHOWN]}…" ({len(text):,} characters)'


def nearest(given: str, known: Iterable[str]) -> str:
    """Return the known word nearest to a mistyped one, or ""."""
    near = difflib.get_close_matches(given[:MAX_SHOWN].lower(), tuple(known), n=1, cutoff=0.6)
    return near[0] if near else ""


_OTHER_WORDS: Mapping[str, str] = {
    "acknowledge": "ack",
    "commands": "help",
    "health": "stat",
    "history": "audit",
    "log": "audit",
    "logs": "audit",
    "mute": "silence",
    "nodes": "members",
    "operations": "ops",
    "peers": "members",
    "switches": "tasks",
    "unmute": "unsilence",
    "who": "whoami",
}
"""Other names of a command, and the command."""


def nearest_command(words: Sequence[str], paths: Sequence[tuple[str, ...]]) -> str:
    """Return the command nearest to mistyped words, or "".

    Compare the whole name, then the first word, the second word and the other names.
    """
    lowered = tuple(word.lower() for word in words)
    first, names = lowered[0], [" ".join(path) for path in paths if path]
    exact = (" ".join(path) for path in paths if path[1:2] == (first,) or set(path) == set(lowered[:2]))
    return (
        nearest(" ".join(lowered[:2]), [name for name in names if " " in name])
        or nearest(first, [path[0] for path in paths if path])
        or next(exact, "")
        or _OTHER_WORDS.get(first, "")
        or next((name for name in names if len(first) > 1 and name.startswith(first)), "")
    )


def no_command(typed: Sequence[str], words: Sequence[str], commands: Sequence[tuple[str, ...]], form: str) -> str:
    """Return the error for an unknown command: with the nearest one after `form`, or with the first words of all."""
    paths = [path for path in commands if path]
    near = nearest_command(words, paths)
    begin = list(dict.fromkeys(path[0] for path in paths))
    hint = f"Did you mean {form} {near}?" if near else f"Commands begin with {', '.join(begin)}."
    return f"There is no command {shown(' '.join(typed))}. {hint} {form.split(maxsplit=1)[0]} help lists all."


def suggestion(given: str, known: Iterable[str], form: str = "{}") -> str:
    """Return ` Did you mean …?` with the nearest known word in `form`, or ""."""
    near = nearest(given, known)
    return f" Did you mean {form.format(near)}?" if near else ""


def listed(names: Sequence[str], conjunction: str = "") -> str:
    """Return the first ten names for a sentence, and the number of the others."""
    if len(names) > MAX_LISTED:
        return f"{', '.join(names[:MAX_LISTED])} and {len(names) - MAX_LISTED} more"
    if conjunction and len(names) > 1:
        return f"{', '.join(names[:-1])} {conjunction} {names[-1]}"
    return ", ".join(names)
