"""A spot account: assets move by fills and fees alone, nothing is spent twice, a refusal changes nothing."""

from copy import deepcopy
from decimal import Decimal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.domain.signals import Side
from shared.domain.spot_account import InsufficientFunds, SpotAccount

ZERO = Decimal(0)
ORDERS = st.sampled_from(["a", "b", "c", "d"])
amounts = st.integers(1, 4_000).map(lambda steps: Decimal(steps) / 1000)
prices = st.integers(1, 30_000).map(lambda cents: Decimal(cents) / 100)


class SpotAccountMachine(RuleBasedStateMachine):
    """Any sequence of orders, fills, fees, ends and refusals, against a ledger of fills alone."""

    @initialize(quote=st.integers(0, 1_000), base=st.integers(0, 5))
    def open(self, quote: int, base: int) -> None:
        self.account = SpotAccount({"USDT": Decimal(quote), "BTC": Decimal(base)})
        self.ledger = dict(self.account.totals)
        self.sides: dict[str, Side] = {}

    @rule(order=ORDERS, side=st.sampled_from(Side), price=prices, amount=amounts)
    def lock(self, order: str, side: Side, price: Decimal, amount: Decimal) -> None:
        if order in self.sides:
            return
        asset, needed = ("USDT", price * amount) if side is Side.BUY else ("BTC", amount)
        before = deepcopy(self.account)
        free = self.account.free(asset)
        if needed > free:
            with pytest.raises(InsufficientFunds) as refusal:
                self.account.lock(order, asset, needed)
            assert (refusal.value.asset, refusal.value.needed, refusal.value.free) == (asset, needed, free)
            assert self.account == before
        else:
            self.account.lock(order, asset, needed)
            assert self.account.free(asset) == free - needed
            self.sides[order] = side

    @rule(order=ORDERS, price=prices, amount=amounts, fee=st.integers(0, 50).map(lambda cents: Decimal(cents) / 100))
    def fill(self, order: str, price: Decimal, amount: Decimal, fee: Decimal) -> None:
        side = self.sides.get(order, Side.BUY)
        if side is Side.SELL and fee > price * amount:
            fee = ZERO
        before = deepcopy(self.account)
        try:
            self.account.apply_fill(order, side, "BTC", "USDT", price, amount, fee)
        except InsufficientFunds:
            assert self.account == before
            return
        sign = 1 if side is Side.BUY else -1
        self.ledger["BTC"] += sign * amount
        self.ledger["USDT"] -= sign * price * amount + fee

    @rule(order=ORDERS)
    def release(self, order: str) -> None:
        before = {asset: (self.account.totals[asset], self.account.free(asset)) for asset in self.ledger}
        self.account.release(order)
        self.sides.pop(order, None)
        for asset, (total, free) in before.items():
            assert self.account.totals[asset] == total
            assert self.account.free(asset) >= free

    @invariant()
    def assets_move_by_fills_and_fees_alone(self) -> None:
        if hasattr(self, "account"):
            assert self.account.totals == self.ledger

    @invariant()
    def nothing_is_promised_twice(self) -> None:
        if hasattr(self, "account"):
            for asset in self.ledger:
                assert self.account.free(asset) >= 0
                assert self.account.locked(asset) >= 0
                assert self.account.free(asset) + self.account.locked(asset) == self.account.totals[asset]


TestSpotAccount = SpotAccountMachine.TestCase


def test_a_fill_uses_its_own_lock_first() -> None:
    account = SpotAccount({"USDT": Decimal(100)})
    account.lock("a", "USDT", Decimal(60))
    account.lock("b", "USDT", Decimal(40))
    account.apply_fill("a", Side.BUY, "BTC", "USDT", Decimal(50), Decimal(1), Decimal("0.1"))
    assert account.totals == {"USDT": Decimal("49.9"), "BTC": Decimal(1)}
    assert account.locked("USDT") == Decimal("49.9")
    assert account.free("USDT") == 0
    account.release("a")
    assert account.free("USDT") == Decimal("9.9")


def test_a_fill_may_not_use_what_another_order_holds() -> None:
    account = SpotAccount({"USDT": Decimal(100)})
    account.lock("a", "USDT", Decimal(60))
    account.lock("b", "USDT", Decimal(40))
    with pytest.raises(InsufficientFunds, match=r"60\.1 USDT needed, 60 USDT free"):
        account.apply_fill("a", Side.BUY, "BTC", "USDT", Decimal(60), Decimal(1), Decimal("0.1"))
    assert account.totals == {"USDT": Decimal(100)}


def test_an_unknown_asset_is_an_empty_one() -> None:
    account = SpotAccount()
    assert account.free("BTC") == 0
    with pytest.raises(InsufficientFunds):
        account.lock("a", "BTC", Decimal(1))
    account.release("a")
    assert account.totals == {}
