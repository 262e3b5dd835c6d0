"""Binance's JSON, built from markets: websocket events as text (hot, from templates), REST answers as objects.

Field names and types are those of Binance's spot and USD-M public market data documentation.
"""

import json
from typing import Any

from shared.simulator.depth import BookDiff, Levels
from shared.simulator.instruments import Instrument
from shared.simulator.market import FUNDING_INTERVAL_MS, Market, Trade
from shared.simulator.price_path import Klines

_DAY_MS = 86_400_000

INTERVALS_S: dict[str, int] = {
    "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "2h": 7200, "4h": 14400, "6h": 21600,
    "8h": 28800, "12h": 43200, "1d": 86400, "3d": 259200, "1w": 604800,
}  # fmt: skip
"""Kline intervals served, in seconds. `1s` and `1M` are not: one is finer than a path, the other no fixed length."""


def error(code: int, text: str) -> dict[str, Any]:
    """An error body."""
    return {"code": code, "msg": text}


def _levels_text(levels: Levels, instrument: Instrument) -> str:
    """Levels as a JSON array of [price, size] texts."""
    if not levels:
        return "[]"
    row = f'["%.{instrument.price_decimals}f","%.{instrument.size_decimals}f"]'
    price_scale, size_scale = instrument.price_scale, instrument.size_scale
    flat: list[float] = []
    for ticks, steps in levels.items():
        flat.append(ticks / price_scale)
        flat.append(steps / size_scale)
    return f"[{','.join([row] * len(levels))}]" % tuple(flat)


def depth_update(market: Market, diff: BookDiff, time_ms: int) -> str:
    """A `depthUpdate` event; the perpetual's also carries `T` and `pu`."""
    instrument, update_id = market.instrument, diff.update_id
    bids, asks = _levels_text(diff.bids, instrument), _levels_text(diff.asks, instrument)
    extra = f'"T":{time_ms},"pu":{update_id - 1},' if instrument.perpetual else ""
    return (
        f'{{"e":"depthUpdate","E":{time_ms},{extra}"s":"{instrument.symbol}",'
        f'"U":{update_id},"u":{update_id},"b":{bids},"a":{asks}}}'
    )


def trade(instrument: Instrument, event: Trade) -> str:
    """A `trade` event."""
    return (
        f'{{"e":"trade","E":{event.time_ms},"s":"{instrument.symbol}","t":{event.trade_id},'
        f"{_trade_tail(instrument, event)}}}"
    )


def agg_trade(instrument: Instrument, event: Trade) -> str:
    """An `aggTrade` event."""
    identity = f'"a":{event.trade_id},"f":{event.trade_id},"l":{event.trade_id}'
    return (
        f'{{"e":"aggTrade","E":{event.time_ms},"s":"{instrument.symbol}",{identity},{_trade_tail(instrument, event)}}}'
    )


def _trade_tail(instrument: Instrument, event: Trade) -> str:
    price, size = instrument.price_text(event.price_ticks), instrument.size_text(event.quantity_steps)
    maker = "true" if event.buyer_is_maker else "false"
    ignore = "" if instrument.perpetual else ',"M":true'
    return f'"p":"{price}","q":"{size}","T":{event.time_ms},"m":{maker}{ignore}'


def kline(market: Market, interval: str, time_ms: int, event_ms: int, closed: bool) -> str:
    """A `kline` event for the candle that `time_ms` falls into, sent at `event_ms`."""
    instrument = market.instrument
    row = kline_rows(market.kline(INTERVALS_S[interval], time_ms), INTERVALS_S[interval], instrument)[0]
    opened, o, h, low, c, volume, close_ms, quote, count, taker_base, taker_quote, _ = row
    is_closed = "true" if closed else "false"
    return (
        f'{{"e":"kline","E":{event_ms},"s":"{instrument.symbol}","k":{{"t":{opened},"T":{close_ms},'
        f'"s":"{instrument.symbol}","i":"{interval}","f":0,"L":0,"o":"{o}","c":"{c}","h":"{h}","l":"{low}",'
        f'"v":"{volume}","n":{count},"x":{is_closed},"q":"{quote}","V":"{taker_base}","Q":"{taker_quote}","B":"0"}}}}'
    )


def book_ticker_event(market: Market, index: int) -> str:
    """A `bookTicker` event: best prices and sizes."""
    book, instrument = market.depth.book(index), market.instrument
    (bid, bid_size), (ask, ask_size) = next(iter(book.bids.items())), next(iter(book.asks.items()))
    event: dict[str, Any] = {
        "u": book.update_id,
        "s": instrument.symbol,
        "b": instrument.price_text(bid),
        "B": instrument.size_text(bid_size),
        "a": instrument.price_text(ask),
        "A": instrument.size_text(ask_size),
    }
    if instrument.perpetual:
        time_ms = int(market.path.time_ms[index])
        event = {"e": "bookTicker", **event, "T": time_ms, "E": time_ms}
    return json.dumps(event)


def mark_price_update(market: Market, index: int) -> str:
    """A `markPriceUpdate` event; mark and index price are the last traded price."""
    price = market.instrument.price_text(int(market.path.price_ticks[index]))
    return (
        f'{{"e":"markPriceUpdate","E":{int(market.path.time_ms[index])},"s":"{market.instrument.symbol}",'
        f'"p":"{price}","i":"{price}","P":"{price}","r":"{market.funding_rate:.8f}","T":{market.next_funding_ms()}}}'
    )


def kline_rows(klines: Klines, interval_s: int, instrument: Instrument) -> list[list[Any]]:
    """Rows of a klines answer: 12 elements each, prices and volumes as text."""
    price, size = instrument.price_text, instrument.size_text
    scale = instrument.price_scale * instrument.size_scale
    columns = zip(
        klines.open_ms.tolist(),
        klines.open.tolist(),
        klines.high.tolist(),
        klines.low.tolist(),
        klines.close.tolist(),
        klines.volume.tolist(),
        klines.quote_volume.tolist(),
        klines.trades.tolist(),
        klines.taker_buy_volume.tolist(),
        klines.taker_buy_quote.tolist(),
        strict=True,
    )
    return [
        [t, price(o), price(h), price(low), price(c), size(v), t + interval_s * 1000 - 1,
         f"{quote / scale:.8f}", count, size(taker), f"{taker_quote / scale:.8f}", "0"]
        for t, o, h, low, c, v, quote, count, taker, taker_quote in columns
    ]  # fmt: skip


def exchange_info(markets: list[Market], time_ms: int) -> dict[str, Any]:
    """What is listed."""
    limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}]
    symbols = [market.instrument.exchange_info() for market in markets]
    return {"timezone": "UTC", "serverTime": time_ms, "rateLimits": limits, "exchangeFilters": [], "symbols": symbols}


def depth_snapshot(market: Market, limit: int) -> dict[str, Any]:
    """The `limit` best levels of both sides."""
    book, instrument = market.book(), market.instrument

    def side(levels: Levels) -> list[list[str]]:
        best = list(levels.items())[:limit]
        return [[instrument.price_text(ticks), instrument.size_text(steps)] for ticks, steps in best]

    answer: dict[str, Any] = {"lastUpdateId": book.update_id, "bids": side(book.bids), "asks": side(book.asks)}
    if instrument.perpetual:
        answer |= {"E": market.time_ms, "T": market.time_ms}
    return answer


def price_ticker(market: Market) -> dict[str, Any]:
    """An entry of ticker/price."""
    answer: dict[str, Any] = {
        "symbol": market.instrument.symbol,
        "price": market.instrument.price_text(market.price_ticks),
    }
    return answer | {"time": market.time_ms} if market.instrument.perpetual else answer


def book_ticker(market: Market) -> dict[str, Any]:
    """An entry of ticker/bookTicker."""
    book, instrument = market.book(), market.instrument
    (bid, bid_size), (ask, ask_size) = next(iter(book.bids.items())), next(iter(book.asks.items()))
    answer: dict[str, Any] = {
        "symbol": instrument.symbol,
        "bidPrice": instrument.price_text(bid),
        "bidQty": instrument.size_text(bid_size),
        "askPrice": instrument.price_text(ask),
        "askQty": instrument.size_text(ask_size),
    }
    return answer | {"time": market.time_ms, "lastUpdateId": book.update_id} if instrument.perpetual else answer


def day_ticker(market: Market) -> dict[str, Any]:
    """An entry of ticker/24hr over the last day, or as much of it as there is."""
    instrument, path = market.instrument, market.path
    first = path.index_at(market.time_ms - _DAY_MS) + 1
    prices, volumes = path.price_ticks[first : market.index + 1], path.volume_steps[first : market.index + 1]
    opened, last, volume = int(prices[0]), int(prices[-1]), int(volumes.sum())
    quote = float((prices.astype(float) * volumes).sum())
    return {
        "symbol": instrument.symbol,
        "priceChange": instrument.price_text(last - opened),
        "priceChangePercent": f"{(last / opened - 1) * 100:.3f}",
        "weightedAvgPrice": instrument.price_text(quote / volume if volume else last),
        "lastPrice": instrument.price_text(last),
        "lastQty": instrument.size_text(int(volumes[-1])),
        "openPrice": instrument.price_text(opened),
        "highPrice": instrument.price_text(int(prices.max())),
        "lowPrice": instrument.price_text(int(prices.min())),
        "volume": instrument.size_text(volume),
        "quoteVolume": f"{quote / instrument.price_scale / instrument.size_scale:.8f}",
        "openTime": int(path.time_ms[first]),
        "closeTime": market.time_ms,
        "firstId": first,
        "lastId": market.index,
        "count": int(path.traded[first : market.index + 1].sum()),
    }


def agg_trade_rows(market: Market, limit: int) -> list[dict[str, Any]]:
    """The last trades, oldest first, within the last `limit` points."""
    instrument = market.instrument
    events = (market.trade(index) for index in range(max(0, market.index - limit + 1), market.index + 1))
    return [
        {
            "a": event.trade_id,
            "p": instrument.price_text(event.price_ticks),
            "q": instrument.size_text(event.quantity_steps),
            "f": event.trade_id,
            "l": event.trade_id,
            "T": event.time_ms,
            "m": event.buyer_is_maker,
        }
        for event in events
        if event is not None
    ]


def premium_index(market: Market) -> dict[str, Any]:
    """Mark price and funding of a perpetual."""
    price = market.instrument.price_text(market.price_ticks)
    return {
        "symbol": market.instrument.symbol,
        "markPrice": price,
        "indexPrice": price,
        "estimatedSettlePrice": price,
        "lastFundingRate": f"{market.funding_rate:.8f}",
        "interestRate": "0.00010000",
        "nextFundingTime": market.next_funding_ms(),
        "time": market.time_ms,
    }


def funding_rates(market: Market, limit: int) -> list[dict[str, Any]]:
    """Past fundings since the path began, oldest first, at most `limit`."""
    last = market.next_funding_ms() - FUNDING_INTERVAL_MS
    times = range(last, market.path.start_ms - 1, -FUNDING_INTERVAL_MS)[:limit]
    rate = f"{market.funding_rate:.8f}"
    return [{"symbol": market.instrument.symbol, "fundingTime": t, "fundingRate": rate} for t in reversed(times)]
