"""The command in a home of its own."""

from pathlib import Path

import pytest

from tests.unit.cli.command import Command


@pytest.fixture
def recovery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.setenv("RECOVERY_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("RECOVERY_VENUE_URL", raising=False)
    return Command(tmp_path, monkeypatch, capsys)
