"""The journal's in-memory twin, for tests."""

from collections.abc import Iterator

from shared.domain.events import Event, PhaseChanged
from shared.wire.journal_codec import decode_event, encode_event


class MemoryJournal:
    """Keeps events encoded, so that what cannot be written to a file cannot be appended here either."""

    def __init__(self, run_id: str = "run") -> None:
        self.run_id = run_id
        self._lines: list[str] = []

    def append(self, event: Event) -> None:
        self._lines.append(encode_event(event))

    def read(self, run_id: str) -> Iterator[Event]:
        if run_id == self.run_id:
            yield from map(decode_event, self._lines)

    def runs(self) -> list[str]:
        # What is written outside any bot's run, a change of phase, has an id of its own too.
        has_begun = any(not isinstance(event, PhaseChanged) for event in self.read(self.run_id))
        return [self.run_id] if has_begun else []

    def close(self) -> None:
        """Nothing to let go of."""
