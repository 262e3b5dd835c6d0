"""A ladder walked through candles: levels one by one, the worse of two barriers first, fees on both ways."""

import importlib.util
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.backtesting.executors_simulator import dca_executor_simulator
from hummingbot.strategy_v2.executors.dca_executor.data_types import DCAExecutorConfig, DCAMode
from hummingbot.strategy_v2.executors.position_executor.data_types import TrailingStop
from hummingbot.strategy_v2.models.executors import CloseType
from hypothesis import given
from hypothesis import strategies as st

from shared.bot.ladder_simulator import simulate

START_S = 1_736_121_600
Candle = tuple[float, float, float, float]


def rows_of(*candles: Candle) -> pd.DataFrame:
    """Rows of open, high, low, close, a minute each, as the backtester has them."""
    frame = pd.DataFrame(candles, columns=["open", "high", "low", "close"])
    frame["timestamp"] = START_S + 60.0 * frame.index
    return frame.set_index("timestamp", drop=False)


def ladder(*prices: str, **changes: Any) -> DCAExecutorConfig:
    """100 quote a level, 2 % profit, 3 % loss."""
    terms: dict[str, Any] = {"take_profit": Decimal("0.02"), "stop_loss": Decimal("0.03"), "side": TradeType.BUY}
    return DCAExecutorConfig(
        timestamp=START_S,
        connector_name="binance",
        trading_pair="BTC-USDT",
        amounts_quote=[Decimal(100) for _ in prices],
        prices=[Decimal(price) for price in prices],
        mode=DCAMode.MAKER,
        **terms | changes,
    )


FLAT: Candle = (100, 100, 100, 100)


def walked(config: DCAExecutorConfig, *candles: Candle, cost: float = 0.0) -> tuple[str, int, float]:
    """How and in which candle it ended, and what it brought in quote."""
    done = simulate(rows_of(*candles), config, cost)
    frame = done.executor_simulation
    return done.close_type.name, len(frame) - 1, round(float(frame["net_pnl_quote"].iloc[-1]), 9)


@pytest.mark.parametrize(
    ("candles", "outcome"),
    [
        pytest.param([FLAT, (100, 103, 99, 100)], ("TAKE_PROFIT", 1, 2.0), id="target"),
        pytest.param([FLAT, (100, 101, 96, 98)], ("STOP_LOSS", 1, -3.0), id="stop"),
        pytest.param([FLAT, (100, 103, 96, 100)], ("STOP_LOSS", 1, -3.0), id="both in one candle: the loss"),
        pytest.param([FLAT, (95, 103, 94, 100)], ("STOP_LOSS", 1, -5.0), id="opens beyond the stop"),
        pytest.param([FLAT, (104, 105, 99, 105)], ("TAKE_PROFIT", 1, 4.0), id="opens beyond the target"),
        pytest.param([FLAT, (100, 101, 99, 101), FLAT], ("TIME_LIMIT", 2, 0.0), id="neither"),
        pytest.param([(100, 105, 90, 100)], ("TIME_LIMIT", 0, 0.0), id="its own candle is over when it is made"),
    ],
)
def test_one_level(candles: list[Candle], outcome: tuple[str, int, float]) -> None:
    assert walked(ladder("100"), *candles) == outcome


def test_a_short_is_the_mirror_image() -> None:
    short = ladder("100", side=TradeType.SELL)
    assert walked(short, FLAT, (100, 101, 97, 98)) == ("TAKE_PROFIT", 1, 2.0)
    assert walked(short, FLAT, (100, 104, 97, 98)) == ("STOP_LOSS", 1, -3.0)
    assert walked(short, FLAT, (105, 106, 97, 98)) == ("STOP_LOSS", 1, -5.0)
    assert walked(short, FLAT, (96, 101, 95, 98)) == ("TAKE_PROFIT", 1, 4.0)


def test_a_level_is_filled_where_the_price_trades_through_it() -> None:
    config = ladder("100", "95")
    touched = simulate(rows_of(FLAT, (100, 100, 95, 96)), config, 0.0).executor_simulation
    through = simulate(rows_of(FLAT, (100, 100, 94.9, 96), FLAT), config, 0.0).executor_simulation
    assert touched["filled_amount_quote"].tolist() == [100.0, 196.0], "an exit counts as filled, as live"
    assert through["filled_amount_quote"].iloc[1] == 200.0
    assert through["current_position_average_price"].iloc[1] == pytest.approx(200 / (1 + 100 / 95))


def test_there_is_no_stop_before_the_last_level_and_no_target_in_a_candle_that_fills_one() -> None:
    config = ladder("100", "95", "90")
    assert walked(config, FLAT, (100, 110, 92, 100))[:2] == ("TIME_LIMIT", 1)
    assert walked(config, FLAT, (100, 110, 92, 100), (100, 110, 99, 100))[:2] == ("TAKE_PROFIT", 2)
    assert walked(config, FLAT, (100, 100, 80, 95))[:2] == ("STOP_LOSS", 1)


def test_a_trailing_stop_follows_the_best_profit() -> None:
    trailing = TrailingStop(activation_price=Decimal("0.02"), trailing_delta=Decimal("0.01"))
    config = ladder("100", take_profit=None, trailing_stop=trailing)
    assert walked(config, FLAT, (100, 101.5, 100, 101), FLAT)[0] == "TIME_LIMIT"
    assert walked(config, FLAT, (100, 103, 100, 103), (103, 105, 103, 105), (105, 105, 100, 101)) == (
        "TRAILING_STOP",
        3,
        4.0,
    )


def test_the_time_limit_ends_it_at_the_close() -> None:
    config = ladder("100", time_limit=120)
    assert walked(config, FLAT, FLAT, (100, 101, 99, 101), (100, 110, 100, 110)) == ("TIME_LIMIT", 2, 1.0)


def test_fees_are_paid_both_ways_and_barriers_lie_after_those_paid() -> None:
    done = simulate(rows_of(FLAT, (100, 103, 100, 103)), ladder("100"), 0.001)
    last = done.executor_simulation.iloc[-1]
    assert last["filled_amount_quote"] == pytest.approx(202.1), "closed at 102.1: 2 % after the entry's 0.1 %"
    assert last["cum_fees_quote"] == pytest.approx(0.2021)
    assert last["net_pnl_quote"] == pytest.approx(2.1 - 0.2021)
    assert last["net_pnl_pct"] == pytest.approx((2.1 - 0.2021) / 100)


def test_what_is_never_filled_costs_nothing() -> None:
    done = simulate(rows_of((110, 110, 110, 110), (110, 111, 105, 110)), ladder("100"), 0.001)
    assert done.executor_simulation[["filled_amount_quote", "net_pnl_quote", "net_pnl_pct"]].to_numpy().any() == 0


@st.composite
def candles(draw: st.DrawFn) -> list[Candle]:
    prices = st.floats(80, 120)
    found = []
    for _ in range(draw(st.integers(1, 12))):
        four = sorted(draw(st.lists(prices, min_size=4, max_size=4)))
        opened, close = draw(st.permutations(four[1:3]))
        found.append((opened, four[3], four[0], close))
    return found


@given(
    candles(),
    st.lists(st.floats(85, 115), min_size=1, max_size=4),
    st.sampled_from([TradeType.BUY, TradeType.SELL]),
)
def test_the_books_balance(market: list[Candle], prices: list[float], side: TradeType) -> None:
    """Whatever happens: the profit is what came in less what went out, less the fee on each."""
    is_buy, cost = side is TradeType.BUY, 0.001
    config = ladder(*map(str, sorted(prices, reverse=is_buy)), side=side)
    frame = simulate(rows_of(*market), config, cost).executor_simulation
    filled, last = frame["filled_amount_quote"], frame.iloc[-1]
    assert last["cum_fees_quote"] == pytest.approx(cost * filled.iloc[-1])
    gained = last["net_pnl_quote"] + last["cum_fees_quote"]
    paid = (filled.iloc[-1] - (gained if is_buy else -gained)) / 2
    assert filled.iloc[:-1].is_monotonic_increasing
    assert paid >= filled.iloc[:-1].max() - 1e-9 if len(filled) > 1 else paid >= 0
    # A level is never filled at a worse price than its own.
    assert paid <= 100 * len(prices) + 1e-9 if is_buy else paid == 0 or paid >= 100 - 1e-9


def test_the_stock_simulator_leaves_such_a_ladder_unfilled() -> None:
    """Why there is one of ours. Its file is loaded anew, because ours may have taken its place."""
    assert dca_executor_simulator.__spec__ is not None
    assert dca_executor_simulator.__spec__.origin is not None
    spec = importlib.util.spec_from_file_location("stock_simulator", dca_executor_simulator.__spec__.origin)
    assert spec is not None
    assert spec.loader is not None
    stock: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stock)
    market = rows_of(FLAT, (100, 103, 99, 103), FLAT)
    theirs = stock.DCAExecutorSimulator().simulate(market, ladder("100", "95"), 0.0)
    assert theirs.executor_simulation["filled_amount_quote"].max() == 0
    ours = simulate(market, ladder("100", "95"), 0.0)
    assert ours.close_type is CloseType.TAKE_PROFIT
    assert ours.executor_simulation["filled_amount_quote"].iloc[0] == 100
