"""The DCA rule looks at closed candles of its window alone; a ladder adds up exactly and only ever steps away."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.domain.candles import CandleSeries
from shared.domain.dca import DcaRule, build_ladder, candles_needed, measure_drop
from shared.domain.signals import Side

RULE = DcaRule(drop_threshold=0.03, lookback_s=600)


def candles(highs: list[float], closes: list[float], interval_s: int = 60) -> CandleSeries:
    count = len(highs)
    high, close = np.array(highs, dtype=float), np.array(closes, dtype=float)
    return CandleSeries(
        np.arange(count) * interval_s, close, high, np.minimum(high, close), close, np.ones(count), interval_s
    )


prices = st.floats(1, 1000, allow_nan=False)
price_lists = st.lists(st.tuples(prices, st.floats(0.5, 1)), min_size=10, max_size=40)


COLUMNS = ("open_time_s", "open", "high", "low", "close", "volume")


@given(price_lists)
def test_no_candle_after_the_last_is_looked_at(rows: list[tuple[float, float]]) -> None:
    """Truncate and recompute: a series cut out of a longer one decides as one that never knew of more."""
    highs = [high for high, _ in rows]
    closes = [high * share for high, share in rows]
    for count in range(1, len(rows) + 1):
        longer = candles(highs[:count] + [1e9] * 5, closes[:count] + [1e-9] * 5)
        cut = CandleSeries(*(getattr(longer, name)[:count] for name in COLUMNS), 60)
        assert measure_drop(cut, RULE) == measure_drop(candles(highs[:count], closes[:count]), RULE)


@given(price_lists, st.lists(st.floats(1, 1e9), max_size=20))
def test_candles_before_the_window_are_ignored(rows: list[tuple[float, float]], before: list[float]) -> None:
    highs = [high for high, _ in rows[-10:]]
    closes = [high * share for high, share in rows[-10:]]
    assert measure_drop(candles(before + highs, before + closes), RULE) == measure_drop(candles(highs, closes), RULE)


@pytest.mark.parametrize("count", range(10))
def test_no_verdict_until_the_window_is_full(count: int) -> None:
    assert measure_drop(candles([100.0] * count, [50.0] * count), RULE) is None


def test_the_threshold_itself_is_a_signal() -> None:
    rule = DcaRule(drop_threshold=0.25, lookback_s=600)
    highs = [100.0] * 10
    at = measure_drop(candles(highs, [100.0] * 9 + [75.0]), rule)
    above = measure_drop(candles(highs, [100.0] * 9 + [np.nextafter(75.0, 80)]), rule)
    assert at is not None
    assert above is not None
    assert (at.is_signal, at.drop, at.confidence, at.window_high, at.close) == (True, 0.25, 0.5, 100.0, 75.0)
    assert above.is_signal is False


@pytest.mark.parametrize(("close", "confidence"), [(100, 0), (97, 0.5), (95.5, 0.75), (94, 1), (50, 1)])
def test_confidence_grows_from_the_threshold_to_twice_it(close: float, confidence: float) -> None:
    drop = measure_drop(candles([100.0] * 10, [100.0] * 9 + [close]), RULE)
    assert drop is not None
    assert drop.confidence == pytest.approx(confidence)
    assert drop.is_signal is (close <= 97)


def test_the_deciding_candles_own_high_counts() -> None:
    drop = measure_drop(candles([90.0] * 9 + [100.0], [90.0] * 10), RULE)
    assert drop is not None
    assert drop.drop == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("lookback_s", "interval_s", "needed"), [(600, 60, 10), (600, 300, 2), (601, 300, 3), (600, 900, 1)]
)
def test_the_window_is_covered_whole(lookback_s: int, interval_s: int, needed: int) -> None:
    assert candles_needed(replace(RULE, lookback_s=lookback_s), interval_s) == needed


fractions = st.integers(1, 499).map(lambda thousandths: Decimal(thousandths) / 1000)


@given(
    side=st.sampled_from(Side),
    reference=st.integers(1, 10**8).map(lambda cents: Decimal(cents) / 100),
    slippage=st.integers(0, 20).map(lambda units: Decimal(units) / 10_000),
    levels=st.integers(1, 10),
    spacing=fractions,
    growth=st.integers(1, 300).map(lambda cents: Decimal(cents) / 100),
    total=st.integers(1, 10**10).map(lambda units: Decimal(units) / 10_000),
)
def test_sizes_sum_to_the_total_and_prices_step_away(
    side: Side, reference: Decimal, slippage: Decimal, levels: int, spacing: Decimal, growth: Decimal, total: Decimal
) -> None:
    assume(spacing * (levels - 1) < 1)
    ladder = build_ladder(
        side=side,
        reference_price=reference,
        entry_slippage=slippage,
        levels=levels,
        level_spacing=spacing,
        size_growth=growth,
        total_quote=total,
    )
    assert len(ladder) == levels
    assert sum((level.amount_quote for level in ladder), Decimal(0)) == total
    for earlier, later in pairwise(ladder):
        assert later.price < earlier.price if side is Side.BUY else later.price > earlier.price
    first = ladder[0].price
    assert first >= reference if side is Side.BUY else first <= reference
    assert first == reference * (1 + slippage if side is Side.BUY else 1 - slippage)


def test_a_ladder_grows_by_its_factor() -> None:
    ladder = build_ladder(
        side=Side.BUY,
        reference_price=Decimal(100),
        entry_slippage=Decimal("0.0005"),
        levels=3,
        level_spacing=Decimal("0.01"),
        size_growth=Decimal(2),
        total_quote=Decimal(700),
    )
    assert [(level.price, level.amount_quote) for level in ladder] == [
        (Decimal("100.05"), Decimal(100)),
        (Decimal(99), Decimal(200)),
        (Decimal(98), Decimal(400)),
    ]


@pytest.mark.parametrize("side", Side)
def test_levels_that_do_not_separate_are_refused(side: Side) -> None:
    with pytest.raises(ValueError, match="level_spacing 0 does not separate 2 levels"):
        build_ladder(
            side=side,
            reference_price=Decimal(100),
            entry_slippage=Decimal(0),
            levels=2,
            level_spacing=Decimal(0),
            size_growth=Decimal(1),
            total_quote=Decimal(100),
        )
