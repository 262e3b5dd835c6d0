"""SWING: buy a close that breaks out above the recent highs (shared/domain/swing.py)."""

from decimal import Decimal

from shared.bot import config as fields
from shared.bot import controller, positions
from shared.domain import swing
from shared.domain.rules import Opportunity
from shared.domain.signals import Refusal


class RecoverySwingConfig(fields.RuleBarriersConfig):
    """The SWING rule's settings beside those every controller has."""

    controller_name: str = "recovery_swing"
    interval: str = fields.timeframe("15m")
    breakout_threshold: Decimal = fields.fraction("Rise above the prior high that is a breakout", "0.03")
    breakout_candles: int = fields.setting("Candles whose high is broken out of", 20, ge=2, le=200)
    volume_candles: int = fields.setting("Candles volume is compared with", 20, ge=2, le=200)
    rsi_length: int = fields.setting("Length of the RSI in candles", 14, ge=2, le=23)
    ema_fast: int = fields.setting("Length of the fast EMA in candles", 12, ge=2, le=43)
    ema_slow: int = fields.setting("Length of the slow EMA in candles", 26, ge=3, le=44)
    atr_length: int = fields.setting("Length of the ATR in candles", 14, ge=2, le=23)
    atr_stop: Decimal = fields.setting("Farthest stop below the close, in ATR", Decimal(3), updatable=True, ge=1, le=10)
    structure_candles: int = fields.setting("Candles whose low the stop lies at", 5, ge=1, le=100)
    reward_to_risk: Decimal = fields.setting(
        "Distance of the target as a multiple of the stop's", Decimal("1.5"), updatable=True, gt=0, le=10
    )

    @property
    def rule(self) -> swing.SwingRule:
        return swing.SwingRule(
            breakout_threshold=float(self.breakout_threshold),
            breakout_candles=self.breakout_candles,
            volume_candles=self.volume_candles,
            rsi_length=self.rsi_length,
            ema_fast=self.ema_fast,
            ema_slow=self.ema_slow,
            atr_length=self.atr_length,
            atr_stop=float(self.atr_stop),
            structure_candles=self.structure_candles,
            reward_to_risk=float(self.reward_to_risk),
        )


class RecoverySwing(controller.RecoveryController):
    """Buys breakouts."""

    def outlook(self) -> str:
        if self.latest is None:
            return "waiting for candles"
        values, config = self.latest.values, self.config
        away = -values["breakout"]
        place = f"{away:.2%} below" if away > 0 else f"{-away:.2%} above"
        return f"{place} the {config.breakout_candles}-candle high, buys {config.breakout_threshold:.2%} above"

    def position(self, opportunity: Opportunity, price: Decimal) -> positions.Position | Refusal:
        position = positions.single_level(self.config, opportunity, price)
        level = position.levels[0]
        return Refusal.BELOW_MINIMUM_ORDER if self.is_below_minimum(level.amount_quote, level.price) else position
