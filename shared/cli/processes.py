"""Processes that one command starts and another one ends: known by id and birth, never by a name or a pattern."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from shared.cli.errors import UsageError

_BIRTH_TOLERANCE_S = 1.0


@dataclass(frozen=True)
class Started:
    """A process that was started.

    Attributes:
        name: What it is for.
        pid: Its id.
        born_s: When it began, UTC epoch seconds: an id is given again, an id with its birth is not.
        log: Where its output goes.
    """

    name: str
    pid: int
    born_s: float
    log: str

    def process(self) -> psutil.Process | None:
        """The process; None once it has ended, whoever has its id now."""
        try:
            process = psutil.Process(self.pid)
            is_it = abs(process.create_time() - self.born_s) < _BIRTH_TOLERANCE_S
            return process if is_it and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


class Processes:
    """The processes of one home, in a file of it, so that another command can end them.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.started: list[Started] = []
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    @classmethod
    def of(cls, path: Path) -> "Processes":
        """Those that the file names.

        Raises:
            UsageError: It is not readable.
        """
        processes = cls(path)
        try:
            processes.started = [Started(**each) for each in json.loads(path.read_text())]
        except FileNotFoundError:
            pass  # nothing was started
        except (OSError, ValueError, TypeError) as error:
            raise UsageError(
                f"{path}: cannot be read ({type(error).__name__}): remove it once nothing of it runs"
            ) from error
        return processes

    @property
    def running(self) -> list[Started]:
        """Those that have not ended."""
        return [each for each in self.started if each.process() is not None]

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Started:
        """Start a process in a session of its own: a Ctrl-C in the terminal is not meant for it."""
        with log.open("wb") as output:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        started = Started(name, child.pid, psutil.Process(child.pid).create_time(), str(log))
        self._children[child.pid] = child
        self.started.append(started)
        self._write()
        return started

    def exit_code(self, started: Started) -> int | None:
        """How a child of this very process ended; None while it runs. Negative: the signal that ended it."""
        return self._children[started.pid].poll()

    def stop(self, started: Started, within_s: float) -> bool:
        """Ask a process to end in good order; end it where it does not.

        Returns:
            Whether it ended in good order.
        """
        process = started.process()
        ended = True
        if process is not None:
            process.send_signal(signal.SIGTERM)
            ended = self._wait(started, within_s)
            if not ended and (process := started.process()) is not None:
                process.kill()
                self._wait(started, within_s)
        self.started.remove(started)
        self._write()
        return ended

    def _wait(self, started: Started, within_s: float) -> bool:
        until_s = time.monotonic() + within_s
        while started.process() is not None:
            if started.pid in self._children:
                self._children[started.pid].poll()
            if time.monotonic() > until_s:
                return False
            time.sleep(0.05)
        return True

    def _write(self) -> None:
        if not self.started:
            self._path.unlink(missing_ok=True)
            return
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps([asdict(each) for each in self.started]))
        draft.replace(self._path)
