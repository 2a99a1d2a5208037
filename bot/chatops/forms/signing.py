"""Signed private metadata of a form: proof that this program wrote it. No I/O."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, field, replace

from bot.common.errors import UserError
from bot.common.frozen import frozen

VERSION = 1
_LATER = frozenset({"attempt", "reason", "given"})
"""Fields that earlier releases do not know."""
MAX_SEALED = 3000
"""Characters of private metadata that Slack keeps."""
_AROUND = len(f"{VERSION}.{hashlib.sha256().hexdigest()}.")
"""Characters of private metadata before the origin."""
STALE = "This form is not valid any more. Close it and open a new one with /cm do, or type its command again."


@frozen
class Origin:
    """The opener of a form, the channel, and the content of the form; only that person may change it.

    `channel` and `answer_to` (a response_url) are "" for a form opened from the Home tab.
    """

    user: str
    channel: str = ""
    answer_to: str = ""
    kind: str = ""
    cluster: str = ""
    attempt: int = 0
    """How often this view was sent already and came back with its fields: each time is another change request."""
    reason: str = ""
    """The reason to fill in once the change is chosen."""
    given: Mapping[str, str] = field(default_factory=dict)
    """The arguments to fill in once the cluster is chosen."""

    def key(self, view_id: str) -> str:
        """Return the key of the view as it is sent: not its trigger, so that sent twice it is one change request."""
        return f"form:{view_id}:{self.attempt}" if self.attempt else f"form:{view_id}"


def is_form(key: str) -> bool:
    """True for a key that `Origin.key` made."""
    return key.startswith("form:")


def attempts_of(key: str) -> int:
    """Return the attempt in a key that `Origin.key` made."""
    number = key.rpartition(":")[2]
    return int(number) if key.count(":") > 1 and number.isdecimal() else 0


def key_of(secret: str) -> bytes:
    """Return the key that signs forms, derived from the bot token: forms survive a restart, but no new token."""
    return hashlib.sha256(f"cmbot form {VERSION}\n{secret}".encode()).digest()


def sign(origin: Origin, key: bytes) -> str:
    """Return the private metadata of what fits into it."""
    body = _body(fitting(origin))
    return f"{VERSION}.{_mac(body, key)}.{body}"


def fitting(origin: Origin) -> Origin:
    """Return the origin without what is given and the response_url if it would be too long for Slack."""
    shorter = (origin, replace(origin, given={}), replace(origin, given={}, answer_to=""))
    return next((each for each in shorter if _fits(_body(each))), shorter[-1])


def _body(origin: Origin) -> str:
    """Return the origin as JSON: in ASCII, or with its characters as they are if only that fits."""
    # Without what earlier releases do not know if it is empty, so that they can read it.
    fields = {name: value for name, value in asdict(origin).items() if name not in _LATER or value}
    escaped = json.dumps(fields, separators=(",", ":"))
    if _fits(escaped):
        return escaped
    as_is = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
    return as_is if _fits(as_is) else escaped


def _fits(body: str) -> bool:
    """True if Slack keeps it, also if it counts a character beyond the first 65,536 twice."""
    return _AROUND + len(body.encode("utf-16-le", "surrogatepass")) // 2 <= MAX_SEALED


def verify(text: str, key: bytes, user: str) -> Origin:
    """Return the origin; raises UserError if it is forged, changed, of another version or of another person."""
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
