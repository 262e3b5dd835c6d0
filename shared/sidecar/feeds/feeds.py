"""Puts the feeds together: sources, their books, who is in use, who is told."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from shared.adapters.candle_outbox import CandleOutbox
from shared.domain.bar_ledger import Settled
from shared.domain.bars import Bar
from shared.domain.clock_skew import ClockSkew
from shared.domain.feed_status import FeedStatus, Mode
from shared.domain.feed_symbols import symbol_at
from shared.domain.stored import Timeframe
from shared.ports import Store
from shared.sidecar.candle_shipping import CandleShipping
from shared.sidecar.care import LASTING
from shared.sidecar.feed_config import FeedsConfig
from shared.sidecar.feeds.backfill import Backfill
from shared.sidecar.feeds.clocks import SourceClock, here_ms
from shared.sidecar.feeds.feed_server import FeedServer
from shared.sidecar.feeds.intake import Intake, Quarantine
from shared.sidecar.feeds.own_bars import OwnBars
from shared.sidecar.feeds.prices import FRESH_S, Prices
from shared.sidecar.feeds.selection import Selection
from shared.sidecar.feeds.serving import Serving, Standing
from shared.sidecar.feeds.source_book import SourceBook
from shared.sidecar.feeds.sources import BarSource, Sources
from shared.sidecar.feeds.status import pair_status, source_status
from shared.sidecar.feeds.streaming import Streaming
from shared.sidecar.feeds.switch_record import SwitchRecord
from shared.sidecar.feeds.wanted import Wanted
from shared.sidecar.services import Service, Watched
from shared.wire.stream import Link

# Further from another source's price than any market is from the next one: one of the two is wrong.
_SANE_DEVIATION = Decimal("0.05")
# As far back as a fresh price may be.
_RECENT_BARS = int(FRESH_S / Timeframe.MINUTE.seconds) + 1


class Line:
    """One source of bars with all that runs for it."""

    def __init__(self, feeds: "Feeds", source: BarSource, said: Callable[[str], None]) -> None:
        name = source.stream.source
        skew = ClockSkew()
        self.skew = skew
        self.book = SourceBook(
            name,
            told=lambda symbol, settled: feeds.settled(name, symbol, settled),
            quarantined=feeds.quarantine.take,
            last_good=feeds.outbox.last_good,
            now_ms=lambda: skew.source_time_ms(here_ms()),
        )
        self.streaming = Streaming(source.stream, self.book, said)
        self.own_bars = OwnBars(self.book, source.history)
        self.backfill = Backfill(
            self.book,
            source.history,
            ranked=lambda: feeds.wanted.ranked(name),
            left_out=lambda: feeds.wanted.shed_symbols(name),
            fetched=self.streaming.fetched,
            limited=feeds.wanted.limited,
        )
        self.clock = SourceClock(source.history, skew, lambda: bool(self.book.symbols))

    @property
    def services(self) -> list[Service | Watched]:
        """What runs for it."""
        return [Watched(self.streaming, LASTING), self.backfill, self.clock, self.own_bars]


class Feeds:
    """Everything between the sources and the bots of one home.

    Args:
        home: Its name, for the record of switches.
        config: What to follow.
        sources: Where it comes from.
        outbox: Where settled candles go.
        store: Where they end.
        said: Takes a line for people.
    """

    name = "feeds"

    def __init__(
        self,
        home: str,
        config: FeedsConfig,
        sources: Sources,
        outbox: CandleOutbox,
        store: Store,
        said: Callable[[str], None],
    ) -> None:
        self.outbox = outbox
        self.quarantine = Quarantine(store)
        self._config = config
        self._sources = sources
        self._intake = Intake(outbox, self._begin_anew)
        self._shipping = CandleShipping(outbox, store)
        self.wanted = Wanted(
            config.pairs, config.canary, config.max_pairs, config.shed_to_pairs, asked=lambda: self.serving.wanted
        )
        self.lines = {name: Line(self, source, said) for name, source in sources.bars.items()}
        self.books: Mapping[str, SourceBook] = {name: line.book for name, line in self.lines.items()}
        self._switch_record = SwitchRecord(store)
        self.selection = Selection(
            home,
            self.books,
            config.canary,
            self._dead,
            self.wanted.shed_symbols,
            self._switch_record.take,
            self._switched,
            said,
        )
        self.serving = Serving(
            self.books, self.selection.source_of, symbol_at, self.standing, stale_after_s=config.stale_after_s
        )
        self.server = FeedServer(self.serving, self.wanted, self._follow)
        self._prices = (
            None
            if sources.prices is None
            else Prices(sources.prices, lambda: self.wanted.pairs, config.coingecko.poll_s)
        )

    @property
    def services(self) -> list[Service | Watched]:
        """All that runs."""
        services: list[Service | Watched] = [self, self._intake, self._shipping, self.quarantine]
        services += [self.selection, self._switch_record]
        for line in self.lines.values():
            services += line.services
        return services if self._prices is None else [*services, self._prices]

    async def step(self) -> float:
        """Follow what is wanted, and tell bots what changed by itself."""
        self._follow()
        self.serving.look()
        return 1.0

    def detail(self) -> Mapping[str, int]:
        return {"pairs": len(self.wanted.pairs), "shed": len(self.wanted.shed)}

    def settled(self, source: str, symbol: str, settled: Sequence[Settled]) -> None:
        """Bars of a source settled: the one way out of every book."""
        self._intake.take(settled)
        self.lines[source].own_bars.take(settled)
        self.serving.settled(source, symbol, settled)

    def standing(self, pair: str) -> Standing:
        """What may rest on a pair's candles now, and why not more."""
        source = self.selection.source_of(pair)
        mark = None if self._prices is None else self._prices.fresh(pair)
        if source is None:
            without = "no source has candles of it now"
            return (
                Standing(Mode.STALE, without) if mark is None else Standing(Mode.DEGRADED, f"{without}, only a price")
            )
        books = self.books[source]
        book = books.book(symbol_at(source, pair))
        minutes = None if book is None else book.ledgers[Timeframe.MINUTE]
        recent = [] if minutes is None else minutes.window(_RECENT_BARS)
        if not recent:
            return Standing(Mode.STALE, f"its candles are being fetched from {source}")
        # Reasons without figures: each other reason is told to every bot, and these would change with each look.
        stale_after_s = self._config.stale_after_s
        if books.over_ms() - recent[-1].close_ms > stale_after_s * 1000:
            return Standing(Mode.STALE, f"its newest candle of {source} is older than {stale_after_s} s")
        if mark is not None and abs(_bar_at(recent, mark.at_ms).close / mark.price - 1) > _SANE_DEVIATION:
            return Standing(
                Mode.DEGRADED, f"{source}'s candles are more than {_SANE_DEVIATION:.0%} off another source's price"
            )
        return Standing(Mode.LIVE)

    def status(self) -> FeedStatus:
        """How all of it is."""
        return FeedStatus(
            sources=tuple(
                source_status(line.streaming, line.book, line.skew, self.selection) for line in self.lines.values()
            ),
            pairs=tuple(
                pair_status(pair, self.standing(pair), self.selection.source_of(pair), self.lines)
                for pair in self.wanted.pairs
            ),
            outbox_waiting=self.outbox.waiting,
            switches=self.selection.switches,
            shed=len(self.wanted.shed),
        )

    async def close(self) -> None:
        """Keep what is settled, and let go of every connection.

        Raises:
            OutboxError: It cannot be kept: it is fetched again next time.
        """
        await self._sources.close()
        self._intake.flush()

    def _follow(self) -> None:
        for name, line in self.lines.items():
            symbols = self.wanted.symbols(name)
            line.book.want(symbols)
            line.streaming.want(frozenset(symbols))

    def _begin_anew(self) -> None:
        for book in self.books.values():
            book.want({})
        self._follow()

    def _dead(self) -> dict[str, str]:
        return {name: line.streaming.cause for name, line in self.lines.items() if line.streaming.link is Link.REFUSED}

    def _switched(self) -> None:
        self.serving.look()


def _bar_at(bars: Sequence[Bar], at_ms: int) -> Bar:
    """The newest of these, ascending, that had opened by then: a price is no judge of a market that has moved on since."""
    return next((bar for bar in reversed(bars) if bar.open_ms <= at_ms), bars[0])
