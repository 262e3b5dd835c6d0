"""The base of the recovery controllers: once per closed candle, ask the rule, then the limits, then open an executor.

A strategy adds three hooks: `detect` (the rule), `position_config` (the executor) and `thresholds`. It must not be imported by
class name into a controller file: Hummingbot takes the alphabetically first matching class of a module for the controller.
"""

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from hummingbot.core.data_type.common import PriceType
from hummingbot.strategy_v2.controllers import controller_base
from hummingbot.strategy_v2.executors.data_types import ConnectorPair, ExecutorConfigBase
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, ExecutorAction

from shared.bot import host as host  # for its effect: paper connectors and guarded executors
from shared.bot import session
from shared.domain.candles import CandleError, CandleSeries
from shared.domain.signals import Refusal, Side, Signal


class RecoveryController(controller_base.ControllerBase):
    """Runs one rule on one pair."""

    def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self.config = config
        self._session = session.current()
        self._decided_open_s = 0
        self._next_look_s = 0.0
        self._signal: Signal | None = None
        self.latest_values: dict[str, float] = {}
        self.processed_data = {"signal": 0, "features": pd.DataFrame()}
        self.market_data_provider.initialize_rate_sources(
            [ConnectorPair(connector_name=config.connector_name, trading_pair=config.trading_pair)]
        )

    # Hooks of the strategies.

    def detect(self, candles: CandleSeries) -> Signal | None:
        """The rule, on closed candles whose last one has just closed."""
        raise NotImplementedError

    def position_config(self, signal: Signal, price: Decimal) -> ExecutorConfigBase | Refusal:
        """The executor that carries the signal out at `price`, or why there can be none."""
        raise NotImplementedError

    def outlook(self) -> str:
        """How far the market is from a signal, in words a trader reads at a glance."""
        raise NotImplementedError

    # Hummingbot's control loop.

    def update_config(self, new_config: Any) -> None:
        """Take a live edit: what may change while the bot runs, all of it at once.

        20260126 sets one field after the other, and fields that only make sense together are refused on the way.

        Raises:
            ValidationError: What may change does not go with what may not.
        """
        kept = {name: getattr(self.config, name) for name in type(self.config).model_fields}
        changed = {
            name: getattr(new_config, name)
            for name, field in type(self.config).model_fields.items()
            if (field.json_schema_extra or {}).get("is_updatable", False)
        }
        self.config = type(self.config)(**kept | changed)

    async def update_processed_data(self) -> None:
        """Evaluate the rule if a candle has closed since the last look."""
        if not self._session.is_watching:
            # Deployed under a script that is not ours (Hummingbot Dashboard's): nobody else begins the run's record.
            self._session.watch(self.market_data_provider.connectors, script=self.config.id)
        self._signal = None
        self.processed_data["signal"] = 0
        if self.market_data_provider.time() < self._next_look_s:
            return
        candles = self._closed_candles()
        if candles is None or int(candles.open_time_s[-1]) <= self._decided_open_s:
            return
        self._decided_open_s = int(candles.open_time_s[-1])
        self._next_look_s = self._decided_open_s + 2 * self.config.interval_s
        self._signal = self.detect(candles)
        direction = 0 if self._signal is None else (1 if self._signal.side is Side.BUY else -1)
        self.processed_data = {"signal": direction, "features": pd.DataFrame([self.latest_values])}

    def _closed_candles(self) -> CandleSeries | None:
        """The candles that are final: each has a successor, the newest of which is still in progress."""
        feed = self.config.candles
        frame = self.market_data_provider.get_candles_df(
            feed.connector, feed.trading_pair, feed.interval, feed.max_records
        )
        rows = frame[["timestamp", "open", "high", "low", "close", "volume"]].to_numpy(dtype=np.float64)[:-1]
        if len(rows) == 0:
            return None
        try:
            return CandleSeries.from_rows(rows, self.config.interval_s)
        except CandleError as error:
            # Hummingbot's feed accepts gaps as ready. No decision may rest on them; the next candle is looked at anew.
            self.logger().error(f"{self.config.id}: {feed.trading_pair} {feed.interval}: {error}; not evaluated")
            return None

    def determine_executor_actions(self) -> list[ExecutorAction]:
        if self._signal is None:
            return []
        signal, self._signal = self._signal, None
        price = self._entry_price(signal.side)
        refusal: Refusal | None = None
        position: ExecutorConfigBase | None = None
        if self.config.manual_kill_switch:
            refusal = Refusal.KILL_SWITCH
        elif price is None:
            refusal = Refusal.PRICE_UNAVAILABLE
        else:
            outcome = self.position_config(signal, price)
            if isinstance(outcome, Refusal):
                refusal = outcome
            else:
                position = outcome
        taken = self._session.decide(
            signal,
            self.config.total_amount_quote,
            own_refusal=refusal,
            max_positions=self.config.max_positions,
            cooldown_s=self.config.cooldown_s,
        )
        if not taken or position is None:
            return []
        return [CreateExecutorAction(controller_id=self.config.id, executor_config=position)]

    def _entry_price(self, side: Side) -> Decimal | None:
        """What a taker would get now, quote per base."""
        price_type = PriceType.BestAsk if side is Side.BUY else PriceType.BestBid
        price = self.market_data_provider.get_price_by_type(
            self.config.connector_name, self.config.trading_pair, price_type
        )
        return price if price is not None and price.is_finite() and price > 0 else None

    def is_below_minimum(self, amount_quote: Decimal, price: Decimal) -> bool:
        """Whether the venue would refuse an order of this size (quote) once its amount is cut to the venue's step."""
        connector, pair = self.config.connector_name, self.config.trading_pair
        rule = self.market_data_provider.get_trading_rules(connector, pair)
        amount = self.market_data_provider.quantize_order_amount(connector, pair, amount_quote / price)
        return bool(amount < rule.min_order_size or amount * price < rule.min_notional_size)

    # What Dashboard and MQTT show.

    def get_custom_info(self) -> dict[str, Any]:
        signals = [decided for decided in self._session.record.signals if decided.controller_id == self.config.id]
        return {
            "pair": self.config.trading_pair,
            "signals": len(signals),
            "taken": sum(1 for decided in signals if decided.taken),
            "last_signal": signals[-1].signal_id if signals else None,
            "values": self.latest_values,
        }
