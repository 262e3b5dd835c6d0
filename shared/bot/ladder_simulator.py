"""A DCA executor walked through candles, in the place of the one Hummingbot's backtester has.

That one (dca_executor_simulator.py, 20260126 and 20260922) books every fill from the entry of the last level it looked at: a
ladder whose deeper levels are not reached is never filled at all.

Within one candle nothing is known of the order of prices, so the worse one is assumed: levels fill first, the stop comes
before the target, and there is no target in a candle that filled a level.
"""

from typing import Any

import numpy as np
import pandas as pd
from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.backtesting.executor_simulator_base import ExecutorSimulation
from hummingbot.strategy_v2.executors.dca_executor.data_types import DCAExecutorConfig
from hummingbot.strategy_v2.models.executors import CloseType


def simulate(rows: pd.DataFrame, config: DCAExecutorConfig, trade_cost: float) -> ExecutorSimulation:
    """Walk an executor from the row that opened it to its end, at the latest the last row.

    Args:
        rows: Candles by their open in UTC epoch seconds. The first is the one at whose close the executor is made.
        config: What it is to do.
        trade_cost: Fraction of each fill paid as fee, on entry and on exit. (20260126 charges it once.)

    Returns:
        Each row as if the position were closed at its close, the last as it was closed.
    """
    if config.time_limit:
        rows = rows[: config.timestamp + config.time_limit]
    position = _Position(config, trade_cost)
    columns = (rows[name].to_numpy(dtype=np.float64) for name in ("open", "high", "low", "close"))
    held, paid, marks = [], [], []
    exit_price, close_type = None, CloseType.TIME_LIMIT
    for place, (opened, high, low, close) in enumerate(zip(*columns, strict=True)):
        if place == 0:
            position.enter(close)
        else:
            exit_price, close_type = position.live_through(opened, high, low)
        held.append(position.base)
        paid.append(position.paid)
        marks.append(close if exit_price is None else exit_price)
        if exit_price is not None:
            break
    frame = rows.iloc[: len(held)].copy()
    _settle(frame, position, np.array(held), np.array(paid), np.array(marks))
    return ExecutorSimulation(config=config, executor_simulation=frame, close_type=close_type)


def _settle(frame: pd.DataFrame, position: "_Position", held: Any, paid: Any, marks: Any) -> None:
    """Fill in the columns the backtester reads: quote amounts at each row if it were closed at `marks`."""
    received = held * marks
    fees = position.cost * (paid + received)
    net = position.towards * (received - paid) - fees
    frame["net_pnl_quote"] = net
    frame["net_pnl_pct"] = np.divide(net, paid, out=np.zeros_like(net), where=paid > 0)
    frame["cum_fees_quote"] = fees
    # Of a closed executor both ways count as filled, as live.
    frame["filled_amount_quote"] = np.append(paid[:-1], paid[-1:] + received[-1:])
    average = np.full_like(net, position.prices[0])
    frame["current_position_average_price"] = np.divide(paid, held, out=average, where=held > 0)


class _Position:
    """What has been filled of a ladder, and where its barriers lie.

    Attributes:
        base: Amount held, base.
        paid: For what, quote, without fees.
    """

    def __init__(self, config: DCAExecutorConfig, cost: float) -> None:
        self.towards = 1 if config.side is TradeType.BUY else -1
        self.prices = [float(price) for price in config.prices]
        self.cost = cost
        self.base = 0.0
        self.paid = 0.0
        self._amounts = [float(quote) / price for quote, price in zip(config.amounts_quote, self.prices, strict=True)]
        self._filled = 0
        self._take_profit = None if config.take_profit is None else float(config.take_profit)
        self._stop_loss = None if config.stop_loss is None else float(config.stop_loss)
        self._trailing = config.trailing_stop
        self._trigger: float | None = None

    def enter(self, price: float) -> None:
        """Fill the levels that are worth this price or more, at this price."""
        while self._is_within(price):
            self._fill(price)

    def live_through(self, opened: float, high: float, low: float) -> tuple[float | None, CloseType]:
        """Fill and close in one candle.

        Returns:
            Price and reason of the exit; no price while it stays open.
        """
        best, worst = (high, low) if self.towards > 0 else (low, high)
        filled_before = self._filled
        # A trade at the price of a resting order is not enough: the queue ahead of it is unknown.
        while self._is_within(worst) and worst != self.prices[self._filled]:
            self._fill(self.prices[self._filled])
        if self.base == 0:
            return None, CloseType.TIME_LIMIT
        if self._stop_loss is not None and self._filled == len(self.prices) and self._profit(worst) <= -self._stop_loss:
            return self._exit_price(opened, -self._stop_loss), CloseType.STOP_LOSS
        if self._trigger is not None and self._profit(worst) < self._trigger:
            return self._exit_price(opened, self._trigger), CloseType.TRAILING_STOP
        if self._filled == filled_before:
            if self._take_profit is not None and self._profit(best) > self._take_profit:
                return self._exit_price(opened, self._take_profit, gaining=True), CloseType.TAKE_PROFIT
            self._trail(self._profit(best))
        return None, CloseType.TIME_LIMIT

    def _is_within(self, price: float) -> bool:
        return self._filled < len(self.prices) and self.towards * (self.prices[self._filled] - price) >= 0

    def _fill(self, price: float) -> None:
        self.base += self._amounts[self._filled]
        self.paid += self._amounts[self._filled] * price
        self._filled += 1

    def _trail(self, profit: float) -> None:
        if self._trailing is None:
            return
        trigger = profit - float(self._trailing.trailing_delta)
        if self._trigger is not None:
            self._trigger = max(self._trigger, trigger)
        elif profit > float(self._trailing.activation_price):
            self._trigger = trigger

    def _profit(self, price: float) -> float:
        """After the fees paid so far, as Hummingbot's executor has it: a fraction of what was paid."""
        return self.towards * (price * self.base / self.paid - 1) - self.cost

    def _exit_price(self, opened: float, profit: float, *, gaining: bool = False) -> float:
        """The barrier's price, or the candle's open where that lies beyond it already: the exit is a market order."""
        price = self.paid / self.base * (1 + self.towards * (profit + self.cost))
        return max(opened, price) if gaining == (self.towards > 0) else min(opened, price)
