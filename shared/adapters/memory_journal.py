"""The journal's in-memory twin, for tests."""

from collections.abc import Iterator

from shared.domain.events import Event
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
        return [self.run_id] if self._lines else []

    def close(self) -> None:
        """Nothing to let go of."""
