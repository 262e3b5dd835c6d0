"""Which pairs are followed: those that bots ask for, those of the configuration, and the canary while there are any."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from shared.domain.feed_symbols import symbol_at
from shared.domain.load_shedding import LimitPressure, divide

# Bars kept of a pair that nobody decides on: enough for a revision, or a quarter and an hour to be built.
RECORDED_BARS = 120
# A bot that restarts finds its candles still there.
_LINGER_S = 600.0


class TooManyPairs(Exception):
    """No further pair can be followed. The message is one sentence."""


class Wanted:
    """The pairs, in order of precedence.

    Args:
        configured: To follow in any case.
        canary: To follow as long as any other is.
        max_pairs: So many at most, the canary not counted.
        shed_to: So many keep their minutes while limits bite.
        asked: What bots ask for now, with the most candles of each.
    """

    def __init__(
        self,
        configured: Sequence[str],
        canary: str,
        max_pairs: int,
        shed_to: int,
        asked: Callable[[], Mapping[str, int]],
    ) -> None:
        self._pressure = LimitPressure()
        self._configured = configured
        self._canary = canary
        self._max_pairs = max_pairs
        self._shed_to = shed_to
        self._asked = asked
        self._lingering: dict[str, tuple[int, float]] = {}

    def require_room(self, pairs: Sequence[str]) -> None:
        """Check that these can be followed beside what is.

        Raises:
            TooManyPairs: They cannot.
        """
        # Those that merely linger make room.
        followed = {*self._asked(), *self._configured} - {self._canary}
        fresh = sorted(set(pairs) - followed - {self._canary})
        if fresh and len(followed) + len(fresh) > self._max_pairs:
            raise TooManyPairs(
                f"feeds.max_pairs = {self._max_pairs}: {len(followed)} are followed, {fresh[0]} has no room"
            )

    def touch(self, pair: str, count: int) -> None:
        """Somebody asked once: follow the pair for a while."""
        known = self._lingering.get(pair, (0, 0.0))[0]
        self._lingering[pair] = (max(known, count), asyncio.get_running_loop().time())

    @property
    def pairs(self) -> dict[str, int]:
        """Every pair followed, with how many bars of it to have; first those that bots ask for."""
        now_s = asyncio.get_running_loop().time()
        for pair, count in self._asked().items():
            self._lingering[pair] = (count, now_s)
        self._lingering = {
            pair: (count, at_s) for pair, (count, at_s) in self._lingering.items() if now_s - at_s < _LINGER_S
        }
        self._make_room(now_s)
        pairs = {pair: max(count, RECORDED_BARS) for pair, (count, _) in self._lingering.items()}
        for pair in self._configured:
            pairs.setdefault(pair, RECORDED_BARS)
        if pairs:
            pairs.setdefault(self._canary, RECORDED_BARS)
        return pairs

    def _make_room(self, now_s: float) -> None:
        """Let those that merely linger go, the longest first, until no more than may be are followed."""
        followed = {*self._lingering, *self._configured} - {self._canary}
        idle = [pair for pair, (_, at_s) in self._lingering.items() if at_s < now_s and pair not in self._configured]
        idle.sort(key=lambda pair: self._lingering[pair][1])
        for pair in idle[: max(0, len(followed) - self._max_pairs)]:
            del self._lingering[pair]

    @property
    def shed(self) -> frozenset[str]:
        """Pairs that have to do without minutes from history now. The canary never has."""
        if not self._pressure.bites(asyncio.get_running_loop().time()):
            return frozenset()
        division = divide(self._lingering, self._configured, keep=self._shed_to)
        return frozenset(division.shed) - {self._canary}

    def limited(self) -> None:
        """A limit of a source was hit."""
        self._pressure.hit(asyncio.get_running_loop().time())

    def symbols(self, source: str) -> dict[str, int]:
        """The same at one source. Two pairs that are one symbol there have the greater number of bars."""
        symbols: dict[str, int] = {}
        for pair, count in self.pairs.items():
            symbol = symbol_at(source, pair)
            symbols[symbol] = max(symbols.get(symbol, 0), count)
        return symbols

    def ranked(self, source: str) -> list[str]:
        """Symbols of a source, the canary first, then in order of precedence."""
        return list(dict.fromkeys(symbol_at(source, pair) for pair in (self._canary, *self.pairs)))

    def shed_symbols(self, source: str) -> frozenset[str]:
        """What is shed, as a source names it."""
        return frozenset(symbol_at(source, pair) for pair in self.shed)
