"""Problems of acts on alerts and silences, without words; `subjects.py` has that of a subject. No I/O."""

from bot.alerting.holding import HoldRefusal
from bot.alerting.model import AlertState, Silence
from bot.common.errors import Problem
from bot.common.frozen import frozen


@frozen
class NoSuchAlert(Problem):
    """No configured cluster has an alert of that number."""

    alert: int


@frozen
class HoldRefused(Problem):
    """The alert is not acknowledged, taken over or given back; `holder` holds it ("" for no one)."""

    alert: int
    why: HoldRefusal
    holder: str


@frozen
class BadHoldLength(Problem):
    """An acknowledgement cannot be that long, or has no length."""


@frozen
class AlertIsOver(Problem):
    """The alert is resolved; its old message may still show a button."""

    alert: int
    state: AlertState


@frozen
class AlertContended(Problem):
    """The watch wrote the alert at the same moment, in every try."""

    alert: int


@frozen
class NoSuchRule(Problem):
    """There is no rule of that name; `known` are those that can be silenced."""

    rule: str
    known: tuple[str, ...]


@frozen
class BadSilenceLength(Problem):
    """A silence cannot be that long, or has no length."""


@frozen
class StartIsPast(Problem):
    """The typed start of a silence (Unix seconds) is over."""

    begins: float
    now: float


@frozen
class StartTooFarAhead(Problem):
    """The typed start of a silence (Unix seconds) is too far ahead."""

    begins: float


@frozen
class EndIsPast(Problem):
    """The typed end of a silence (Unix seconds) is over."""

    until: float
    now: float


@frozen
class EndBeforeStart(Problem):
    """The typed end of a silence is not after its start."""

    begins: float
    until: float


@frozen
class TwoEnds(Problem):
    """Both a length and an end of a silence were typed."""


@frozen
class SilencedLonger(Problem):
    """An equal silence in force lasts as long or longer; `now` is the time of the request."""

    silence: Silence
    now: float


@frozen
class MaintenanceContended(Problem):
    """The maintenance of another host of the cluster began while this one was judged."""

    host: str


@frozen
class NoSuchSilence(Problem):
    """No silence of that number is in force."""

    silence: int
