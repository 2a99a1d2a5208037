"""What a form carries of itself in its private metadata, sealed so that nobody else can have written it. Pure."""

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass

from bot.common.errors import UserError

VERSION = 1
MAX_SEALED = 3000
"""Characters of private metadata that Slack keeps."""
STALE = "This form is not one that cmbot can use any more: close it and open it anew with /cm do."


@dataclass(frozen=True, slots=True)
class Origin:
    """Who opened a form, where, and what it shows: nothing but the person at the screen may change that.

    `channel` and `answer_to` (a response_url) are "" for a form opened from the Home tab.
    """

    user: str
    channel: str = ""
    answer_to: str = ""
    kind: str = ""
    cluster: str = ""


def key_of(secret: str) -> bytes:
    """The key that seals forms, made of the bot token: a form outlives a restart, but not another token."""
    return hashlib.sha256(f"cmbot form {VERSION}\n{secret}".encode()).digest()


def sign(origin: Origin, key: bytes) -> str:
    """The private metadata; without the address to answer to where it would be too long for Slack."""
    text = _joined(origin, key)
    return text if len(text) <= MAX_SEALED else _joined(Origin(**{**asdict(origin), "answer_to": ""}), key)


def _joined(origin: Origin, key: bytes) -> str:
    body = json.dumps(asdict(origin), separators=(",", ":"))
    return f"{VERSION}.{_mac(body, key)}.{body}"


def verify(text: str, key: bytes, user: str) -> Origin:
    """The inverse; raises UserError for what is forged, altered, of another version or another person's."""
    version, _, rest = text.partition(".")
    mac, _, body = rest.partition(".")
    right = hmac.compare_digest(mac.encode(errors="replace"), _mac(body, key).encode())
    if version != str(VERSION) or not right:
        raise UserError(STALE)
    origin = Origin(**json.loads(body))
    if origin.user != user:
        raise UserError(STALE)
    return origin


def _mac(body: str, key: bytes) -> str:
    return hmac.new(key, f"{VERSION}.{body}".encode(errors="replace"), hashlib.sha256).hexdigest()
