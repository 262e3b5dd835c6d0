"""A home of its own for each test, and the `recovery` command run in it as a user runs it."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from shared.adapters.sqlite_journal import SqliteJournal
from shared.domain.events import Event

CHECKOUT = Path(__file__).resolve().parents[2]
MARKET_DATA = CHECKOUT.parent / "shared" / "market_data"
# -P: as an installed command, without the working directory on the path.
RECOVERY = [sys.executable, "-P", "-c", "from shared.cli.main import main; main()"]
IS_DEFAULT_RELEASE = version("hummingbot") == "20260126"


@dataclass(frozen=True)
class BotHome:
    """A home whose conf/controllers and conf/scripts are copies, so that no test writes into the checkout."""

    path: Path

    @classmethod
    def make(cls, path: Path) -> "BotHome":
        for folder in ("controllers", "scripts"):
            shutil.copytree(CHECKOUT / "conf" / folder, path / "conf" / folder)
        return cls(path)

    def edit(self, file: str, old: str, new: str) -> None:
        """Change a file below conf/; the old text must be there."""
        target = self.path / "conf" / file
        text = target.read_text()
        assert old in text
        target.write_text(text.replace(old, new))

    def environment(self) -> dict[str, str]:
        return {**os.environ, "RECOVERY_HOME": str(self.path), "PYTHONPATH": str(CHECKOUT), "COLUMNS": "150"}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*RECOVERY, *arguments],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.path,
        )

    def recovery(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*RECOVERY, *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            cwd=self.path,
            timeout=900,
            check=False,
        )

    def run(self, *arguments: str) -> tuple["subprocess.CompletedProcess[str]", dict[str, Any]]:
        """`recovery run` with a report; the report's content."""
        file = self.path / "report.json"
        done = self.recovery("run", "--report", str(file), *arguments)
        return done, json.loads(file.read_text()) if file.exists() else {}

    def events(self, run: int = -1) -> list[Event]:
        """The journal of one run, the last unless numbered."""
        journal = SqliteJournal(self.path / "data" / "recovery_journal.sqlite")
        try:
            return list(journal.read(journal.runs()[run]))
        finally:
            journal.close()
