"""A rule's barriers are kept within the trader's bounds, and what was moved is told."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.barrier_bounds import BarrierBounds

BOUNDS = BarrierBounds(Decimal("0.004"), Decimal("0.06"), Decimal("0.006"), Decimal("0.04"))


def test_barriers_within_the_bounds_are_as_wanted() -> None:
    kept = BOUNDS.keep_within(take_profit=Decimal("0.05"), stop_loss=Decimal("0.006"))
    assert (kept.take_profit, kept.stop_loss, kept.adjustments) == (Decimal("0.05"), Decimal("0.006"), {})


def test_barriers_outside_come_to_the_nearest_bound_and_are_told() -> None:
    kept = BOUNDS.keep_within(take_profit=Decimal("0.0612345678"), stop_loss=Decimal("0.0012345678"))
    assert (kept.take_profit, kept.stop_loss) == (Decimal("0.06"), Decimal("0.006"))
    assert kept.adjustments == {
        "take_profit": "0.061235 -> 0.06: outside_bounds",
        "stop_loss": "0.001235 -> 0.006: outside_bounds",
    }


def test_a_barrier_the_price_has_passed_already_comes_to_its_least() -> None:
    kept = BOUNDS.keep_within(take_profit=Decimal("-0.01"), stop_loss=Decimal("-0.2"))
    assert (kept.take_profit, kept.stop_loss) == (Decimal("0.004"), Decimal("0.006"))
    assert set(kept.adjustments) == {"take_profit", "stop_loss"}


def test_the_noise_of_a_division_is_no_adjustment() -> None:
    """Prices come from floats: what lies behind the eighth digit is neither kept nor told."""
    kept = BOUNDS.keep_within(take_profit=Decimal("0.0600000000001"), stop_loss=Decimal("0.0123456789"))
    assert (kept.take_profit, kept.stop_loss, kept.adjustments) == (Decimal("0.06"), Decimal("0.01234568"), {})


fractions = st.decimals(Decimal("0.0001"), Decimal("0.4"), places=4)


@given(fractions, fractions, st.decimals(Decimal(-1), Decimal(1), places=10))
def test_no_wish_leaves_the_bounds_and_none_is_moved_further_than_it_must(
    one: Decimal, other: Decimal, wanted: Decimal
) -> None:
    least, most = sorted((one, other))
    kept = BarrierBounds(least, most, least, most).keep_within(take_profit=wanted, stop_loss=wanted)
    assert least <= kept.take_profit == kept.stop_loss <= most
    if least <= wanted <= most:
        assert abs(kept.take_profit - wanted) <= Decimal("5e-9")
        assert kept.adjustments == {}
    else:
        assert kept.take_profit in (least, most)
