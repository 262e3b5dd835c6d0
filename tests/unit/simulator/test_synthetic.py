"""The seeded market: reproducible, and a market in which buying drops has something to do."""

import numpy as np
import pytest
from market_samples import BTC, BTC_PERPETUAL, START_MS

from shared.simulator.instruments import instrument_for
from shared.simulator.synthetic import DEFAULT_WARMUP_S, SyntheticPrices, synthetic_prices

ETH = instrument_for("ETH-USDT", perpetual=False)
COOLDOWN = 60  # points of 5 s: five minutes
MINUTE = 12


def test_same_seed_same_market_spot_and_perpetual() -> None:
    once, again = (synthetic_prices(BTC, 1, START_MS, 3600) for _ in range(2))
    np.testing.assert_array_equal(once.price, again.price)
    np.testing.assert_array_equal(once.volume, again.volume)
    np.testing.assert_array_equal(once.price, synthetic_prices(BTC_PERPETUAL, 1, START_MS, 3600).price)
    assert (once.price != synthetic_prices(BTC, 2, START_MS, 3600).price).any()
    relative = once.price / once.price[0]
    other = synthetic_prices(ETH, 1, START_MS, 3600).price
    assert (relative != other / other[0]).any()


def test_a_longer_market_begins_like_a_shorter_one() -> None:
    short, long = (synthetic_prices(BTC, 1, START_MS, hours * 3600) for hours in (3, 9))
    np.testing.assert_allclose(long.price[: len(short.price)], short.price, rtol=1e-9)
    np.testing.assert_allclose(long.volume[: len(short.volume)], short.volume, rtol=1e-9)


def test_it_starts_at_the_instruments_price_after_a_calm_history() -> None:
    prices = synthetic_prices(BTC, 1, START_MS + 1234, 7200)
    start = DEFAULT_WARMUP_S // 5
    assert prices.time_ms[start] == START_MS
    assert prices.price[start] == pytest.approx(98_000)
    assert prices.price[start] > prices.price[:start].max() * 0.97
    path = prices.path(BTC)
    assert (path.start_ms, path.end_ms) == (START_MS - DEFAULT_WARMUP_S * 1000, START_MS + 7_200_000)


def dca_trades(prices: SyntheticPrices, hours: float) -> list[tuple[float, bool]]:
    """Closed trades as (entry minute, won) of the plainest DCA: enough to see what the market offers."""
    price, start = prices.price, int(np.argmax(prices.time_ms >= START_MS))
    highs = np.maximum.reduceat(price, np.arange(0, len(price), MINUTE))
    closes = price[MINUTE - 1 :: MINUTE]
    trades, fills, ladder, entry, free_from = [], [], [], 0, start
    for now in range(start, start + int(hours * 720)):
        if fills:
            while ladder and price[now] <= ladder[0]:
                fills.append(ladder.pop(0))
            average = len(fills) / sum(1 / fill for fill in fills)
            if not 0.96 * average < price[now] < 1.01 * average:
                trades.append(((entry - start) / MINUTE, bool(price[now] > average)))
                fills, free_from = [], now + COOLDOWN
        elif now % MINUTE == 0 and now >= free_from:
            last = now // MINUTE - 1
            if closes[last] <= 0.97 * highs[last - 239 : last + 1].max():
                fills, ladder, entry = [price[now]], [price[now] * 0.99, price[now] * 0.98], now
    return trades


@pytest.mark.parametrize("seed", range(1, 11))
def test_two_hours_of_two_pairs_hold_a_dozen_trades_won_and_lost(seed: int) -> None:
    trades = [dca_trades(synthetic_prices(each, seed, START_MS, 4 * 3600), 2.0) for each in (BTC, ETH)]
    for of_pair in trades:
        assert of_pair[0][0] <= 10
        assert {won for _, won in of_pair} == {True, False}
    assert sum(map(len, trades)) >= 12
