"""What the sources had, beside what the store has and what a bot was told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shared.domain.bars import Series
from shared.domain.stored import StoredCandle, Timeframe
from shared.simulator.bar_book import longer
from shared.simulator.binance_messages import kline_rows
from shared.wire.feed_messages import FeedCandle, FeedClose, FeedMessage, FeedWindow
from tests.feed_world import World

Prices = tuple[Decimal, ...]
Truths = Mapping[Series, Mapping[int, Prices]]
# By then a bar is there by the stream, or by history a moment later.
_SETTLED_MS = 25_000


@dataclass(frozen=True)
class Difference:
    """How what we have differs from what there was.

    Attributes:
        missing: Bars that the source has and the store has not, or that a bot was not told.
        wrong: Bars of the store, or of a bot, that the source does not have, or has with other values.
        again: Candles a bot was told as new for a second time, and revisions told twice.
        example: The first of them, for people.
    """

    missing: int = 0
    wrong: int = 0
    again: int = 0
    example: str = ""

    def __add__(self, other: "Difference") -> "Difference":
        return Difference(
            self.missing + other.missing,
            self.wrong + other.wrong,
            self.again + other.again,
            self.example or other.example,
        )


async def differences(world: World, heard: Iterable[FeedMessage], since_ms: int, now_ms: int) -> Difference:
    """All differences of every source in the store, and of what one bot was told; since a whole hour."""
    found = Difference()
    truths: dict[Series, Mapping[int, Prices]] = {}
    for source, book in world.feeds.books.items():
        for symbol in sorted(book.symbols):
            for timeframe in Timeframe:
                series = Series(source, symbol, timeframe)
                until_ms = (now_ms - _SETTLED_MS) // series.step_ms * series.step_ms
                truths[series] = _truth(world, series, since_ms, until_ms)
                stored = await world.store.last_candles(symbol, timeframe, 10_000, source)
                found += stored_difference(series, truths[series], stored, since_ms, now_ms)
    return found + told_difference(heard, truths)


def _truth(world: World, series: Series, since_ms: int, until_ms: int) -> Mapping[int, Prices]:
    """Values of all bars that a source had in [since_ms, until_ms), by open."""
    if series.source == "polygon":
        minutes = world.server.polygon.bars.minutes(series.symbol, since_ms, until_ms)
        return {bar.open_ms: bar.bar(series).prices for bar in longer(minutes, series.step_ms)}
    market = world.venue.market(False, series.symbol.replace("-", ""))
    klines = market.klines(series.step_ms // 1000, since_ms, until_ms - 1)
    rows = kline_rows(klines, series.step_ms // 1000, market.instrument)
    return {row[0]: tuple(map(Decimal, row[1:6])) for row in rows}


def stored_difference(
    series: Series, truth: Mapping[int, Prices], stored: Sequence[StoredCandle], since_ms: int, now_ms: int
) -> Difference:
    """How a series of the store differs from its source's, which may not reach up to now."""
    have = {int(each.opened_at.timestamp() * 1000): _values(each) for each in stored}
    known_until_ms = max(truth, default=since_ms) + series.step_ms
    missing = sorted(truth.keys() - have.keys())
    wrong = sorted(
        at_ms
        for at_ms, values in have.items()
        if (since_ms <= at_ms < known_until_ms and truth.get(at_ms) != values) or at_ms + series.step_ms > now_ms
    )
    name = f"{series.source} {series.symbol} {series.timeframe}"
    return Difference(len(missing), len(wrong), 0, _example(name, missing, wrong))


def _example(name: str, missing: Sequence[int], wrong: Sequence[int]) -> str:
    said = [f"{what} {all_ms[0]}" for what, all_ms in (("lacks", missing), ("has a wrong", wrong)) if all_ms]
    return f"{name} {' and '.join(said)}" if said else ""


def _values(candle: StoredCandle | FeedCandle) -> Prices:
    return candle.open, candle.high, candle.low, candle.close, candle.volume


def told_difference(heard: Iterable[FeedMessage], truths: Truths) -> Difference:
    """What is wrong with what a bot was told, and with what it has in the end."""
    found = Difference()
    bots: dict[tuple[str, Timeframe], _Told] = {}
    for message in heard:
        match message:
            case FeedWindow(pair=pair, interval=interval):
                bots[pair, interval] = _Told(message)
            case FeedClose(pair=pair, interval=interval):
                found += bots[pair, interval].close(message)
    return sum((told.difference(truths) for told in bots.values()), found)


class _Told:
    """What a bot has of one pair and interval."""

    def __init__(self, window: FeedWindow) -> None:
        self._window = window
        self._candles = {candle.open_ms: candle for candle in window.candles}
        self._told = {(candle.open_ms, 0) for candle in window.candles}

    def close(self, message: FeedClose) -> Difference:
        """Take one candle."""
        open_ms, step_ms = message.candle.open_ms, self._window.interval.seconds * 1000
        is_again = (open_ms, message.revision) in self._told
        is_after_a_hole = not (is_again or message.revision) and open_ms - step_ms not in self._candles
        self._told.add((open_ms, message.revision))
        self._candles[open_ms] = message.candle
        if not is_again and not is_after_a_hole:
            return Difference()
        said = f"a bot was told {message.pair} {message.interval} {open_ms} {'again' if is_again else 'after a hole'}"
        return Difference(missing=is_after_a_hole, again=is_again, example=said)

    def difference(self, truths: Truths) -> Difference:
        """How what it has in the end differs from what its source had."""
        window = self._window
        name = f"the bot's {window.pair} {window.interval}"
        if window.source is None:
            return Difference(missing=1, example=f"{name} has no candles")
        truth = truths[Series(window.source, f"{window.pair.rpartition('-')[0]}-{window.quote}", window.interval)]
        missing = [at_ms for at_ms in truth if at_ms >= min(self._candles) and at_ms not in self._candles]
        wrong = [
            at_ms
            for at_ms, candle in self._candles.items()
            if min(truth) <= at_ms <= max(truth) and _values(candle) != truth.get(at_ms, _flat(candle))
        ]
        return Difference(len(missing), len(wrong), 0, _example(f"{name} of {window.source}", missing, wrong))


def _flat(candle: FeedCandle) -> Prices:
    """As a candle without a trade has to be."""
    return candle.close, candle.close, candle.close, candle.close, Decimal(0)
