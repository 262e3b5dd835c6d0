"""Limits name what forbids one more position, and refuse to contradict each other."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.limits import LimitError, Limits, Reservation, refuse_by_limits
from shared.domain.signals import Refusal

LIMITS = Limits(max_positions=3, max_positions_per_pair=2, capital_quote=Decimal(1000))


def held(*pairs: str, amount: int = 100) -> dict[str, Reservation]:
    return {f"signal-{number}": Reservation("c", pair, Decimal(amount)) for number, pair in enumerate(pairs)}


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
def test_each_limit_is_named(positions: dict[str, Reservation], amount: int, refusal: Refusal | None) -> None:
    assert refuse_by_limits(LIMITS, positions, "A-B", Decimal(amount)) is refusal


@given(st.lists(st.tuples(st.sampled_from(["A-B", "C-B"]), st.integers(1, 600)), max_size=12))
def test_no_sequence_of_taken_signals_breaks_a_limit(wanted: list[tuple[str, int]]) -> None:
    taken: dict[str, Reservation] = {}
    for number, (pair, amount) in enumerate(wanted):
        if refuse_by_limits(LIMITS, taken, pair, Decimal(amount)) is None:
            taken[str(number)] = Reservation("c", pair, Decimal(amount))
        assert len(taken) <= LIMITS.max_positions
        assert sum(r.amount_quote for r in taken.values()) <= LIMITS.capital_quote
        for name in ("A-B", "C-B"):
            assert sum(r.pair == name for r in taken.values()) <= LIMITS.max_positions_per_pair


def test_contradicting_limits_are_refused() -> None:
    with pytest.raises(LimitError, match="max_positions_per_pair = 3: must not exceed max_positions = 2"):
        Limits(max_positions=2, max_positions_per_pair=3, capital_quote=Decimal(1))
