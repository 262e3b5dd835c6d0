"""The DCA rule looks at closed candles of its window alone; a ladder adds up exactly, only ever steps away, and merges."""

from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.domain.candles import CandleSeries
from shared.domain.dca import DcaRule, LadderLevel, build_ladder, merge_levels
from shared.domain.rules import Evaluation, evaluate_last
from shared.domain.signals import Side

RULE = DcaRule(drop_threshold=0.03, lookback_s=600)


def candles(highs: list[float], closes: list[float], interval_s: int = 60) -> CandleSeries:
    count = len(highs)
    high, close = np.array(highs, dtype=float), np.array(closes, dtype=float)
    return CandleSeries(
        np.arange(count) * interval_s, close, high, np.minimum(high, close), close, np.ones(count), interval_s
    )


def look(rule: DcaRule, highs: list[float], closes: list[float]) -> Evaluation:
    """What the rule sees in the newest candle."""
    seen = evaluate_last(rule, candles(highs, closes))
    assert seen is not None
    return seen


prices = st.floats(1, 1000, allow_nan=False)
price_lists = st.lists(st.tuples(prices, st.floats(0.5, 1)), min_size=10, max_size=40)


@given(price_lists, st.lists(st.floats(1, 1e9), max_size=20))
def test_candles_before_the_window_are_ignored(rows: list[tuple[float, float]], before: list[float]) -> None:
    highs = [high for high, _ in rows[-10:]]
    closes = [high * share for high, share in rows[-10:]]
    with_more, alone = look(RULE, before + highs, before + closes), look(RULE, highs, closes)
    assert (with_more.values, with_more.opportunity) == (alone.values, alone.opportunity)


@pytest.mark.parametrize("count", range(10))
def test_no_verdict_until_the_window_is_full(count: int) -> None:
    assert evaluate_last(RULE, candles([100.0] * count, [50.0] * count)) is None


def test_the_threshold_itself_is_a_signal() -> None:
    rule = DcaRule(drop_threshold=0.25, lookback_s=600)
    at = look(rule, [100.0] * 10, [100.0] * 9 + [75.0])
    above = look(rule, [100.0] * 10, [100.0] * 9 + [float(np.nextafter(75.0, 80))])
    assert at.values == {"drop": 0.25, "window_high": 100.0, "close": 75.0}
    assert at.opportunity is not None
    assert (at.opportunity.side, at.opportunity.confidence) == (Side.BUY, 0.5)
    assert above.opportunity is None


@pytest.mark.parametrize(("close", "confidence"), [(97, 0.5), (95.5, 0.75), (94, 1), (50, 1)])
def test_confidence_grows_from_the_threshold_to_twice_it(close: float, confidence: float) -> None:
    found = look(RULE, [100.0] * 10, [100.0] * 9 + [close]).opportunity
    assert found is not None
    assert found.confidence == pytest.approx(confidence)
    assert found.components == {"depth": found.confidence}


@pytest.mark.parametrize("close", [100, 98, 97.001])
def test_less_than_the_threshold_is_none(close: float) -> None:
    assert look(RULE, [100.0] * 10, [100.0] * 9 + [close]).opportunity is None


def test_the_barriers_are_the_configuration_s() -> None:
    """The rule names neither stop nor target, and never wants out."""
    seen = look(RULE, [100.0] * 10, [100.0] * 9 + [90.0])
    assert seen.opportunity is not None
    assert (seen.opportunity.stop_price, seen.opportunity.target_price) == (None, None)
    assert RULE.exit_reason(seen.values, Side.BUY) is None


def test_the_deciding_candles_own_high_counts() -> None:
    assert look(RULE, [90.0] * 9 + [100.0], [90.0] * 10).values["drop"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("lookback_s", "interval_s", "needed"), [(600, 60, 10), (600, 300, 2), (601, 300, 3), (600, 900, 1)]
)
def test_the_window_is_covered_whole(lookback_s: int, interval_s: int, needed: int) -> None:
    assert replace(RULE, lookback_s=lookback_s).candles_needed(interval_s) == needed


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


build_hundred = partial(
    build_ladder,
    side=Side.BUY,
    reference_price=Decimal(100),
    entry_slippage=Decimal("0.0005"),
    level_spacing=Decimal("0.01"),
    size_growth=Decimal(1),
)


def ladder_of(levels: int, total_quote: Decimal, size_growth: Decimal = Decimal(1)) -> tuple[LadderLevel, ...]:
    return build_hundred(levels=levels, total_quote=total_quote, size_growth=size_growth)


@pytest.mark.parametrize(
    ("total", "minimum", "sizes"),
    [(20, 5, [5] * 4), (20, 4, [4] * 5), (20, 6, ["6.66666667", "6.66666667", "6.66666666"]), (20, 20, [20])],
    ids=["5 levels of 4 merge to 4 of 5", "5 levels of 4 stay", "3 levels", "one level"],
)
def test_levels_merge_until_the_venue_takes_each(total: int, minimum: int, sizes: list[int | str]) -> None:
    merged = merge_levels(lambda count: ladder_of(count, Decimal(total)), 5, lambda level: level.amount_quote < minimum)
    assert merged is not None
    assert [level.amount_quote for level in merged] == [Decimal(size) for size in sizes]


def test_what_is_too_small_for_one_level_is_no_ladder() -> None:
    assert merge_levels(lambda count: ladder_of(count, Decimal(4)), 5, lambda level: level.amount_quote < 5) is None


@given(
    levels=st.integers(1, 10),
    total=st.integers(1, 10**6).map(lambda cents: Decimal(cents) / 100),
    minimum=st.integers(0, 10**4).map(lambda cents: Decimal(cents) / 100),
    growth=st.integers(30, 300).map(lambda cents: Decimal(cents) / 100),
)
def test_a_merged_ladder_has_the_most_levels_the_venue_takes(
    levels: int, total: Decimal, minimum: Decimal, growth: Decimal
) -> None:
    def build(count: int) -> tuple[LadderLevel, ...]:
        return ladder_of(count, total, growth)

    def is_below_minimum(level: LadderLevel) -> bool:
        return level.amount_quote < minimum

    merged = merge_levels(build, levels, is_below_minimum)
    more = range(1 if merged is None else len(merged) + 1, levels + 1)
    assert all(any(is_below_minimum(level) for level in build(count)) for count in more)
    if merged is not None:
        assert len(merged) <= levels
        assert not any(is_below_minimum(level) for level in merged)
        assert sum((level.amount_quote for level in merged), Decimal(0)) == total
