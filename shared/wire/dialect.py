"""What makes one source's stream differ from another's: its address, its words, and what its messages say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.domain.bars import Series
from shared.wire.link_table import Event
from shared.wire.stream import Complaint, Malformed, Reported

_MOST_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Said:
    """A message moves the connection. `cause`: one sentence where that is for the worse.

    Attributes:
        is_planned: The source tells of its end in time: the next connection need not wait.
    """

    event: Event
    cause: str = ""
    is_planned: bool = False


Heard = Reported | Malformed | Complaint | Said


class Dialect(Protocol):
    """How to speak with one source. It remembers nothing but the numbers of its own requests."""

    @property
    def source(self) -> str:
        """Whose it is, e.g. "polygon"."""
        ...

    @property
    def opening(self) -> Event:
        """What an open socket is: OPENED where the source speaks first, AUTHENTICATED where it asks for no key."""
        ...

    @property
    def address(self) -> str:
        """Where to connect. It holds no key."""
        ...

    @property
    def symbols_a_request(self) -> int:
        """Symbols one request may hold."""
        ...

    def credentials(self) -> str:
        """The message that proves who we are."""
        ...

    def series(self, symbol: str) -> tuple[str, Series]:
        """What messages call a symbol, and the series its bars belong to."""
        ...

    def subscribe(self, symbols: Sequence[str]) -> str:
        """The message that asks for these symbols' bars."""
        ...

    def unsubscribe(self, symbols: Sequence[str]) -> str:
        """The message that ends that."""
        ...

    def read(self, message: str | bytes, series: Mapping[str, Series]) -> Sequence[Heard]:
        """What a message says. Bars of series that are not given are left out. Whatever the bytes, it does not raise."""
        ...


def excerpt(text: str | bytes) -> str:
    """The beginning of what came, on one line, fit for a log."""
    head = text[: _MOST_CHARACTERS * 4]
    words = (head.decode(errors="replace") if isinstance(head, bytes) else head).split()
    return "".join(mark if mark.isprintable() else "?" for mark in " ".join(words))[:_MOST_CHARACTERS]
