"""The program as processes that can be killed, stopped and woken; each writes its log to a file."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Process:
    """One replica and its folder: the next process of a killed one uses the same folder."""

    number: int
    config: Path
    environment: Mapping[str, str]
    process: asyncio.subprocess.Process | None = None
    starts: int = 0
    began: int = 0
    """Offset in the log at which the last start begins, in bytes."""
    stopped: bool = False
    ended_by_itself: list[str] = field(default_factory=list)
    program: tuple[str, ...] = ()
    """Module to run in place of the program, with its arguments."""
    folder: Path | None = None
    """The folder of another release of the program, None for the present one."""

    @property
    def log(self) -> Path:
        """The log file."""
        return self.config.parent / f"replica-{self.number}.log"

    @property
    def jump(self) -> Path:
        """The file with the offset of its clock."""
        return self.config.parent / f"replica-{self.number}.jump"

    def shift(self, seconds: float) -> bool:
        """Set its system clock; False when it does not run."""
        self.jump.write_text(str(seconds))
        # Before the handler is set the signal would end the process.
        return self.log.exists() and "replica.holds" in self.log.read_text()[self.began :] and self.send(signal.SIGUSR1)

    async def end(self, within: float = 15.0) -> int | None:
        """End it in order (SIGTERM); gives its exit status, None when it had to be killed."""
        if not self.send(signal.SIGTERM) or self.process is None:
            return None
        try:
            async with asyncio.timeout(within):
                return await self.process.wait()
        except TimeoutError:
            await self.kill()
            return None

    async def start(self) -> None:
        """Start it, if it does not run."""
        if self.process is not None and self.process.returncode is None:
            return
        if self.process is not None and self.process.returncode != -signal.SIGKILL:
            self.ended_by_itself.append(f"replica {self.number} ended with status {self.process.returncode}")
        self.began = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *(self.program or self._with_movable_clock())),
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stderr=log,
                stdout=log,
            )
        self.starts += 1
        self.stopped = False

    def _with_movable_clock(self) -> tuple[str, ...]:
        return ("tests.support.movable_clock", str(self.jump), "run", "--config", str(self.config))

    def send(self, number: signal.Signals) -> bool:
        """Send it a signal; False when it does not run."""
        if self.process is None or self.process.returncode is not None:
            return False
        self.process.send_signal(number)
        return True

    async def replace(self) -> int | None:
        """End it in order and start the present program in its place; gives the exit status of the former."""
        status = await self.end()
        self.process, self.program, self.folder = None, (), None
        await self.start()
        return status

    async def kill(self) -> bool:
        """End it without warning; False when it did not run."""
        if not self.send(signal.SIGKILL):
            return False
        assert self.process is not None
        await self.process.wait()
        return True

    def stop(self) -> None:
        """Stop the process (SIGSTOP) until `wake`."""
        self.stopped = self.send(signal.SIGSTOP)

    def wake(self) -> None:
        """Continue a stopped process (SIGCONT)."""
        if self.stopped:
            self.stopped = False
            self.send(signal.SIGCONT)
