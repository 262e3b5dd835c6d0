"""Limits name what forbids one more position, and refuse to contradict each other."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.limits import LimitError, Limits, Reservation, refuse_by_limits
from shared.domain.signals import Refusal

LIMITS = Limits(max_positions=3, max_positions_per_pair=2, capital_quote=Decimal(1000))


def position(pair: str = "A-B", amount: Any = 100, strategy: str = "dca") -> Reservation:
    return Reservation("c", strategy, pair, Decimal(amount))


def held(*pairs: str) -> list[Reservation]:
    return [position(pair) for pair in pairs]


@pytest.mark.parametrize(
    ("positions", "amount", "refusal"),
    [
        (held(), 1000, None),
        (held(), 1001, Refusal.CAPITAL),
        (held("A-B"), 900, None),
        (held("A-B"), "900.01", Refusal.CAPITAL),
        (held("A-B", "A-B"), 1, Refusal.MAX_POSITIONS_PER_PAIR),
        (held("C-B", "C-B"), 1, None),
        (held("C-B", "C-B", "A-B"), 1, Refusal.MAX_POSITIONS),
        (held("A-B", "A-B", "C-B"), 1, Refusal.MAX_POSITIONS_PER_PAIR),
    ],
)
def test_each_limit_is_named(positions: list[Reservation], amount: Any, refusal: Refusal | None) -> None:
    assert refuse_by_limits(LIMITS, positions, position(amount=amount)) is refusal


# Two positions of 100 quote each: one of another strategy on the pair, one of the strategy on another pair.
BESIDE = [position(strategy="swing"), position("C-B")]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"max_positions_per_strategy": 2}, None),
        ({"max_positions_per_strategy": 1}, Refusal.MAX_POSITIONS_PER_STRATEGY),
        ({"exposure_per_pair_quote": Decimal(200)}, None),
        ({"exposure_per_pair_quote": Decimal("199.99")}, Refusal.EXPOSURE_PER_PAIR),
        ({"exposure_per_strategy_quote": Decimal(200)}, None),
        ({"exposure_per_strategy_quote": Decimal("199.99")}, Refusal.EXPOSURE_PER_STRATEGY),
        # Where several forbid it: numbers before quote, the narrower before the total.
        ({"max_positions_per_pair": 1, "max_positions_per_strategy": 1}, Refusal.MAX_POSITIONS_PER_PAIR),
        ({"max_positions": 2, "max_positions_per_strategy": 1}, Refusal.MAX_POSITIONS_PER_STRATEGY),
        ({"max_positions": 2, "capital_quote": Decimal(200)}, Refusal.MAX_POSITIONS),
        (
            {"exposure_per_pair_quote": Decimal(150), "exposure_per_strategy_quote": Decimal(150)},
            Refusal.EXPOSURE_PER_PAIR,
        ),
        (
            {"exposure_per_strategy_quote": Decimal(150), "capital_quote": Decimal(250)},
            Refusal.EXPOSURE_PER_STRATEGY,
        ),
    ],
    ids=str,
)
def test_limits_of_a_pair_and_of_a_strategy_count_their_own_alone(
    changes: dict[str, Any], refusal: Refusal | None
) -> None:
    assert refuse_by_limits(replace(LIMITS, **changes), BESIDE, position()) is refusal


PAIRS, STRATEGIES = ("A-B", "C-B"), ("dca", "swing", "channel")
quotes = st.integers(1, 1_000).map(Decimal)


@st.composite
def limits(draw: st.DrawFn) -> Limits:
    """Any that do not contradict each other, each optional one off now and then."""
    most, capital = draw(st.integers(1, 6)), draw(quotes)
    part = st.none() | st.integers(1, int(capital)).map(Decimal)
    return Limits(
        max_positions=most,
        max_positions_per_pair=draw(st.integers(1, most)),
        capital_quote=capital,
        max_positions_per_strategy=draw(st.none() | st.integers(1, most)),
        exposure_per_pair_quote=draw(part),
        exposure_per_strategy_quote=draw(part),
    )


wishes = st.lists(
    st.tuples(st.sampled_from(PAIRS), st.integers(1, 600), st.sampled_from(STRATEGIES), st.booleans()), max_size=20
)


@given(limits(), wishes)
def test_no_sequence_of_taken_signals_breaks_a_limit(within: Limits, wanted: list[tuple[str, int, str, bool]]) -> None:
    taken: list[Reservation] = []
    for pair, amount, strategy, close_one_first in wanted:
        if close_one_first and taken:
            taken.pop(0)
        wish = position(pair, amount, strategy)
        if refuse_by_limits(within, taken, wish) is None:
            taken.append(wish)
        assert_kept(within, taken)


def assert_kept(within: Limits, taken: list[Reservation]) -> None:
    groups = [(taken, within.max_positions, within.capital_quote)]
    for pair in PAIRS:
        of_pair = [each for each in taken if each.pair == pair]
        groups.append((of_pair, within.max_positions_per_pair, within.exposure_per_pair_quote or Decimal("Infinity")))
    for strategy in STRATEGIES:
        of_strategy = [each for each in taken if each.strategy == strategy]
        most = within.max_positions if within.max_positions_per_strategy is None else within.max_positions_per_strategy
        groups.append((of_strategy, most, within.exposure_per_strategy_quote or Decimal("Infinity")))
    for group, most, most_quote in groups:
        assert len(group) <= most
        assert sum(each.amount_quote for each in group) <= most_quote


@given(limits())
def test_a_position_of_the_largest_size_fits_alone_and_a_larger_one_never(within: Limits) -> None:
    largest = within.largest_position_quote
    assert refuse_by_limits(within, [], position(amount=largest)) is None
    assert refuse_by_limits(within, [], position(amount=largest + Decimal("0.01"))) is not None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"max_positions_per_pair": 4}, "max_positions_per_pair = 4: must not exceed max_positions = 3"),
        ({"max_positions_per_strategy": 4}, "max_positions_per_strategy = 4: must not exceed max_positions = 3"),
        (
            {"exposure_per_pair_quote": Decimal("1000.01")},
            "exposure_per_pair_quote = 1000.01: must not exceed capital_quote = 1000",
        ),
        (
            {"exposure_per_strategy_quote": Decimal(1001)},
            "exposure_per_strategy_quote = 1001: must not exceed capital_quote = 1000",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else str(value),
)
def test_contradicting_limits_are_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LimitError) as refused:
        replace(LIMITS, **changes)
    assert str(refused.value) == sentence


def test_a_part_may_be_the_whole() -> None:
    replace(
        LIMITS,
        max_positions_per_pair=3,
        max_positions_per_strategy=3,
        exposure_per_pair_quote=Decimal(1000),
        exposure_per_strategy_quote=Decimal(1000),
    )
