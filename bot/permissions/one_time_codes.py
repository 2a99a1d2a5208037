"""Time-based codes (RFC 6238) that prove who uses break-glass: their secrets, and if a typed code counts. No I/O."""

import base64
import binascii
import hmac
import secrets
from dataclasses import replace
from enum import StrEnum

import pyotp

from bot.common.errors import ConfigError
from bot.common.frozen import frozen

STEP_SECONDS = 30
DRIFT = 1
"""Steps before and after the present one whose code counts as well: clocks differ, and people type slowly."""
MAX_FAILURES = 5
"""Wrong codes in a row that lock a person."""
LOCK_SECONDS = 900.0
DIGITS = 6
_KEY_BYTES = 32
_NONCE_BYTES = 12
_WRONG_KEY = "CMBOT_CODE_KEY: this is no key; `cmbot enrol --new-key` prints one."


class CodeKey:
    """The key that encrypts the secrets of codes in the database; it is never there itself."""

    def __init__(self, written: str) -> None:
        """Read the key; raises ConfigError, which does not show it."""
        try:
            key = base64.urlsafe_b64decode(written.encode())
        except (binascii.Error, ValueError) as error:
            raise ConfigError(_WRONG_KEY) from error
        if len(key) != _KEY_BYTES:
            raise ConfigError(_WRONG_KEY)
        # It takes 8 MB, and a program without codes never needs it.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

        self._cipher = AESGCM(key)

    def seal(self, user: str, secret: str) -> str:
        """Encrypt the secret of a person; it opens for that person only."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, secret.encode(), user.encode())).decode()

    def open(self, user: str, sealed: str) -> str:
        """Decrypt the secret of a person; raises ConfigError if it was encrypted with another key or changed."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see above

        try:
            held = base64.b64decode(sealed.encode())
            return self._cipher.decrypt(held[:_NONCE_BYTES], held[_NONCE_BYTES:], user.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise ConfigError(
                f"The code of {user} was stored with another CMBOT_CODE_KEY: set that one, or run "
                f"`cmbot enrol {user} --force`."
            ) from error


def new_key() -> str:
    """Return a new key for CMBOT_CODE_KEY."""
    return base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def new_secret() -> str:
    """Return a new secret of codes."""
    return pyotp.random_base32()


def address_of(user: str, secret: str) -> str:
    """Return the address that an authenticator app reads as a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=user, issuer_name="cmbot")


class CodeVerdict(StrEnum):
    """Result of a typed code; MALFORMED and UNKNOWN are no attempts."""

    ACCEPTED = "accepted"
    WRONG = "wrong"
    REUSED = "reused"
    LOCKED = "locked"
    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    NO_KEY = "no_key"


@frozen
class Enrolment:
    """The code of one person: its encrypted secret, the last step that counted, wrong codes since, end of a lock.

    Times in Unix seconds. Without a secret the person has no code any more, and only the lock is kept.
    """

    user: str
    sealed: str
    since: float
    last_step: int = 0
    failures: int = 0
    locked_until: float = 0.0

    @property
    def is_kept_lock(self) -> bool:
        """True if the code was taken away while it was locked."""
        return not self.sealed


def step_of(now: float) -> int:
    """Return the number of the time step."""
    return int(now // STEP_SECONDS)


def code_at(secret: str, step: int) -> str:
    """Return the code of one step."""
    return pyotp.HOTP(secret, digits=DIGITS).at(step)


def is_code(typed: str) -> bool:
    """True if a text has the form of a code."""
    return len(typed) == DIGITS and typed.isascii() and typed.isdigit()


def judge(held: Enrolment, secret: str, typed: str, now: float, present: int) -> tuple[CodeVerdict, Enrolment]:
    """Decide if a typed code counts, and return the enrolment as it is stored afterwards.

    `present` is the step of the system clock, with which the clocks of phones agree; `now` is compared with the lock.
    Each step counts once, and no earlier step counts after it. Wrong and repeated codes count towards the lock.
    """
    if now < held.locked_until:
        return CodeVerdict.LOCKED, held
    if not is_code(typed):
        return CodeVerdict.MALFORMED, held
    matching = [
        step
        for step in range(max(0, present - DRIFT), present + DRIFT + 1)
        if hmac.compare_digest(code_at(secret, step), typed)
    ]
    fresh = [step for step in matching if step > held.last_step]
    if fresh:
        return CodeVerdict.ACCEPTED, replace(held, last_step=fresh[0], failures=0, locked_until=0.0)
    failures = held.failures + 1
    if failures >= MAX_FAILURES:
        return CodeVerdict.LOCKED, replace(held, failures=0, locked_until=now + LOCK_SECONDS)
    return CodeVerdict.REUSED if matching else CodeVerdict.WRONG, replace(held, failures=failures)
