"""The metrics of the process that every Prometheus client has (`process_*`), also without /proc/stat."""

import time

from prometheus_client import ProcessCollector


class ProcessMetrics(ProcessCollector):
    """The collector of the library, with the time of the boot by the clocks.

    The library reads that time in /proc/stat and has no metric without it: `ProcSubset=pid` of systemd hides the file.
    """

    def _boot_time(self) -> float:
        if not hasattr(time, "CLOCK_BOOTTIME"):
            raise FileNotFoundError("this system has no /proc")
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
