"""What holds for every test: hypothesis judges values, not the speed of the machine, and tries the same ones each time.

`make test` must mean the same on every machine; to search further: pytest --hypothesis-profile=search.
"""

from hypothesis import HealthCheck, settings

SLOW_MACHINES = [HealthCheck.too_slow]

settings.register_profile("cmbot", deadline=None, suppress_health_check=SLOW_MACHINES, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000, suppress_health_check=SLOW_MACHINES)
settings.load_profile("cmbot")
