"""Changes of phase for tests."""

from shared.domain.events import PhaseChanged

AT_MS = 1_764_000_000_000  # 2025-11-24T16:00Z


def changed(to_phase: int, from_phase: int | None = None, *, forced: bool = False, reason: str = "") -> PhaseChanged:
    """A change of phase."""
    return PhaseChanged(
        at_ms=AT_MS, from_phase=from_phase, to_phase=to_phase, forced=forced, reason=reason, evidence={}
    )
