"""Signs of a secret in a text: tokens, users with passwords, and parameters of addresses. No I/O."""

import re
from collections.abc import Iterable

HIDDEN = "not shown: it may hold a secret"

_WORDS = r"token|secret|signature|sign|sig|password|passwd|pwd"
_SIGNS = re.compile(
    # A token of Slack; a user or password in an address, with or without its scheme.
    r"\bx(?:ox[a-z]|app|wfp)[.-]|://[^/\s]{0,256}@|://[^\s:]{0,128}:[^\s]{0,128}@|[^\s/:@]:[^\s/@]{1,256}@"
    # A parameter; a webhook, whose path is its key; another address with a long random word.
    rf"|(?i:{_WORDS}|key)\s*=\s*\S|/services/|//\S{{0,256}}?[/=][\w-]{{20}}"
)
_PARAMETER = re.compile(rf"(?i)([?&;][\w.-]{{0,32}}?(?:{_WORDS}|key(?==[^&\s]{{0,64}}\d))=)([^&#;\s'\"<>]+)")
"""The name and the value of a parameter of an address; a key without a digit is the name of something."""
_LOG_IN = re.compile(r"(?<![\w/.@%+-])([\w.%+-]{1,64}:)[^\s/@'\"<>]{1,128}(?=@[\w\[])")
"""A user and a password before a host, without a scheme."""


_LONGEST = 2000


def may_be_secret(text: str) -> bool:
    """True if a text looks as if a secret is in it; a long one is not looked through."""
    return len(text) > _LONGEST or _SIGNS.search(text) is not None


def without_parameters(text: str, instead: str = "…") -> str:
    """Return a text without the values of secret parameters of the addresses in it."""
    return _PARAMETER.sub(lambda found: found[1] + instead, text)


def without_log_ins(text: str, instead: str = "…") -> str:
    """Return a text without the passwords before hosts that have no scheme."""
    return _LOG_IN.sub(lambda found: found[1] + instead, text)


def parameters(address: str) -> Iterable[str]:
    """Return the values of the secret parameters of an address, as written."""
    return (value for _, value in _PARAMETER.findall(address))


def given(value: object, longest: int = 80) -> str:
    """Return what stands between a key and its error: the value, unless it looks like a secret."""
    return f" ({HIDDEN})" if may_be_secret(str(value)) else f" = {value!r:.{longest}}"


def named(key: object) -> str:
    """Return a key as a person wrote it, unless it is no key but may be a secret, as in `{url:https://…}`."""
    text = str(key)
    return f"({HIDDEN})" if "://" in text or may_be_secret(text) else text
