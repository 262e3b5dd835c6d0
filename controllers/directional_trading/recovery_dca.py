"""DCA: buy a fall from the recent high in steps, leave on a rise from the average entry (shared/domain/dca.py)."""

from decimal import Decimal
from typing import ClassVar

from pydantic import model_validator

from shared.bot import config as fields
from shared.bot import controller, positions
from shared.domain import dca
from shared.domain.rules import Opportunity
from shared.domain.signals import Refusal
from shared.wire.config_errors import MAX_FRACTION


class RecoveryDcaConfig(fields.RecoveryControllerConfig):
    """The DCA rule's settings beside those every controller has."""

    target_field: ClassVar[str | None] = "take_profit"

    controller_name: str = "recovery_dca"
    drop_threshold: Decimal = fields.fraction("Fall below the look-back high that starts a ladder", "0.05")
    lookback_s: int = fields.setting("Length of the look-back window in seconds", 14_400, ge=600, le=86_400)
    levels: int = fields.setting("Levels of the ladder", 3, updatable=True, ge=1, le=10)
    level_spacing: Decimal = fields.fraction("Distance between levels", "0.01")
    size_growth: Decimal = fields.setting("Size of each level as a multiple of the one before", Decimal(1), gt=0, le=3)
    take_profit: Decimal = fields.fraction("Take profit above the average entry, after fees", "0.01")
    stop_loss: Decimal = fields.fraction("Stop loss below the average entry, after fees", "0.04")

    @model_validator(mode="after")
    def _fits(self) -> "RecoveryDcaConfig":
        depth = self.level_spacing * (self.levels - 1)
        if depth >= MAX_FRACTION:
            raise ValueError(
                f"level_spacing = {self.level_spacing}: must keep the last of levels = {self.levels} less than "
                f"{MAX_FRACTION} below the first, where it would be {depth}"
            )
        if self.lookback_s % self.interval_s:
            raise ValueError(
                f"lookback_s = {self.lookback_s}: must be a multiple of {self.interval_s}, the seconds of interval = "
                f"{self.interval}"
            )
        return self

    @property
    def rule(self) -> dca.DcaRule:
        return dca.DcaRule(drop_threshold=float(self.drop_threshold), lookback_s=self.lookback_s)


class RecoveryDca(controller.RecoveryController):
    """Buys falls in steps."""

    def outlook(self) -> str:
        if self.latest is None:
            return "waiting for candles"
        hours = self.config.lookback_s / 3600
        return f"{self.latest.values['drop']:.2%} below the {hours:g} h high, buys at {self.config.drop_threshold:.2%}"

    def position(self, opportunity: Opportunity, price: Decimal) -> positions.Position | Refusal:
        config = self.config
        ladder = dca.merge_levels(
            lambda count: dca.build_ladder(
                side=opportunity.side,
                reference_price=price,
                entry_slippage=positions.ENTRY_SLIPPAGE,
                levels=count,
                level_spacing=config.level_spacing,
                size_growth=config.size_growth,
                total_quote=config.total_amount_quote,
            ),
            config.levels,
            lambda level: self.is_below_minimum(level.amount_quote, level.price),
        )
        if ladder is None:
            return Refusal.BELOW_MINIMUM_ORDER
        adjustments = {}
        if len(ladder) < config.levels:
            adjustments["levels"] = f"{config.levels} -> {len(ladder)}: {Refusal.BELOW_MINIMUM_ORDER}"
        return positions.Position(ladder, config.take_profit, config.stop_loss, adjustments)
