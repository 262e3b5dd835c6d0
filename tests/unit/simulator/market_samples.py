"""Markets and candles for tests: small, seeded, and as hypothesis strategies."""

from decimal import Decimal

import numpy as np
from hypothesis import strategies as st

from shared.domain.candles import CandleSeries
from shared.simulator.instruments import Instrument, instrument_for
from shared.simulator.market import Market
from shared.simulator.price_path import PricePath

START_MS = 1_736_121_600_000  # 2025-01-06T00:00Z, a Monday
BTC = instrument_for("BTC-USDT", perpetual=False)
BTC_PERPETUAL = instrument_for("BTC-USDT", perpetual=True)
COARSE = Instrument("XUSDT", "X", "USDT", Decimal(1), Decimal(1), Decimal(1), Decimal(1), Decimal(50), False)


def series(rows: list[tuple[float, float, float, float, float]], interval_s: int = 60) -> CandleSeries:
    """Candles of (open, high, low, close, volume) from START_MS on."""
    columns = np.array(rows, dtype=np.float64).reshape(-1, 5).T
    return CandleSeries(START_MS // 1000 + np.arange(len(rows)) * interval_s, *columns, interval_s)


def walk(count: int, step_s: int = 5, seed: int = 3, price: int = 10_000) -> PricePath:
    """A path of `count` points around `price` ticks, now and then without volume."""
    rng = np.random.default_rng(seed)
    prices = np.maximum(price + np.cumsum(rng.integers(-30, 31, count)), 1)
    return PricePath(START_MS + np.arange(count) * step_s * 1000, prices, rng.integers(0, 5, count), step_s)


def market(count: int = 200, step_s: int = 5, instrument: Instrument = BTC) -> Market:
    """A market along `walk`."""
    return Market(instrument, walk(count, step_s, price=1_000_000), seed=4)


@st.composite
def candle_rows(draw: st.DrawFn) -> tuple[float, float, float, float, float]:
    """A sound candle, flat and empty ones included."""
    prices = sorted(draw(st.lists(st.integers(1, 400), min_size=4, max_size=4)))
    low, inner_a, inner_b, high = (price / 4 for price in prices)
    opened, closed = draw(st.sampled_from([(inner_a, inner_b), (inner_b, inner_a), (low, high), (high, low)]))
    return opened, high, low, closed, draw(st.integers(0, 1000)) / 8


@st.composite
def price_paths(draw: st.DrawFn) -> PricePath:
    """A path of up to 60 points that may stand still or jump, and may start anywhere within a minute."""
    prices = draw(st.lists(st.integers(1, 300), min_size=1, max_size=60))
    volumes = draw(st.lists(st.integers(0, 9), min_size=len(prices), max_size=len(prices)))
    first = START_MS + draw(st.integers(0, 20)) * 5000
    times = first + np.arange(len(prices)) * 5000
    return PricePath(times, np.array(prices, dtype=np.int64), np.array(volumes, dtype=np.int64), 5)
