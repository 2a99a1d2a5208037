"""What holds for every test: hypothesis judges values, not the speed of the machine."""

from hypothesis import HealthCheck, settings

settings.register_profile("cmbot", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cmbot")
