"""The `recovery` command, run in this process."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.adapters.sqlite_journal import SqliteJournal
from shared.cli import main as entry
from shared.domain.events import Event


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Command:
    """Runs `recovery` as its entry point does, errors included."""

    home: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Done:
        self.monkeypatch.setattr(sys, "argv", ["recovery", *arguments])
        with pytest.raises(SystemExit) as left:
            entry.main()
        told = self.capsys.readouterr()
        return Done(int(left.value.code or 0), told.out, told.err)

    def refused(self, *arguments: str) -> str:
        """The one line a command with bad input ends with."""
        done = self(*arguments)
        assert done.code == 2, done
        assert done.out == ""
        assert done.err.count("\n") == 1, done.err
        assert done.err.startswith("recovery: ")
        return done.err.removeprefix("recovery: ").rstrip("\n")

    def write(self, run_id: str, events: list[Event]) -> None:
        """Put a run into the home's journal."""
        journal = SqliteJournal(self.home / "data" / "recovery_journal.sqlite", run_id)
        for event in events:
            journal.append(event)
        journal.close()
