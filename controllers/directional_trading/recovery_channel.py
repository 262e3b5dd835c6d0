"""CHANNEL: trade from one line of a channel towards the other (shared/domain/channel.py)."""

from decimal import Decimal

from shared.bot import config as fields
from shared.bot import controller, positions
from shared.domain import channel
from shared.domain.rules import Opportunity
from shared.domain.signals import Refusal


class RecoveryChannelConfig(fields.RuleBarriersConfig):
    """The CHANNEL rule's settings beside those every controller has."""

    controller_name: str = "recovery_channel"
    interval: str = fields.timeframe("5m")
    strength_threshold: Decimal = fields.setting(
        "Strength from which lines are a channel", Decimal("0.7"), updatable=True, gt=0, le=1
    )
    channel_candles: int = fields.setting("Candles the channel is fitted to", 100, ge=20, le=500)
    pivot_span: int = fields.setting("Candles on either side that a pivot exceeds", 5, ge=1, le=50)
    # Both say when an open position is left, too: it ends under the terms it was opened with.
    line_tolerance: Decimal = fields.fraction(
        "Fraction of the width by which price may miss a line", "0.15", updatable=False
    )
    entry_zone: Decimal = fields.fraction(
        "Fraction of the width, from a line inwards, that is near it", "0.2", updatable=False
    )
    stop_distance: Decimal = fields.setting(
        "Fraction of the width by which the stop lies beyond the line", Decimal("0.4"), updatable=True, gt=0, le=2
    )
    round_trip_cost: Decimal = fields.fraction("Fraction of a position paid to get in and out", "0.002")

    @property
    def rule(self) -> channel.ChannelRule:
        return channel.ChannelRule(
            strength_threshold=float(self.strength_threshold),
            channel_candles=self.channel_candles,
            pivot_span=self.pivot_span,
            line_tolerance=float(self.line_tolerance),
            entry_zone=float(self.entry_zone),
            stop_distance=float(self.stop_distance),
            round_trip_cost=float(self.round_trip_cost),
        )


class RecoveryChannel(controller.RecoveryController):
    """Buys near the lower line and, on perpetuals, sells near the upper one."""

    def outlook(self) -> str:
        if self.latest is None:
            return "waiting for candles"
        strength, position = self.latest.values["strength"], self.latest.values["position"]
        needed = self.config.strength_threshold
        if not strength >= float(needed):  # nor where it is NaN: then there are no lines at all
            return f"no channel: strength {strength:.2f}, needs {needed}" if strength == strength else "no channel"
        if not 0 <= position <= 1:
            return f"{'below' if position < 0 else 'above'} a channel of strength {strength:.2f}"
        return f"{position:.0%} of the way up a channel of strength {strength:.2f}"

    def position(self, opportunity: Opportunity, price: Decimal) -> positions.Position | Refusal:
        position = positions.single_level(self.config, opportunity, price)
        level = position.levels[0]
        return Refusal.BELOW_MINIMUM_ORDER if self.is_below_minimum(level.amount_quote, level.price) else position
