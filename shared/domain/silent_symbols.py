"""The third watchdog: a symbol whose stream went silent while its connection lives is subscribed to anew.

The first two, transport pings and the silence of a whole feed, are the connection's own (`shared.wire.watchdogs`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

# A symbol that stays silent is subscribed to less and less often: a source that does not know it must not be pestered.
_LONGEST_WAIT = 240


@dataclass(slots=True)
class _Silence:
    minutes: int = 0
    waits: int = 0


class SilentSymbols:
    """Counts, for each symbol, the minutes that had a bar which the stream did not bring.

    A minute without a trade says nothing either way: the stream had nothing to bring.
    """

    def __init__(self, after: int = 3) -> None:
        """Begin with nothing known.

        Args:
            after: Such minutes in a row at which a symbol is subscribed to anew; after that twice as many each time, up to 240.

        Raises:
            ValueError: `after` is below one.
        """
        if after < 1:
            raise ValueError(f"after = {after}: must be at least 1")
        self._after = after
        self._silences: dict[str, _Silence] = {}

    @property
    def silent(self) -> frozenset[str]:
        """Symbols that were subscribed to anew and have not been heard of by the stream since."""
        return frozenset(symbol for symbol, silence in self._silences.items() if silence.waits > 0)

    def streamed(self, symbol: str) -> None:
        """The stream brought a bar of a symbol."""
        self._silences.pop(symbol, None)

    def fetched(self, symbol: str) -> bool:
        """A minute's bar came from history though the stream is live.

        Returns:
            Whether to subscribe to the symbol anew now.
        """
        silence = self._silences.setdefault(symbol, _Silence(waits=0))
        silence.minutes += 1
        if silence.minutes < min(self._after << silence.waits, max(_LONGEST_WAIT, self._after)):
            return False
        silence.minutes = 0
        silence.waits = min(silence.waits + 1, _LONGEST_WAIT.bit_length())
        return True

    def interrupted(self) -> None:
        """The connection broke: what came from history meanwhile says nothing of a symbol. All begin anew."""
        self._silences.clear()

    def keep_only(self, symbols: Iterable[str]) -> None:
        """Forget symbols that are no longer wanted."""
        wanted = frozenset(symbols)
        self._silences = {symbol: silence for symbol, silence in self._silences.items() if symbol in wanted}
