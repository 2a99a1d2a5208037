"""The sentences' small parts: a person's own words quoted back, the nearest known word, a list that ends. Pure."""

import difflib
from collections.abc import Iterable, Mapping, Sequence

MAX_SHOWN = 48
"""Characters of a person's own words that a sentence quotes back."""
MAX_LISTED = 10
"""Names that one sentence lists at most."""


def shown(text: str) -> str:
    """A person's own words as a sentence quotes them: bounded, in quotes."""
    return f'"{text}"' if len(text) <= MAX_SHOWN else f'"{text[:MAX_SHOWN]}…" ({len(text):,} characters)'


def nearest(given: str, known: Iterable[str]) -> str:
    """The known word nearest to a mistyped one, or ""."""
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
"""What people call a command by, and the command."""


def nearest_command(words: Sequence[str], paths: Sequence[tuple[str, ...]]) -> str:
    """The command nearest to mistyped words: by its whole name, its first word, its second, another name; or ""."""
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
    """What is said of words that are no command: the nearest one behind `form`, or with what commands begin."""
    paths = [path for path in commands if path]
    near = nearest_command(words, paths)
    begin = list(dict.fromkeys(path[0] for path in paths))
    hint = f"Did you mean {form} {near}?" if near else f"Commands begin with {', '.join(begin)}."
    return f"There is no command {shown(' '.join(typed))}. {hint} {form.split(maxsplit=1)[0]} help lists all."


def suggestion(given: str, known: Iterable[str], form: str = "{}") -> str:
    """` Did you mean …?` with the nearest known word put into `form`, or ""."""
    near = nearest(given, known)
    return f" Did you mean {form.format(near)}?" if near else ""


def listed(names: Sequence[str], conjunction: str = "") -> str:
    """Names in a sentence, the first ten and how many more."""
    if len(names) > MAX_LISTED:
        return f"{', '.join(names[:MAX_LISTED])} and {len(names) - MAX_LISTED} more"
    if conjunction and len(names) > 1:
        return f"{', '.join(names[:-1])} {conjunction} {names[-1]}"
    return ", ".join(names)
