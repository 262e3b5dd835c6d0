"""Follows the phase of the home: what runs in the sidecar depends on it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shared.adapters.phase_journal import current_phase
from shared.domain.phases import PHASES

_LOOK_EVERY_S = 2.0


class PhaseService:
    """Looks the phase up in the journal every few seconds, and tells of it when it is another one.

    Where it cannot be read the last one known stands; before the first it is unknown, and what needs a phase waits.

    Args:
        journal: The home's journal, there or not yet.
        entered: Takes a phase once it is entered, the first one too.
        said: Takes a line for people.
    """

    name = "phase"

    def __init__(self, journal: Path, entered: Callable[[int], None], said: Callable[[str], None]) -> None:
        self._journal = journal
        self._entered = entered
        self._said = said
        self._phase: int | None = None

    async def step(self) -> float:
        phase = current_phase(self._journal)
        if phase != self._phase:
            before = "" if self._phase is None else f" (before: {self._phase})"
            self._phase = phase
            self._said(f"phase {phase}, {PHASES[phase].name}{before}")
            self._entered(phase)
        return _LOOK_EVERY_S

    def detail(self) -> Mapping[str, Any]:
        return {} if self._phase is None else {"phase": self._phase}
