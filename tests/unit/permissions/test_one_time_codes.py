"""Secrets of codes: encrypted for one person with one key; codes as RFC 6238 has them."""

import base64

import pytest

from bot.common.errors import ConfigError
from bot.permissions.one_time_codes import CodeKey, address_of, code_at, new_key, new_secret, step_of


def test_secret_opens_for_its_person_and_key_alone() -> None:
    key, secret = CodeKey(new_key()), new_secret()
    sealed = key.seal("U0ANNA", secret)
    assert secret not in sealed
    assert key.open("U0ANNA", sealed) == secret
    assert key.seal("U0ANNA", secret) != sealed
    for other, user, text in ((key, "U0BEN", sealed), (CodeKey(new_key()), "U0ANNA", sealed), (key, "U0ANNA", "x")):
        with pytest.raises(ConfigError, match="another CMBOT_CODE_KEY"):
            other.open(user, text)


@pytest.mark.parametrize("written", ["short", "x" * 44, "ä" * 44, "A" * 36])
def test_wrong_key_is_refused_and_not_shown(written: str) -> None:
    with pytest.raises(ConfigError, match="CMBOT_CODE_KEY: this is no key") as refused:
        CodeKey(written)
    assert written not in str(refused.value)


@pytest.mark.parametrize(("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """The vectors of RFC 6238, appendix B, cut to six digits."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert code_at(secret, step_of(seconds)) == code


def test_address_is_one_that_authenticator_apps_read() -> None:
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    assert address_of("U0ANNA", secret) == f"otpauth://totp/cmbot:U0ANNA?secret={secret}&issuer=cmbot"
