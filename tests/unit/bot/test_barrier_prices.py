"""Barriers as prices lie exactly where Hummingbot's own arithmetic has them."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.executors.dca_executor.dca_executor import DCAExecutor
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import events as ev
from shared.domain.barriers import Filled, barrier_price
from shared.domain.signals import Side
from tests.unit.domain.generated_runs import amounts, fees, prices


def fill(price: Decimal, amount: Decimal, fee: Decimal) -> ev.OrderFilled:
    return ev.OrderFilled(
        at_ms=1,
        trade_id="1",
        order_id="1",
        signal_id=None,
        pair="BTC-USDT",
        side=Side.BUY,
        price=price,
        amount=amount,
        fee_quote=fee,
    )


class AsHummingbotHasIt:
    """Hummingbot's own properties over a position, at a price."""

    trade_pnl_pct = DCAExecutor.trade_pnl_pct
    trade_pnl_quote = DCAExecutor.trade_pnl_quote
    current_position_average_price = DCAExecutor.current_position_average_price
    open_filled_amount = DCAExecutor.open_filled_amount
    open_filled_amount_quote = DCAExecutor.open_filled_amount_quote
    active_open_orders = DCAExecutor.active_open_orders
    get_net_pnl_quote = DCAExecutor.get_net_pnl_quote
    get_net_pnl_pct = DCAExecutor.get_net_pnl_pct
    cum_fees_quote = property(DCAExecutor.get_cum_fees_quote)
    net_pnl_quote = property(DCAExecutor.get_net_pnl_quote)

    def __init__(self, side: Side, fills: list[ev.OrderFilled], close_price: Decimal) -> None:
        self.config = SimpleNamespace(side=TradeType[side])
        self.close_price = close_price
        self._close_orders: list[Any] = []
        self._open_orders = [
            SimpleNamespace(
                executed_amount_base=each.amount, average_executed_price=each.price, cum_fees_quote=each.fee_quote
            )
            for each in fills
        ]


@given(
    st.sampled_from(Side),
    st.lists(st.builds(fill, prices, amounts, fees), min_size=1, max_size=4),
    st.integers(-5000, 5000).map(lambda units: Decimal(units) / 10_000),
)
def test_at_its_price_hummingbot_has_just_that_profit(side: Side, fills: list[ev.OrderFilled], profit: Decimal) -> None:
    price = barrier_price(side, Filled.of(fills), profit)
    assert float(AsHummingbotHasIt(side, fills, price).get_net_pnl_pct()) == pytest.approx(float(profit), abs=1e-15)
