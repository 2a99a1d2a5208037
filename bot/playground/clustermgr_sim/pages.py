"""The pages beside the API: the usage text of `/` and a few lines of `/metrics`."""

from bot.playground.clustermgr_sim.answer import PLAIN, Answer

_USAGE = """usage:
	/

vars:
	/debug/vars
	/debug/var/*

pprof:
	/debug/pprof/
	/debug/pprof/cmdline
	/debug/pprof/profile
	/debug/pprof/symbol
	/debug/pprof/trace

metrics:
	/metrics

users:
	/log/level
	/log/level"""

_METRICS = """
# HELP go_gc_duration_seconds A summary of the pause duration of garbage collection cycles.
# TYPE go_gc_duration_seconds summary
go_gc_duration_seconds{quantile="0"} 0.00011766
go_gc_duration_seconds{quantile="0.25"} 0.00011766
go_gc_duration_seconds{quantile="0.5"} 0.00011766
go_gc_duration_seconds{quantile="0.75"} 0.00011766
go_gc_duration_seconds{quantile="1"} 0.00011766
go_gc_duration_seconds_sum 0.00011766
go_gc_duration_seconds_count 1
"""


def page(path: str) -> Answer | None:
    """The page at `path`, if there is one; metrics are sent chunked."""
    if path == "/":
        return Answer(200, _USAGE, (("Content-Type", PLAIN),))
    if path == "/metrics":
        return Answer(200, _METRICS, (("Content-Type", "text/plain; version=0.0.4; charset=utf-8"),), chunked=True)
    return None
