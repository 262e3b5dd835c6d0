"""A margin account: the wallet moves by realised profit and fees alone, in HEDGE and ONEWAY."""

from copy import deepcopy
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.margin_account import (
    FLAT,
    MarginAccount,
    MarginPosition,
    PositionSlot,
    ReduceOnlyExceeded,
    position_slot,
)
from shared.domain.signals import Side
from shared.domain.spot_account import InsufficientFunds

PAIR = "BTC-USDT"
# Average entries are quotients of 28 digits.
ROUNDING = Decimal("1e-15")
amounts = st.integers(1, 3_000).map(lambda steps: Decimal(steps) / 1000)
prices = st.integers(100, 2_000_000).map(lambda cents: Decimal(cents) / 100)
fees = st.integers(0, 10_000).map(lambda units: Decimal(units) / 10_000)
Fill = tuple[Side, Decimal, Decimal, Decimal]
fills = st.lists(st.tuples(st.sampled_from(Side), prices, amounts, fees), min_size=1, max_size=12)


def cash(side: Side, price: Decimal, amount: Decimal) -> Decimal:
    return price * amount * (1 if side is Side.SELL else -1)


@given(fills, prices)
def test_oneway_flips_and_closes_into_what_the_fills_moved(taken: list[Fill], last_price: Decimal) -> None:
    account = MarginAccount(wallet=Decimal(1_000))
    realised = paid = moved = net = Decimal(0)
    for side, price, amount, fee in taken:
        realised += account.apply_fill(PAIR, PositionSlot.NET, side, price, amount, fee)
        paid += fee
        moved += cash(side, price, amount)
        net += amount if side is Side.BUY else -amount
        assert account.position(PAIR, PositionSlot.NET).amount == net
        assert abs(account.wallet - (1_000 + realised - paid)) < ROUNDING
        # Whatever is not yet realised is in the position, at the price it was entered at.
        held = account.position(PAIR, PositionSlot.NET)
        assert abs(realised - (moved + held.amount * held.entry_price)) < ROUNDING
    if net:
        side = Side.SELL if net > 0 else Side.BUY
        realised += account.apply_fill(PAIR, PositionSlot.NET, side, last_price, abs(net), Decimal(0))
        moved += cash(side, last_price, abs(net))
    assert account.positions == {}
    assert account.position_margin == 0
    assert account.wallet == account.free
    assert abs(account.wallet - (1_000 + realised - paid)) < ROUNDING
    assert abs(realised - moved) < ROUNDING


@given(fills, fills)
def test_hedge_keeps_long_and_short_apart(entries: list[Fill], exits: list[Fill]) -> None:
    account = MarginAccount()
    held = {PositionSlot.LONG: Decimal(0), PositionSlot.SHORT: Decimal(0)}
    realised = paid = moved = Decimal(0)
    for side, price, amount, fee in entries:
        slot = position_slot(side, hedge=True, closing=False)
        assert account.apply_fill(PAIR, slot, side, price, amount, fee) == 0
        held[slot] += amount
        moved += cash(side, price, amount)
        paid += fee
    everything = [(side, Decimal(9), Decimal(99), Decimal(0)) for side in Side]
    for side, price, amount, fee in [*exits, *everything]:
        slot = position_slot(side, hedge=True, closing=True)
        closed = min(amount, held[slot])
        if not closed:
            continue
        account.require_reducible(PAIR, slot, closed)
        realised += account.apply_fill(PAIR, slot, side, price, closed, fee)
        held[slot] -= closed
        moved += cash(side, price, closed)
        paid += fee
        sign = 1 if slot is PositionSlot.LONG else -1
        assert account.position(PAIR, slot).amount == sign * held[slot]
    assert account.positions == {}
    assert abs(account.wallet - (realised - paid)) < ROUNDING
    assert abs(realised - moved) < ROUNDING


@pytest.mark.parametrize(
    ("side", "hedge", "closing", "slot"),
    [
        (Side.BUY, True, False, PositionSlot.LONG),
        (Side.SELL, True, True, PositionSlot.LONG),
        (Side.SELL, True, False, PositionSlot.SHORT),
        (Side.BUY, True, True, PositionSlot.SHORT),
        (Side.BUY, False, False, PositionSlot.NET),
        (Side.SELL, False, True, PositionSlot.NET),
    ],
)
def test_slots(side: Side, hedge: bool, closing: bool, slot: PositionSlot) -> None:
    assert position_slot(side, hedge=hedge, closing=closing) is slot


def test_a_fill_larger_than_the_position_flips_it_at_the_fills_price() -> None:
    account = MarginAccount()
    account.apply_fill(PAIR, PositionSlot.NET, Side.BUY, Decimal(100), Decimal(1), Decimal(0))
    realised = account.apply_fill(PAIR, PositionSlot.NET, Side.SELL, Decimal(110), Decimal(3), Decimal(0))
    assert realised == 10
    assert account.position(PAIR, PositionSlot.NET) == MarginPosition(Decimal(-2), Decimal(110))
    assert account.position(PAIR, PositionSlot.NET).unrealised(Decimal(100)) == 20


def test_adding_averages_the_entry_and_reducing_keeps_it() -> None:
    account = MarginAccount()
    for price in (100, 110):
        account.apply_fill(PAIR, PositionSlot.LONG, Side.BUY, Decimal(price), Decimal(1), Decimal(0))
    assert account.position(PAIR, PositionSlot.LONG) == MarginPosition(Decimal(2), Decimal(105))
    account.apply_fill(PAIR, PositionSlot.LONG, Side.SELL, Decimal(200), Decimal(1), Decimal(0))
    assert account.position(PAIR, PositionSlot.LONG) == MarginPosition(Decimal(1), Decimal(105))
    assert account.position("ETH-USDT", PositionSlot.LONG) is FLAT


def test_leverage_divides_the_margin_and_a_refused_lock_changes_nothing() -> None:
    account = MarginAccount(wallet=Decimal(100))
    account.set_leverage(PAIR, 5)
    account.lock("a", PAIR, Decimal(400), Decimal("0.4"))
    assert account.free == Decimal("19.6")
    before = deepcopy(account)
    with pytest.raises(InsufficientFunds, match=r"20 collateral needed, 19\.6 collateral free"):
        account.lock("b", PAIR, Decimal(100), Decimal(0))
    assert account == before
    account.shrink_lock("a", Decimal("0.5"))
    account.apply_fill(PAIR, PositionSlot.LONG, Side.BUY, Decimal(100), Decimal(2), Decimal("0.2"))
    assert account.position_margin == 40
    assert account.free == Decimal("99.8") - 40 - Decimal("40.2")
    account.release("a")
    account.shrink_lock("a", Decimal(1))
    assert account.free == Decimal("59.8")
    assert account.leverage("ETH-USDT") == 1


def test_reduce_only_refuses_more_than_is_held() -> None:
    account = MarginAccount()
    account.apply_fill(PAIR, PositionSlot.SHORT, Side.SELL, Decimal(100), Decimal(1), Decimal(0))
    account.require_reducible(PAIR, PositionSlot.SHORT, Decimal(1))
    with pytest.raises(ReduceOnlyExceeded, match=r"1\.1 asked to close, 1 held in BTC-USDT SHORT"):
        account.require_reducible(PAIR, PositionSlot.SHORT, Decimal("1.1"))
    with pytest.raises(ReduceOnlyExceeded):
        account.require_reducible(PAIR, PositionSlot.LONG, Decimal("0.1"))
