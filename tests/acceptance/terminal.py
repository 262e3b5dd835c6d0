"""A program on a pseudo-terminal, and what a person would see there."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pexpect
import pyte

COLUMNS, LINES = 120, 40
_SETTLE_S = 0.2
_SETTLE_READS = 20  # a console with clocks on it is never quite still


class Terminal:
    """Runs a program on a terminal of 120x40.

    Args:
        command: The program and its arguments.
        cwd: Its working directory.
        env: Its environment.
    """

    def __init__(self, command: Sequence[str], cwd: Path, env: dict[str, str]) -> None:
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.Stream(self._screen)
        self._child = pexpect.spawn(
            command[0],
            list(command[1:]),
            cwd=str(cwd),
            env=env | {"TERM": "xterm-256color"},
            dimensions=(LINES, COLUMNS),
            encoding="utf-8",
            codec_errors="replace",
            timeout=None,
        )

    @property
    def text(self) -> str:
        """The screen as it stands."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def columns(self, first: int, last: int) -> str:
        """A vertical part of the screen, its lines joined as they were before the program wrapped them there."""
        return "".join(line[first:last] for line in self._screen.display)

    def wait_for(self, what: str | Callable[[str], bool], timeout_s: float) -> str:
        """Read until the screen holds `what`, or satisfies it.

        Raises:
            AssertionError: It did not; the message is the screen.
        """
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            self._read()
            if what(self.text) if callable(what) else what in self.text:
                return self.text
            if not self._child.isalive():
                break
        raise AssertionError(f"{what!r} is not on the screen:\n{self.text}")

    def settle(self) -> str:
        """The screen once nothing has been written for a moment."""
        for _ in range(_SETTLE_READS):
            if not self._read():
                break
        return self.text

    def type(self, line: str) -> None:
        """Type a line, and press Enter once the screen has followed: its completions would come up afterwards."""
        self._child.send(line)
        self.settle()
        self._child.send("\r")

    def press_escape(self) -> None:
        self._child.send("\x1b")

    def wait_for_end(self, timeout_s: float) -> int:
        """The exit code, once the program has ended by itself.

        Raises:
            AssertionError: It did not end, or was killed.
        """
        until_s = time.monotonic() + timeout_s
        while self._child.isalive():
            self._read()
            assert time.monotonic() < until_s, f"still running:\n{self.text}"
        assert self._child.exitstatus is not None, f"killed by signal {self._child.signalstatus}:\n{self.text}"
        return int(self._child.exitstatus)

    def close(self) -> None:
        """End the program, whatever it does."""
        self._child.close(force=True)

    def _read(self) -> bool:
        try:
            self._stream.feed(self._child.read_nonblocking(65_536, timeout=_SETTLE_S))
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            time.sleep(_SETTLE_S)
            return False
        return True
