"""Messages: valid JSON with the fields and types that Binance documents."""

import json

from market_samples import BTC_PERPETUAL, START_MS, market

from shared.simulator import binance_messages as messages
from shared.simulator.market import Market


def at_a_trade(perpetual: bool = False) -> tuple[Market, int]:
    sample = market(300, instrument=BTC_PERPETUAL) if perpetual else market(300)
    sample.advance(START_MS + 200 * 5000)
    return sample, next(index for index in range(100, 200) if sample.trade(index) and sample.path.moved[index])


def test_depth_update_of_both_kinds() -> None:
    for perpetual in (False, True):
        sample, index = at_a_trade(perpetual)
        diff = sample.diff(index)
        event = json.loads(messages.depth_update(sample, diff, 123))
        assert (event["e"], event["s"], event["E"]) == ("depthUpdate", "BTCUSDT", 123)
        assert event["U"] == event["u"] == diff.update_id
        assert ("pu" in event) == perpetual
        assert event.get("pu", diff.update_id - 1) == diff.update_id - 1
        rows = [[sample.instrument.price_text(t), sample.instrument.size_text(s)] for t, s in diff.bids.items()]
        assert event["b"] == rows


def test_a_side_without_changes_is_an_empty_list() -> None:
    sample, index = at_a_trade()
    diff = sample.diff(index)
    event = json.loads(messages.depth_update(sample, type(diff)(diff.update_id, {}, {1: 0}), 1))
    assert event["b"] == []
    assert event["a"] == [["0.01", "0.00000"]]


def test_trade_and_aggregate_trade() -> None:
    sample, index = at_a_trade()
    trade = sample.trade(index)
    assert trade is not None
    event, aggregate = (json.loads(build(sample.instrument, trade)) for build in (messages.trade, messages.agg_trade))
    assert (event["e"], event["t"], event["T"]) == ("trade", trade.trade_id, trade.time_ms)
    assert (event["m"], event["M"]) == (trade.buyer_is_maker, True)
    assert event["p"] == sample.instrument.price_text(trade.price_ticks)
    assert (aggregate["e"], aggregate["a"], aggregate["p"]) == ("aggTrade", trade.trade_id, event["p"])


def test_a_kline_event_says_what_the_row_says() -> None:
    sample, _ = at_a_trade()
    row = messages.kline_rows(sample.kline(60, sample.time_ms), 60, sample.instrument)[0]
    event = json.loads(messages.kline(sample, "1m", sample.time_ms, 99, closed=False))
    k = event["k"]
    assert (event["e"], event["E"], k["i"], k["x"]) == ("kline", 99, "1m", False)
    said = [k[name] for name in ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B")]
    assert said == row
    assert len(row) == 12
    assert row[6] == row[0] + 59_999


def test_quote_volume_is_price_times_volume() -> None:
    sample, _ = at_a_trade()
    klines = sample.klines(5 * 60, START_MS, START_MS)
    path = sample.path
    quote = sum(int(p) * int(v) for p, v in zip(path.price_ticks[:60], path.volume_steps[:60], strict=True))
    row = messages.kline_rows(klines, 300, sample.instrument)[0]
    assert row[7] == f"{quote / 1e2 / 1e5:.8f}"


def test_snapshot_has_the_last_diffs_id_and_at_most_limit_levels() -> None:
    sample, _ = at_a_trade(perpetual=True)
    snapshot = messages.depth_snapshot(sample, 5)
    assert snapshot["lastUpdateId"] == sample.diff(sample.index).update_id
    assert (len(snapshot["bids"]), len(snapshot["asks"])) == (5, 5)
    assert "T" in snapshot


def test_tickers_agree_with_the_market() -> None:
    sample, _ = at_a_trade()
    day, price, book = messages.day_ticker(sample), messages.price_ticker(sample), messages.book_ticker(sample)
    assert day["lastPrice"] == price["price"] == sample.instrument.price_text(sample.price_ticks)
    assert float(day["lowPrice"]) <= float(day["weightedAvgPrice"]) <= float(day["highPrice"])
    assert float(book["bidPrice"]) <= float(price["price"]) <= float(book["askPrice"])
    event = json.loads(messages.book_ticker_event(sample, sample.index))
    assert (event["b"], event["a"]) == (book["bidPrice"], book["askPrice"])


def test_mark_price_and_funding() -> None:
    sample, _ = at_a_trade(perpetual=True)
    event = json.loads(messages.mark_price_update(sample, sample.index))
    index = messages.premium_index(sample)
    assert event["p"] == index["markPrice"] == sample.instrument.price_text(sample.price_ticks)
    assert (event["T"], event["r"]) == (index["nextFundingTime"], index["lastFundingRate"])
    assert messages.funding_rates(sample, 10) == [
        {"symbol": "BTCUSDT", "fundingTime": START_MS, "fundingRate": "0.00010000"}
    ]


def test_exchange_info_lists_the_markets() -> None:
    sample, _ = at_a_trade()
    assert [entry["symbol"] for entry in messages.exchange_info([sample], 5)["symbols"]] == ["BTCUSDT"]
