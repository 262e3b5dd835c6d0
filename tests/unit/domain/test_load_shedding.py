"""Pairs that somebody trades on are the last to lose their one-minute bars."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.load_shedding import LimitPressure, divide

PAIRS = st.lists(st.sampled_from([f"P{number}-USDT" for number in range(12)]))


def test_pairs_that_bots_ask_for_come_first() -> None:
    division = divide(["SOL-USDT", "ETH-USDT"], ["BTC-USDT", "ETH-USDT", "XRP-USDT"], keep=3)
    assert division.kept == ("SOL-USDT", "ETH-USDT", "BTC-USDT")
    assert division.shed == ("XRP-USDT",)


@given(PAIRS, PAIRS, st.integers(0, 15))
def test_every_pair_is_kept_or_shed_and_only_one_of_them(asked: list[str], configured: list[str], keep: int) -> None:
    division = divide(asked, configured, keep=keep)
    every = [*division.kept, *division.shed]
    assert sorted(every) == sorted({*asked, *configured})
    assert len(division.kept) == min(keep, len(every))
    if not set(asked) <= set(division.kept):
        assert set(division.kept) <= set(asked)


def test_a_negative_number_of_pairs_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        divide([], [], keep=-1)


def test_a_limit_bites_when_hit_often_within_a_short_time() -> None:
    pressure = LimitPressure(often=3, within_s=60, calm_s=600)
    for now_s in (0, 61, 100):
        pressure.hit(now_s)
        assert not pressure.bites(now_s)
    pressure.hit(121)
    assert pressure.bites(121)


def test_a_limit_bites_until_it_was_not_hit_for_long() -> None:
    pressure = LimitPressure(often=1, calm_s=600)
    pressure.hit(0)
    pressure.hit(500)
    assert pressure.bites(1099)
    assert not pressure.bites(1100)
    assert not pressure.bites(1101)


def test_a_limit_never_hit_does_not_bite() -> None:
    assert not LimitPressure().bites(1e9)


def test_it_takes_a_hit_to_bite() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        LimitPressure(often=0)
