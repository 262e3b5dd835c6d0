"""The same recorded candle is one piece of evidence, however it was replayed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.markets import RECORDED, is_named, moved, origin_of


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z0-9]{2,6}-[A-Z]{3,4}", fullmatch=True), st.integers(-(10**13), 10**13), min_size=1
    )
)
def test_each_pair_is_found_with_its_shift(shifts_ms: dict[str, int]) -> None:
    market = "replay:/a b/moved/c_ETH-USDT.csv@2025-04-06T20:00, seed 1" + moved(shifts_ms)
    for pair, shift_ms in shifts_ms.items():
        assert origin_of(market, pair) == (RECORDED, shift_ms)


def test_a_pair_is_not_taken_for_one_it_ends_like() -> None:
    market = "replay:x, seed 1" + moved({"WBTC-USDT": 1, "BTC-USDT": 2})
    assert origin_of(market, "BTC-USDT") == (RECORDED, 2)
    assert origin_of(market, "TC-USDT") == (market, 0)


@pytest.mark.parametrize("market", ["live", "simulated, seed 7", ""])
def test_other_markets_keep_their_names(market: str) -> None:
    assert origin_of(market, "ETH-USDT") == (market, 0)
    assert is_named(market)


def test_a_venue_elsewhere_does_not_say_what_it_serves() -> None:
    assert not is_named("venue http://127.0.0.1:8765")
