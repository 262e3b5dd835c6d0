"""What the sources had, beside what the store has and what a bot was told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shared.domain.bars import Series
from shared.domain.stored import StoredCandle, Timeframe
from shared.simulator.bar_book import MINUTE_MS, longer
from shared.simulator.binance_messages import kline_rows
from shared.wire.feed_messages import FeedCandle, FeedClose, FeedMessage, FeedWindow
from tests.feed_world import World

Prices = tuple[Decimal, ...]
# By then a bar is there by the stream, or by history a moment later.
_SETTLED_MS = 25_000


@dataclass(frozen=True)
class Difference:
    """How what we have differs from what there was.

    Attributes:
        missing: Bars that the source has and the store has not, or that a bot was not told.
        wrong: Bars of the store, or of a bot, that the source does not have, or has with other values.
        again: Candles a bot was told as new for a second time, or revisions told twice.
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
    """All differences of all sources, and of one bot, over a stretch of time."""
    found = Difference()
    truths: dict[Series, Mapping[int, Prices]] = {}
    for source, book in world.feeds.books.items():
        for symbol in sorted(book.symbols):
            for timeframe in Timeframe:
                series = Series(source, symbol, timeframe)
                until_ms = (now_ms - _SETTLED_MS) // series.step_ms * series.step_ms
                truth = truths[series] = truth_of(world, series, since_ms - since_ms % series.step_ms, until_ms)
                stored = await world.store.last_candles(symbol, timeframe, 10_000, source)
                found += _stored_difference(series, truth, stored, since_ms - since_ms % series.step_ms, until_ms)
    return found + told_difference(heard, truths)


def truth_of(world: World, series: Series, since_ms: int, until_ms: int) -> Mapping[int, Prices]:
    """Values of all bars that a source had in [since_ms, until_ms), by open."""
    if series.source == "polygon":
        minutes = world.server.polygon.bars.minutes(series.symbol, since_ms, until_ms)
        bars = [bar.bar(series) for bar in longer(minutes, series.step_ms)]
        return {bar.open_ms: bar.prices for bar in bars}
    market = world.venue.market(False, series.symbol.replace("-", ""))
    klines = market.klines(series.step_ms // 1000, since_ms, until_ms - 1)
    rows = kline_rows(klines, series.step_ms // 1000, market.instrument)
    return {row[0]: tuple(map(Decimal, row[1:6])) for row in rows}


def _stored_difference(
    series: Series, truth: Mapping[int, Prices], stored: Sequence[StoredCandle], since_ms: int, until_ms: int
) -> Difference:
    have = {int(each.opened_at.timestamp() * 1000): _values(each) for each in stored}
    missing = sorted(truth.keys() - have.keys())
    # Beyond the end only what has not come can be told.
    wrong = sorted(
        open_ms
        for open_ms, values in have.items()
        if since_ms <= open_ms
        and truth.get(open_ms) != values
        and (open_ms < until_ms or open_ms > until_ms + MINUTE_MS * 120)
    )
    examples = [
        f"{series.source} {series.symbol} {series.timeframe} {what} {at}"
        for what, ats in (("lacks", missing), ("is wrong at", wrong))
        for at in ats[:1]
    ]
    return Difference(len(missing), len(wrong), 0, "; ".join(examples))


def _values(candle: StoredCandle | FeedCandle) -> Prices:
    return candle.open, candle.high, candle.low, candle.close, candle.volume


def told_difference(heard: Iterable[FeedMessage], truths: Mapping[Series, Mapping[int, Prices]]) -> Difference:
    """What is wrong with what a bot was told, and with what it has in the end."""
    found = Difference()
    bots: dict[tuple[str, Timeframe], _Told] = {}
    for message in heard:
        match message:
            case FeedWindow(pair=pair, interval=interval):
                bots[pair, interval] = _Told(message)
            case FeedClose(pair=pair, interval=interval):
                found += bots[pair, interval].close(message)
    for told in bots.values():
        found += told.difference(truths)
    return found


class _Told:
    """What a bot has of one pair and interval."""

    def __init__(self, window: FeedWindow) -> None:
        self._window = window
        self._candles = {candle.open_ms: candle for candle in window.candles}
        self._told: set[tuple[int, int]] = {(candle.open_ms, 0) for candle in window.candles}

    def close(self, message: FeedClose) -> Difference:
        """Take one candle."""
        candle, step_ms = message.candle, self._window.interval.seconds * 1000
        is_again = (candle.open_ms, message.revision) in self._told
        is_after_a_hole = not message.revision and candle.open_ms - step_ms not in self._candles
        self._told.add((candle.open_ms, message.revision))
        self._candles[candle.open_ms] = candle
        what = "again" if is_again else "after a hole" if is_after_a_hole else ""
        said = f"told {message.pair} {message.interval} {candle.open_ms} {what}" if what else ""
        return Difference(missing=is_after_a_hole, again=is_again, example=said)

    def difference(self, truths: Mapping[Series, Mapping[int, Prices]]) -> Difference:
        """How what it has in the end differs from what its source had."""
        window = self._window
        if window.source is None:
            return Difference(missing=1, example=f"{window.pair} {window.interval} has no candles")
        symbol = f"{window.pair.rpartition('-')[0]}-{window.quote}"
        truth = truths[Series(window.source, symbol, window.interval)]
        first_ms, last_ms = min(truth, default=0), max(truth, default=0)
        missing = [at for at in truth if at >= min(self._candles) and at not in self._candles]
        wrong = [
            at
            for at, candle in self._candles.items()
            if first_ms <= at <= last_ms and _values(candle) != truth.get(at, _flat(candle))
        ]
        said = f"the bot's {window.pair} {window.interval} of {window.source}: {missing[:1]} {wrong[:1]}"
        return Difference(len(missing), len(wrong), 0, said if missing or wrong else "")


def _flat(candle: FeedCandle) -> Prices:
    """As a candle without a trade has to be."""
    return candle.close, candle.close, candle.close, candle.close, Decimal(0)
