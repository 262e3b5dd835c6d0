"""A controller in Hummingbot's backtester: the decisions it would have taken live, on the backtest's clock, in no journal.

The backtester (hummingbot/strategy_v2/backtesting/backtesting_engine_base.py) asks once for the features of all candles,
merges them backward into its rows by `timestamp`, and then asks row by row for actions. Its executors are simulated.

It takes a row's OPEN for the time now, so a feature stamped at its candle's open would be seen up to a whole candle early
(docs/decisions/0015).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, ExecutorAction
from hummingbot.strategy_v2.models.executors import CloseType
from numpy.typing import NDArray

from shared.adapters.memory_journal import MemoryJournal
from shared.bot import backtester
from shared.bot.session import Session
from shared.domain.candles import CandleSeries
from shared.domain.rules import Evaluation, Rule, evaluate_series
from shared.domain.signals import Side

CANDLE_COLUMNS = ["timestamp", "open", "high", "low", "close", "volume"]
"""Of Hummingbot's frames of candles, in the order of CandleSeries.from_rows."""


class BacktestError(ValueError):
    """The backtest cannot be run with these candles or this resolution. The message is one sentence."""


@dataclass(frozen=True)
class _NeverSimulated:
    """An executor the backtester refused: it reports none whose ladder has no end."""

    config: Any
    is_active: bool = False
    close_type: CloseType = CloseType.FAILED
    filled_amount_quote: Decimal = Decimal(0)
    net_pnl_quote: Decimal = Decimal(0)
    cum_fees_quote: Decimal = Decimal(0)


class BacktestSession(Session):
    """A session whose executors are simulated: no orders, and so no fills, are told of."""

    def _was_filled(self, executor: Any) -> bool:
        return bool(executor.filled_amount_quote > 0)


class Backtest:
    """One controller's backtest.

    Args:
        provider: Hummingbot's BacktestingDataProvider.

    Attributes:
        session: Its own, in memory, on the backtest's clock; without limits over all controllers, for there is one.
    """

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self.session = BacktestSession(MemoryJournal("backtest"), limits=None, clock=self._now_ms)
        self._evaluations: list[Evaluation] = []
        self._decided: int | None = None
        self._open: dict[str, Any] = {}
        self._loaded: dict[str, NDArray[np.float64]] = {}

    @classmethod
    def of(cls, provider: Any) -> "Backtest | None":
        """The backtest a controller with this provider is in; None in a bot."""
        kind = backtester.provider_class()
        return cls(provider) if kind is not None and isinstance(provider, kind) else None

    def features(self, rule: Rule, feed: CandlesConfig, interval_s: int) -> pd.DataFrame:
        """Evaluate every candle of the backtest, for the backtester to merge into its rows.

        Args:
            rule: The rule.
            feed: The candles it looks at.
            interval_s: Their length in seconds.

        Returns:
            One row a candle: `timestamp`, its CLOSE in UTC epoch seconds; `evaluation`, its place; `signal`, 1 to buy, -1 to
            sell, 0 for none; `confidence`. The rule's values are not among them: the backtester drops every row with a NaN in
            it, prices included, and a value may be one.

        Raises:
            BacktestError: The candles were not loaded, or there are too few of them.
            CandleError: They have a gap.
        """
        candles = CandleSeries.from_rows(self._rows(feed), interval_s)
        self._evaluations = list(evaluate_series(rule, candles))
        if not self._evaluations:
            needed = rule.candles_needed(interval_s)
            raise BacktestError(
                f"{feed.trading_pair} {feed.interval}: the backtest has {len(candles)} candles, the rule needs {needed}"
            )
        opportunities = [evaluation.opportunity for evaluation in self._evaluations]
        direction = {Side.BUY: 1, Side.SELL: -1}
        return pd.DataFrame(
            {
                "timestamp": [evaluation.candle_close_ms / 1000 for evaluation in self._evaluations],
                "evaluation": range(len(self._evaluations)),
                "signal": [0 if found is None else direction[found.side] for found in opportunities],
                "confidence": [0.0 if found is None else found.confidence for found in opportunities],
            }
        )

    def closed_rows(self, feed: CandlesConfig, interval_s: int) -> NDArray[np.float64]:
        """The newest candles of a feed that have closed by now, as many as a bot would hold.

        Returns:
            Rows of open time in s, open, high, low, close, volume; shape (n, 6).

        Raises:
            BacktestError: They were not loaded.
        """
        rows = self._rows(feed)
        closed = int(np.searchsorted(rows[:, 0] + interval_s, self._provider.time(), side="right"))
        return rows[max(0, closed - (feed.max_records - 1)) : closed]

    def actions(
        self,
        decide: Callable[[Evaluation], list[ExecutorAction]],
        row: Mapping[str, Any],
        executors: Iterable[Any],
    ) -> list[ExecutorAction]:
        """What the controller does at a row.

        Args:
            decide: What it does about the newest closed candle.
            row: The backtester's row, with the newest features merged into it.
            executors: What it reports of the controller's executors.

        Raises:
            BacktestError: More than one candle has closed since the row before.
        """
        self._follow(executors)
        evaluation = self._newest(int(row["evaluation"]))
        if evaluation is None:
            return []
        actions = decide(evaluation)
        for action in actions:
            if isinstance(action, CreateExecutorAction):
                self._open[action.executor_config.id] = action.executor_config
        return actions

    def _follow(self, executors: Iterable[Any]) -> None:
        """Let go of what has closed, so that limits and cooldowns see what they would see live."""
        if not self._open:
            return
        reported = {executor.config.id: executor for executor in executors}
        for executor_id, config in list(self._open.items()):
            executor = reported.get(executor_id) or _NeverSimulated(config)
            if executor_id not in self.session.record.executors:
                self.session.executor_opened(executor)
            if not executor.is_active:
                del self._open[executor_id]
                self.session.executor_closed(
                    executor, pnl_quote=executor.net_pnl_quote, fees_quote=executor.cum_fees_quote
                )

    def _newest(self, place: int) -> Evaluation | None:
        """The evaluation at a row unless an earlier row had it. Those from before the first row are history."""
        decided, self._decided = self._decided, place
        if place == decided:
            return None
        if decided is not None and place > decided + 1:
            raise BacktestError(
                "backtesting_resolution: is longer than the candles the controller decides on; it must be at most as long"
            )
        return self._evaluations[place]

    def _rows(self, feed: CandlesConfig) -> NDArray[np.float64]:
        """All that was loaded, with what lies before the start, which `get_candles_df` cuts off."""
        key = self._provider._generate_candle_feed_key(feed)
        if key not in self._loaded:
            frame = self._provider.candles_feeds.get(key)
            if frame is None or len(frame) == 0:
                raise BacktestError(
                    f"{feed.trading_pair} {feed.interval}: the backtest has no candles of {feed.connector}"
                )
            rows = np.asarray(frame[CANDLE_COLUMNS], dtype=np.float64)
            # 20260126 repeats the first candle where the exchange has none before it (candles_base.py).
            self._loaded[key] = rows[np.unique(rows[:, 0], return_index=True)[1]]
        return self._loaded[key]

    def _now_ms(self) -> int:
        return int(self._provider.time() * 1000)
