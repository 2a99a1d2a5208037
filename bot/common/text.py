"""Parts of sentences: counts, shares, durations, bounded lists, quoted input, the nearest known word. No I/O."""

import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

MAX_SHOWN = 48
"""Maximum characters of typed text that a sentence quotes."""
MAX_LISTED = 10
"""Maximum names that one sentence lists."""
_NO_SECONDS = 600
"""From ten minutes on, seconds are left out of a duration."""


def count(number: int, noun: str, plural: str = "") -> str:
    """Return `1 disk`, `3 disks`, `1,200 entries`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(items: Iterable[object], last: str = "and", *, most: int = MAX_LISTED) -> str:
    """Return `a`, `a and b`, `a, b and c`; beyond `most` names only the number of the others."""
    words = [str(item) for item in items]
    if len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most:,} more"
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def duration(seconds: float) -> str:
    """Return a duration in its two largest units: `45 s`, `3 min 20 s`, `15 min`, `2 h 5 min`, `3 d 4 h`."""
    whole = max(0, round(seconds))
    if whole >= _NO_SECONDS:
        whole -= whole % 60
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    parts = []
    for name, length in units:
        amount, whole = divmod(whole, length)
        parts.append((amount, name))
    first = next((place for place, (amount, _) in enumerate(parts) if amount), len(parts) - 1)
    return " ".join(f"{amount} {name}" for amount, name in parts[first : first + 2] if amount) or "0 s"


def percent(part: float, whole: float) -> str:
    """Return the share of `part` in `whole`, never rounded up to 100 % or down to 0 %; `-` if `whole` is 0."""
    if whole <= 0 or not math.isfinite(part):
        return "-"
    share = 100 * part / whole
    if 0 < share < 0.1:  # noqa: PLR2004 - the smallest share that one decimal can show
        return "<0.1 %"
    rounded: Callable[[float], float] = math.floor if share < 100 else round  # noqa: PLR2004 - per cent
    return f"{rounded(share * 10) / 10:g} %"


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


def no_command(
    typed: Sequence[str],
    words: Sequence[str],
    commands: Sequence[tuple[str, ...]],
    form: str,
    groups: Sequence[str] = (),
) -> str:
    """Return the error for an unknown command: with the nearest one after `form`, or with the groups of commands."""
    near, slash = nearest_command(words, [path for path in commands if path]), form.split(maxsplit=1)[0]
    hint = f"Did you mean {form} {near}? {slash} help lists all." if near else _in_groups(slash, groups)
    return f"There is no command {shown(' '.join(typed))}. {hint}"


def _in_groups(slash: str, groups: Sequence[str]) -> str:
    if not groups:
        return f"{slash} help lists all."
    return f"{slash} lists them by purpose; {slash} help {listed(groups, 'or')} shows one group."


def suggestion(given: str, known: Iterable[str], form: str = "{}") -> str:
    """Return ` Did you mean …?` with the nearest known word in `form`, or ""."""
    near = nearest(given, known)
    return f" Did you mean {form.format(near)}?" if near else ""
