"""Alerts as plain text to the group robots of WeCom, DingTalk and Feishu, with their signatures.

They have no key by which a repeated message is recognised, so a message whose answer was lost may come twice. They
answer 200 also when they refuse: the code is in the body. What a code means is known of a few only; any other one may
be about the text, and the worker finds out by what else the robot takes.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import quote_plus

from bot.alerting.receivers import ReceiverKind
from bot.common.frozen import frozen
from bot.integrations.client import DeliveryFailed, HttpAnswer, HttpClient, encoded
from bot.integrations.reach import reach
from bot.integrations.sender import ReceiverTarget
from bot.store.repositories.outputs import OutputClaim
from bot.views.output_text import robot_text

_TOO_OFTEN = frozenset({45009, 45033, 130101, 660026, 9499, 11232, 11233})
"""Codes of messages that come too often: WeCom, DingTalk, Feishu."""
_SETTINGS = frozenset({93000, 300001, 300005, 19001, 19021, 19022})
"""Codes of an address, a token or a signature that the robot does not know: WeCom, DingTalk, Feishu."""
_WAIT = 60.0


@frozen
class RobotSender:
    """Tells one robot; `apart` keeps below 20 messages a minute, the limit of WeCom and DingTalk."""

    target: ReceiverTarget
    kind: ReceiverKind
    client: HttpClient
    wall: Callable[[], float]
    apart: float = 3.1
    again: float = 0.0
    batch: int = 30

    async def send(self, claims: Sequence[OutputClaim]) -> None:
        """Send one message about all these alerts."""
        url, body = _REQUESTS[self.kind](self.target, robot_text([claim.alert for claim in claims]), self.wall())
        _refuse_errors(await self.client.post(url, encoded(body), context=self.target.context))

    async def check(self) -> str:
        """Connect: a robot says what its key is worth only when it gets a message."""
        return await reach(self.target)


def _refuse_errors(answer: HttpAnswer) -> None:
    """Raise DeliveryFailed unless the body says that the robot took the message."""
    data = answer.data if isinstance(answer.data, Mapping) else {}
    code = next((data[key] for key in ("errcode", "code", "StatusCode") if key in data), None)
    if code == 0 and not isinstance(code, bool):
        return
    known = isinstance(code, int) and not isinstance(code, bool)
    if not known:
        raise DeliveryFailed("its answer is not that of a robot")
    raise DeliveryFailed(
        f"it refuses the message with code {code}",
        refused=code not in _TOO_OFTEN | _SETTINGS,
        retry_after=_WAIT if code in _TOO_OFTEN else 0.0,
    )


def _wecom(target: ReceiverTarget, text: str, _: float) -> tuple[str, dict[str, Any]]:
    return target.url, {"msgtype": "text", "text": {"content": text}}


def _dingtalk(target: ReceiverTarget, text: str, now: float) -> tuple[str, dict[str, Any]]:
    url = target.url
    if target.secret:
        at = f"{now * 1000:.0f}"
        sign = _hmac(target.secret.encode(), f"{at}\n{target.secret}".encode())
        url += f"{'&' if '?' in url else '?'}timestamp={at}&sign={quote_plus(sign)}"
    return url, {"msgtype": "text", "text": {"content": text}}


def _feishu(target: ReceiverTarget, text: str, now: float) -> tuple[str, dict[str, Any]]:
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
    if target.secret:
        at = f"{now:.0f}"
        # The string to sign is the key, and the message is empty.
        body = {"timestamp": at, "sign": _hmac(f"{at}\n{target.secret}".encode(), b""), **body}
    return target.url, body


def _hmac(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


_REQUESTS: Mapping[ReceiverKind, Callable[[ReceiverTarget, str, float], tuple[str, dict[str, Any]]]] = MappingProxyType(
    {ReceiverKind.WECOM: _wecom, ReceiverKind.DINGTALK: _dingtalk, ReceiverKind.FEISHU: _feishu}
)
