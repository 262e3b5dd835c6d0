"""What the inside needs from the outside, as protocols. Adapters implement them; composition roots choose."""

from collections.abc import Iterator
from typing import Protocol

from shared.domain.events import Event


class Journal(Protocol):
    """The append-only record of one bot's events. Reading gives them in the order they were appended."""

    def append(self, event: Event) -> None:
        """Record an event durably before returning.

        Raises:
            JournalError: It could not be recorded.
        """
        ...

    def read(self, run_id: str) -> Iterator[Event]:
        """The events of one run, oldest first."""
        ...

    def runs(self) -> list[str]:
        """Ids of the runs recorded, oldest first."""
        ...

    def close(self) -> None:
        """Let go of the underlying file."""
        ...


class JournalError(Exception):
    """The journal cannot be read or written."""
