"""Errors about words behind an option: the command as it was probably meant, quoted or in another order. No I/O."""

from collections.abc import Sequence

from bot.chatops.commands.tokenizer import Token, quote
from bot.chatops.commands.usage import SLASH
from bot.common.text import shown
from bot.interactions.command import FREE

_MAX_COMMAND = 200
"""Characters of a corrected command that an error repeats."""


def stray(found: Sequence[Token], token: Token, clusters: Sequence[str]) -> str:
    """Refuse `token`, a word behind an option; `clusters` are those that the command could take."""
    at = next(place for place, each in enumerate(found) if each is token)
    key_at = next(place for place in range(at - 1, -1, -1) if found[place].key)
    key = found[key_at].key
    end = next((place for place in range(at, len(found)) if found[place].key), len(found))
    if key not in FREE or found[key_at].quoted:
        moved = [each for each in found if not each.key], [each for each in found if each.key]
        return (
            f"{shown(token.value)} stands behind {_name(key)}=: put words before it{_as_in([*moved[0], *moved[1]])}; "
            f'or, if it belongs to the value, quotes around the whole: {_name(key)}="…".'
        )
    words = [each.value for each in found[key_at + 1 : end]]
    before, after = list(found[:key_at]), list(found[end:])
    if len(words) > 1 and words[-1].lower() in clusters and not any(each.value in clusters for each in before):
        before.append(found[end - 1])
        words.pop()
    value = Token(" ".join([found[key_at].value, *words]), key, quoted=True)
    corrected = _as_in([*before, value, *after])
    return f"{shown(token.value)} stands behind {_name(key)}=: quote a value of several words{corrected}."


def _as_in(found: Sequence[Token]) -> str:
    text = " ".join((SLASH, *map(_typed, found)))
    return f", as in {text}" if len(text) <= _MAX_COMMAND else ""


def _name(key: str) -> str:
    return key.replace("_", "-")


def _typed(token: Token) -> str:
    name = f"{_name(token.key)}=" if token.key else ""
    plain = token.value if token.quoted else token.plain
    return f"{name}{quote(plain) if token.quoted else plain}"
