"""Exact, finite, of a sane size, or refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.exact_number import exact_number


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=8))
def test_a_number_stays_exact(number: Decimal) -> None:
    assert exact_number(format(number, "f")) == number


@pytest.mark.parametrize("text", ["0", "95243.53", "1.2e-7", "-4", "0.00000000"])
def test_numbers(text: str) -> None:
    assert exact_number(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "sNaN",
        "Infinity",
        "-inf",
        "1e400",
        "1e-400",
        "1" * 41,
        "1_000",
        "\u0661",
        '"5"',
        "null",
        "true",
        "{}",
    ],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        exact_number(text)


@given(st.text())
def test_any_text_is_a_finite_number_or_refused(text: str) -> None:
    try:
        number = exact_number(text)
    except ValueError:
        return
    assert number.is_finite()
