"""How sources and pairs are, as health and metrics are told."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shared.domain.bars import Span
from shared.domain.clock_skew import ClockSkew
from shared.domain.feed_status import PairStatus, SourceStatus
from shared.domain.feed_symbols import symbol_at
from shared.domain.stored import Timeframe
from shared.sidecar.feeds.selection import Selection
from shared.sidecar.feeds.serving import Standing
from shared.sidecar.feeds.source_book import GRACE_MS, SourceBook
from shared.sidecar.feeds.streaming import Streaming

if TYPE_CHECKING:
    from shared.sidecar.feeds.feeds import Line


def source_status(streaming: Streaming, book: SourceBook, skew: ClockSkew, selection: Selection) -> SourceStatus:
    """How one source is."""
    return SourceStatus(
        source=book.source,
        link=streaming.link,
        cause=streaming.cause,
        is_in_use=selection.in_use == book.source,
        is_fit=selection.is_fit(book.source),
        newest_close_ms=book.newest_close_ms,
        connections_last_minute=streaming.connections_last_minute,
        reconnections=max(0, streaming.connections - 1),
        malformed=book.malformed,
        quarantined=book.quarantined_bars.total(),
        clock_skew_ms=skew.offset_ms,
    )


def pair_status(pair: str, standing: Standing, source: str | None, lines: Mapping[str, "Line"]) -> PairStatus:
    """How one pair is at the source it comes from."""
    line = None if source is None else lines[source]
    symbol = None if source is None else symbol_at(source, pair)
    book = None if line is None or symbol is None else line.book.book(symbol)
    if line is None or symbol is None or book is None:
        return PairStatus(pair, standing.mode, source, symbol, None, 0, 0, 0, 0)
    now_ms = line.book.now_ms()
    minutes = book.ledgers[Timeframe.MINUTE]
    newest = minutes.window(1)
    return PairStatus(
        pair=pair,
        mode=standing.mode,
        source=source,
        symbol=symbol,
        age_s=(now_ms - newest[0].close_ms) / 1000 if newest else None,
        missing=sum(_bars(span) for span in minutes.missing(line.book.over_ms(), GRACE_MS)),
        empty=minutes.empty,
        revised=minutes.revised,
        mismatches=line.own_bars.mismatches.get(symbol, 0),
    )


def _bars(span: Span) -> int:
    return (span.until_ms - span.since_ms) // (Timeframe.MINUTE.seconds * 1000)
