"""How long things take in the simulated cluster: the real servers' figures, all of them settings."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds each.

    `wait`: how long a proposal or a linear read waits for raft; `election`: the election time-out, after which a
    silent leader is replaced, a leader without quorum steps down, an unanswered transfer ends and a dead peer stops
    being active; `transfer`: what a good transfer takes; `hold`: how long a fresh leader holds every request;
    `refresh`: the age at which disk counters are counted anew; `catch_up`: what a new member needs to catch up.
    `ghost`: for how long after a change of leader a dead peer looks active.
    `drift` is no time: log entries per second that heartbeats add, 0 for none.
    """

    wait: float = 10.0
    election: float = 10.0
    transfer: float = 0.2
    hold: float = 0.0
    refresh: float = 300.0
    catch_up: float = 0.0
    ghost: float = 0.0
    drift: float = 0.0

    def scaled(self, factor: float) -> "Timing":
        """The same with every time multiplied by `factor`, for tests that cannot wait."""
        return replace(
            self,
            wait=self.wait * factor,
            election=self.election * factor,
            transfer=self.transfer * factor,
            hold=self.hold * factor,
            refresh=self.refresh * factor,
            catch_up=self.catch_up * factor,
            ghost=self.ghost * factor,
        )
