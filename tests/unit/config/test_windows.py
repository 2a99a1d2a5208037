"""Maintenance windows in the settings: what each form means, and what is refused."""

from datetime import time

import pytest
from pydantic import SecretStr

from bot.alerting.model import Severity
from bot.alerting.windows import Window
from bot.common.errors import ConfigError
from bot.config import Secrets, Settings, parse
from bot.runtime.windows import windows_of, zone_of

_HALF = "{{name: {}, start: '22:00', length: 12h, weekdays: mon-thu}}"
NO_SECRETS = Secrets(_env_file=None, slack_bot_token=SecretStr(""))


def read(windows: str, more: str = "") -> Settings:
    text = (
        'clusters: [{name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0STORAGE, '
        f"maintenance_windows: [{windows}]{more}}}]"
    )
    return parse(text, secrets=NO_SECRETS, environment={})


def window(settings: str) -> Window:
    [found] = windows_of(read(f"{{name: w, start: '22:00', length: 1h, weekdays: sat, {settings}}}"))["prod"]
    return found


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("sat", (5,)),
        ("[sat, Sunday]", (5, 6)),
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("fri-mon", (0, 4, 5, 6)),
        ("'mon, wed'", (0, 2)),
        ("daily", (0, 1, 2, 3, 4, 5, 6)),
    ],
)
def test_weekdays_are_names_and_ranges(written: str, days: tuple[int, ...]) -> None:
    [found] = windows_of(read(f"{{name: w, start: '22:00', length: 1h, weekdays: {written}}}"))["prod"]
    assert found.weekdays == days


@pytest.mark.parametrize(("written", "start"), [("'22:00'", time(22)), ("22:30", time(22, 30)), ("'7:05'", time(7, 5))])
def test_start_is_a_time_of_day_with_or_without_quotes(written: str, start: time) -> None:
    """YAML reads 22:30 without quotes as a number of minutes."""
    [found] = windows_of(read(f"{{name: w, start: {written}, length: 1h, weekdays: sat}}"))["prod"]
    assert found.start == start


def test_defaults_spare_critical_alerts_and_take_the_zone_of_the_cluster() -> None:
    found = window("reason: weekly")
    assert (found.rules, found.severities, found.zone) == ((), (Severity.INFO, Severity.WARNING), "UTC")
    settings = read("{name: w, start: '22:00', length: 1h, weekdays: sat}", ", timezone: Europe/Berlin")
    assert windows_of(settings)["prod"][0].zone == "Europe/Berlin"
    assert (zone_of(settings, "prod"), zone_of(settings, "")) == ("Europe/Berlin", "UTC")
    named = window("timezone: Asia/Shanghai, severities: [critical, info], rules: [peer_down]")
    assert (named.zone, named.severities) == ("Asia/Shanghai", (Severity.INFO, Severity.CRITICAL))
    assert named.rules == ("peer_down",)


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        ("{name: w, start: '25:00', length: 1h, weekdays: sat}", "write a time of day such as 22:00"),
        ("{name: w, start: noon, length: 1h, weekdays: sat}", "write a time of day such as 22:00"),
        ("{name: w, start: '22:00', length: 1h, weekdays: someday}", "write weekdays such as"),
        ("{name: w, start: '22:00', length: 1h, weekdays: []}", "write weekdays such as"),
        ("{name: w, start: '22:00', length: 1m, weekdays: sat}", "length"),
        ("{name: w, start: '22:00', length: 2d, weekdays: sat}", "length"),
        ("{name: w, start: '22:00', length: 20h, weekdays: daily}", "more than half of each week"),
        ("{name: w, start: '22:00', length: 1h, weekdays: sat, timezone: Mars/X}", "Europe/Berlin"),
        ("{name: w, start: '22:00', length: 1h, weekdays: sat, severities: [bad]}", "severities"),
        ("{name: w, start: '22:00', length: 1h, weekdays: sat, severities: []}", "severities"),
        ("{name: w, start: '22:00', length: 1h, weekdays: sat, until: '23:00'}", "until"),
        (
            "{name: w, start: '22:00', length: 1h, weekdays: sat}, {name: w, start: '2:00', length: 1h, weekdays: sun}",
            "two maintenance windows are called 'w'",
        ),
        (_HALF.format("v") + ", " + _HALF.format("w"), "together last at most 84 hours"),
        ("{name: w, start: '22:00', length: 1h, weekdays: sat, rules: [peer_dwn]}", "Did you mean peer_down?"),
    ],
)
def test_impossible_window_is_refused_with_its_key(windows: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        windows_of(read(windows))
    assert words in str(error.value)
    assert "maintenance_windows" in str(error.value)
