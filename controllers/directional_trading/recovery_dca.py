"""DCA: buy a fall from the recent high in steps, leave on a rise from the average entry (shared/domain/dca.py)."""

from decimal import Decimal

from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.executors.dca_executor.data_types import DCAExecutorConfig, DCAMode
from hummingbot.strategy_v2.executors.position_executor.data_types import TrailingStop

from shared.bot import config as fields
from shared.bot import controller
from shared.domain import dca
from shared.domain.candles import CandleSeries
from shared.domain.signals import Refusal, Side, Signal, signal_id

# Beyond the best price, so that the first level fills at once although the book moves while the order travels.
ENTRY_SLIPPAGE = Decimal("0.0005")


class RecoveryDcaConfig(fields.RecoveryControllerConfig):
    """The DCA rule's settings beside those every controller has."""

    controller_name: str = "recovery_dca"
    drop_threshold: Decimal = fields.fraction("Fall below the look-back high that starts a ladder", "0.05")
    lookback_s: int = fields.setting("Length of the look-back window in seconds", 14_400, ge=600, le=86_400)
    levels: int = fields.setting("Levels of the ladder", 3, updatable=True, ge=1, le=10)
    level_spacing: Decimal = fields.fraction("Distance between levels", "0.01")
    size_growth: Decimal = fields.setting("Size of each level as a multiple of the one before", Decimal(1), gt=0, le=3)

    @property
    def rule(self) -> dca.DcaRule:
        return dca.DcaRule(drop_threshold=float(self.drop_threshold), lookback_s=self.lookback_s)

    @property
    def candles_needed(self) -> int:
        return dca.candles_needed(self.rule, self.interval_s)


class RecoveryDca(controller.RecoveryController):
    """Buys falls. The signal is the rule's alone; sizes and limits are asked afterwards."""

    def detect(self, candles: CandleSeries) -> Signal | None:
        fall = dca.measure_drop(candles, self.config.rule)
        if fall is None:
            return None
        self.latest_values = {"drop": fall.drop, "window_high": fall.window_high, "close": fall.close}
        if not fall.is_signal:
            return None
        return Signal(
            signal_id=signal_id(self.config.id, Side.BUY, candles.last_close_ms),
            controller_id=self.config.id,
            strategy=self.config.controller_name,
            pair=self.config.trading_pair,
            side=Side.BUY,
            candle_close_ms=candles.last_close_ms,
            price=fall.close,
            confidence=fall.confidence,
            thresholds=fields.read_fields(self.config, ("drop_threshold", "lookback_s")),
            values=self.latest_values,
        )

    def outlook(self) -> str:
        if not self.latest_values:
            return "waiting for candles"
        hours = self.config.lookback_s / 3600
        return f"{self.latest_values['drop']:.2%} below the {hours:g} h high, buys at {self.config.drop_threshold:.2%}"

    def position_config(self, signal: Signal, price: Decimal) -> DCAExecutorConfig | Refusal:
        config = self.config
        ladder = dca.build_ladder(
            side=signal.side,
            reference_price=price,
            entry_slippage=ENTRY_SLIPPAGE,
            levels=config.levels,
            level_spacing=config.level_spacing,
            size_growth=config.size_growth,
            total_quote=config.total_amount_quote,
        )
        if any(self.is_below_minimum(level.amount_quote, level.price) for level in ladder):
            return Refusal.BELOW_MINIMUM_ORDER
        trailing = None
        if config.trailing_activation is not None:
            trailing = TrailingStop(activation_price=config.trailing_activation, trailing_delta=config.trailing_delta)
        return DCAExecutorConfig(
            timestamp=self.market_data_provider.time(),
            connector_name=config.connector_name,
            trading_pair=config.trading_pair,
            side=TradeType.BUY,
            leverage=config.leverage,
            amounts_quote=[level.amount_quote for level in ladder],
            prices=[level.price for level in ladder],
            take_profit=config.take_profit,
            stop_loss=config.stop_loss,
            trailing_stop=trailing,
            time_limit=config.time_limit_s,
            mode=DCAMode.MAKER,
            level_id=signal.signal_id,
        )
