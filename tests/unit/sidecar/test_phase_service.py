"""The phase as the sidecar follows it: told when it is another one, kept while it cannot be read."""

from pathlib import Path

import pytest

from shared.adapters.phase_journal import change_phase
from shared.ports import JournalError
from shared.sidecar.phase_service import PhaseService
from tests.conftest import VirtualRun
from tests.unit.domain.phase_changes import changed


class Followed:
    """A service with what it told."""

    def __init__(self, journal: Path, run_virtual: VirtualRun) -> None:
        self.lines: list[str] = []
        self.entered: list[int] = []
        self.service = PhaseService(journal, self.entered.append, self.lines.append)
        self._run = run_virtual

    def step(self) -> float:
        pause_s: float = self._run(self.service.step())
        return pause_s


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "recovery_journal.sqlite"


def test_a_phase_is_told_once(journal: Path, run_virtual: VirtualRun) -> None:
    followed = Followed(journal, run_virtual)
    assert followed.service.detail() == {}
    for _ in range(3):
        assert 0 < followed.step() <= 5
    assert (followed.entered, followed.lines) == ([1], ["phase 1, stabilise"])
    change_phase(journal, changed(3, 1))
    followed.step()
    followed.step()
    change_phase(journal, changed(2, 3))
    followed.step()
    assert followed.entered == [1, 3, 2]
    assert followed.lines[1:] == ["phase 3, ML booster (before: 1)", "phase 2, validate (before: 3)"]
    assert followed.service.detail() == {"phase": 2}


def test_a_phase_that_cannot_be_read_is_trouble_and_the_last_one_stands(journal: Path, run_virtual: VirtualRun) -> None:
    change_phase(journal, changed(2, 1))
    followed = Followed(journal, run_virtual)
    followed.step()
    journal.unlink()
    journal.write_text("not a database " * 100)
    with pytest.raises(JournalError):
        followed.step()
    assert followed.entered == [2]
    assert followed.service.detail() == {"phase": 2}
