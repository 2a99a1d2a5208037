"""The optional request token, as Clustermgr checks it (docs/clustermgr.md)."""

import base64
import binascii
import hashlib
import hmac

from bot.playground.clustermgr_sim.answer import Call

HEADER = "blob-store-auth-token"
_STAMP = 8
_LENGTH = 24


def sign(path: str, query: str, stamp: bytes, secret: str) -> str:
    """The token for a decoded path and a raw query; `stamp` is the time as 8 bytes, little-endian."""
    digest = hashlib.md5(path.encode() + query.encode() + stamp + secret.encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(stamp + digest).decode()


def passes(call: Call, secret: str, *, undecodable_passes: bool) -> bool:
    """Whether the request may in: the time in the token is not checked, the oldest release waves garbage through."""
    token = call.headers.get(HEADER, "")
    if not token:
        return False
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return undecodable_passes
    if len(raw) != _LENGTH:
        return undecodable_passes
    expected = sign(call.path, call.query, raw[:_STAMP], secret)
    return hmac.compare_digest(base64.urlsafe_b64decode(expected), raw)
