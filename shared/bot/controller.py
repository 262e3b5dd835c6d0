"""The base of the recovery controllers: once per closed candle, ask the rule, then the limits, then open an executor.

A strategy adds three hooks: its config's `rule`, `position` (how a signal is carried out) and `outlook`. It must not be
imported by class name into a controller file: Hummingbot takes the alphabetically first matching class of a module.
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from hummingbot.core.data_type.common import PriceType, TradeType
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig
from hummingbot.strategy_v2.controllers import controller_base
from hummingbot.strategy_v2.executors.data_types import ConnectorPair
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, ExecutorAction, StopExecutorAction

from shared.bot import feed_candles, live_edits, session
from shared.bot import host as host  # for its effect: paper connectors and guarded executors
from shared.bot.backtesting import CANDLE_COLUMNS, Backtest
from shared.bot.config import GUARD_INTERVAL_S
from shared.bot.custom_info import CustomInfo
from shared.bot.evaluations import EvaluationCount
from shared.bot.positions import Position, executor_config
from shared.domain.candles import CandleError, CandleSeries
from shared.domain.protections import refuse_by_crash
from shared.domain.rules import Evaluation, Exit, Opportunity, evaluate_last
from shared.domain.signals import Refusal, Side, Signal, signal_id

# Candles an entry may wait for its first fill; after that the market has left it behind.
_ENTRY_CANDLES = 2
_GAP_RETRY_S = 5.0


class RecoveryController(controller_base.ControllerBase):
    """Runs one rule on one pair.

    Attributes:
        retired: Set once another configuration has taken its place: it takes no more signals, and what it has open finishes
            under the terms it was opened with.
        config_record: What it runs under, as the journal has it.
        latest: What the rule saw in the newest closed candle; None before the first.
    """

    # Stale candles are a refusal in the journal here, not an executor that silently is not opened (`feed_entries`).
    asks_feeds_itself = True

    def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self.config = config
        self.retired = False
        self.latest: Evaluation | None = None
        self._backtest = Backtest.of(self.market_data_provider)
        self._session = session.current() if self._backtest is None else self._backtest.session
        self._evaluations = EvaluationCount(self._session)
        self.config_record = live_edits.ConfigRecord(self._session)
        self._gap_told = ""
        self._decided_open_s = 0
        self._next_look_s = 0.0
        self._fresh: Evaluation | None = None
        self._info = CustomInfo(self._session)
        self.processed_data = {"signal": 0, "features": pd.DataFrame()}
        if self._backtest is None:
            self.market_data_provider.initialize_rate_sources(
                [ConnectorPair(connector_name=config.connector_name, trading_pair=config.trading_pair)]
            )

    # Hooks of the strategies.

    def position(self, opportunity: Opportunity, price: Decimal) -> Position | Refusal:
        """How an opportunity is carried out at `price`, or why it cannot be."""
        raise NotImplementedError

    def outlook(self) -> str:
        """How far the market is from a signal, in words a trader reads at a glance."""
        raise NotImplementedError

    # Hummingbot's control loop.

    def get_candles_config(self) -> list[CandlesConfig]:
        """The feeds to be started with the controller: 20260922 asks for them here, 20260126 reads the configuration."""
        return list(self.config.candles_config)

    async def update_processed_data(self) -> None:
        """Evaluate the rule if a candle has closed since the last look; in a backtest, over all its candles at once."""
        if self._backtest is not None:
            features = self._backtest.features(self.config.rule, self.config.candles, self.config.interval_s)
            self.processed_data = {"signal": 0, "features": features}
            return
        if not self._session.is_watching:
            # Deployed under a script that is not ours (Hummingbot Dashboard's): nobody else begins the run's record.
            self._session.watch(
                self.market_data_provider.connectors, script=self.config.id, market=session.market_name()
            )
        self.config_record.begin(self.config)
        self._fresh = None
        self.processed_data["signal"] = 0
        if self.market_data_provider.time() < self._next_look_s:
            return
        candles = self._closed_candles(self.config.candles, self.config.interval_s)
        if candles is None:
            self._next_look_s = self.market_data_provider.time() + _GAP_RETRY_S
            return
        if int(candles.open_time_s[-1]) <= self._decided_open_s:
            return
        self._decided_open_s = int(candles.open_time_s[-1])
        self._next_look_s = self._decided_open_s + 2 * self.config.interval_s
        self._fresh = evaluate_last(self.config.rule, candles)
        self._evaluations.add(self.config, candles.last_close_ms, evaluated=self._fresh is not None)
        if self._fresh is None:
            return
        self.latest = self._fresh
        opportunity = self._fresh.opportunity
        direction = 0 if opportunity is None else (1 if opportunity.side is Side.BUY else -1)
        self.processed_data = {"signal": direction, "features": pd.DataFrame([self._fresh.values])}

    def _closed_candles(self, feed: CandlesConfig, interval_s: int) -> CandleSeries | None:
        """The candles that are final: all of the sidecar's; of an exchange's feed those with a successor, the last one being
        still in progress.
        """
        if self._backtest is None:
            frame = self.market_data_provider.get_candles_df(
                feed.connector, feed.trading_pair, feed.interval, feed.max_records
            )
            rows = frame[CANDLE_COLUMNS].to_numpy(dtype=np.float64)
            rows = rows if feed_candles.serves(feed.connector) else rows[:-1]
        else:
            rows = self._backtest.closed_rows(feed, interval_s)
        if len(rows) == 0:
            return None
        try:
            return CandleSeries.from_rows(rows, interval_s)
        except CandleError as error:
            # Hummingbot's feed accepts gaps as ready. No decision may rest on them; it is looked at anew until it has none.
            self._tell_gap(f"{self.config.id}: {feed.trading_pair} {feed.interval}: {error}; not evaluated")
            return None

    def _tell_gap(self, gap: str) -> None:
        if gap != self._gap_told:
            self._gap_told = gap
            self.logger().error(gap)

    def determine_executor_actions(self) -> list[ExecutorAction]:
        if self._backtest is not None:
            return self._backtest.actions(self._decide, self.processed_data, self.executors_info)
        evaluation, self._fresh = self._fresh, None
        return [] if evaluation is None else self._decide(evaluation)

    def _decide(self, evaluation: Evaluation) -> list[ExecutorAction]:
        actions = list(self._exits(evaluation))
        if evaluation.opportunity is not None:
            actions += self._entry(evaluation, evaluation.opportunity)
        return actions

    def _exits(self, evaluation: Evaluation) -> Iterable[ExecutorAction]:
        """Stop what the rule wants out of, and what the market left behind before its first fill."""
        for executor in self.executors_info:
            if not executor.is_active:
                continue
            reason: Exit | None
            if executor.filled_amount_quote == 0:
                # In candles, not in seconds since: the look comes a little earlier or later within each.
                waited_s = evaluation.candle_close_ms / 1000 - executor.timestamp
                reason = Exit.ENTRY_UNFILLED if waited_s > (_ENTRY_CANDLES - 1) * self.config.interval_s else None
            else:
                side = Side.BUY if executor.config.side is TradeType.BUY else Side.SELL
                reason = self.config.rule.exit_reason(evaluation.values, side)
            if reason is not None:
                self._session.exit_causes[executor.id] = reason
                yield StopExecutorAction(controller_id=self.config.id, executor_id=executor.id)

    def _entry(self, evaluation: Evaluation, opportunity: Opportunity) -> Iterable[ExecutorAction]:
        signal = self._signal(evaluation, opportunity)
        price = self._entry_price(signal.side)
        refusal = self._own_refusal(opportunity, price)
        position: Position | None = None
        if refusal is None and price is not None:
            outcome = self.position(self._at_venue(opportunity, evaluation.price, price), price)
            if isinstance(outcome, Refusal):
                refusal = outcome
            else:
                position = outcome
        taken = self._session.decide(
            session.Proposal(
                signal,
                self.config.total_amount_quote,
                self.config.protections,
                own_refusal=refusal,
                adjustments={} if position is None else position.adjustments,
                phase=self.config.phase,
                config_id=self.config.config_id,
            )
        )
        if taken and position is not None:
            executor = executor_config(self.config, signal, position, self.market_data_provider.time())
            yield CreateExecutorAction(controller_id=self.config.id, executor_config=executor)

    def _at_venue(self, opportunity: Opportunity, close: float, price: Decimal) -> Opportunity:
        """A rule's stop and target in the pair's quote: candles in another one (USD, not USDT) tell how far off they lie."""
        feed = self._feed(self.config.candles)
        if feed is None or feed.quote == self.config.trading_pair.rpartition("-")[2]:
            return opportunity
        factor = float(price) / close
        stop, target = opportunity.stop_price, opportunity.target_price
        return replace(
            opportunity,
            stop_price=None if stop is None else stop * factor,
            target_price=None if target is None else target * factor,
        )

    def _signal(self, evaluation: Evaluation, opportunity: Opportunity) -> Signal:
        return Signal(
            signal_id=signal_id(self.config.id, opportunity.side, evaluation.candle_close_ms),
            controller_id=self.config.id,
            strategy=self.config.strategy,
            pair=self.config.trading_pair,
            side=opportunity.side,
            candle_close_ms=evaluation.candle_close_ms,
            price=evaluation.price,
            confidence=opportunity.confidence,
            thresholds=self.config.rule.thresholds,
            values=evaluation.values,
            components=opportunity.components,
        )

    def _own_refusal(self, opportunity: Opportunity, price: Decimal | None) -> Refusal | None:
        if self.config.manual_kill_switch:
            return Refusal.KILL_SWITCH
        if self.retired:
            return Refusal.PHASE_CHANGED
        unfit = self._unfit(self.config.candles)
        if unfit is not None:
            return unfit
        if opportunity.confidence < self.config.min_confidence:
            return Refusal.LOW_CONFIDENCE
        if opportunity.side is Side.SELL and not self.config.is_perpetual:
            return Refusal.SHORT_ON_SPOT
        if price is None:
            return Refusal.PRICE_UNAVAILABLE
        guard = self.config.crash_guard
        if guard is None:
            return None
        watched = self.config.guard_candles
        candles = None if self._unfit(watched) else self._closed_candles(watched, GUARD_INTERVAL_S)
        return refuse_by_crash(guard, candles, self._session.now_ms())

    def _feed(self, candles: CandlesConfig) -> feed_candles.RecoveryFeed | None:
        """The sidecar's feed these candles come from; None where an exchange has them, and in a backtest."""
        return None if self._backtest is not None else feed_candles.feed_of(self.market_data_provider, candles)

    def _unfit(self, candles: CandlesConfig) -> Refusal | None:
        feed = self._feed(candles)
        return None if feed is None else feed.refusal()

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

    # Its configuration.

    def update_config(self, new_config: Any, source: str = "edit") -> None:
        """Take a live edit: what may change while the bot runs, all of it at once; each change is an event of the journal.

        20260126 sets one field after the other, and fields that only make sense together are refused on the way.

        Args:
            new_config: The edited configuration.
            source: Where it comes from, for the journal.

        Raises:
            ValidationError: What may change does not go with what may not.
        """
        self.config_record.tell_frozen(self.config, new_config)
        before, self.config = self.config, live_edits.taken(self.config, new_config)
        self.config_record.edited(before, self.config, source)

    def flush(self) -> None:
        """Write what is counted but not yet in the journal. Call before the run ends."""
        self._evaluations.flush()

    # What Dashboard and MQTT show.

    def get_custom_info(self) -> dict[str, Any]:
        return self._info.read(self.config, self.latest)
