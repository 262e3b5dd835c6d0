"""Take profit and stop loss where a rule wants them, within what a trader allows."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

_UNIT = Decimal("1e-8")


@dataclass(frozen=True)
class Barriers:
    """Take profit and stop loss of one position, fractions of the entry.

    Attributes:
        adjustments: Which of them had to be moved into its bounds, and from where.
    """

    take_profit: Decimal
    stop_loss: Decimal
    adjustments: Mapping[str, str]


@dataclass(frozen=True)
class BarrierBounds:
    """Bounds of take profit and stop loss, fractions of the entry, above 0."""

    min_take_profit: Decimal
    max_take_profit: Decimal
    min_stop_loss: Decimal
    max_stop_loss: Decimal

    def keep_within(self, *, take_profit: Decimal, stop_loss: Decimal) -> Barriers:
        """The barriers nearest to those wanted. One the price has passed already is negative, and comes to its least."""
        kept, adjustments = {}, {}
        for name, wanted, least, most in (
            ("take_profit", take_profit, self.min_take_profit, self.max_take_profit),
            ("stop_loss", stop_loss, self.min_stop_loss, self.max_stop_loss),
        ):
            kept[name] = min(max(wanted.quantize(_UNIT), least), most)
            if kept[name] != wanted.quantize(_UNIT):
                adjustments[name] = f"{wanted:.6f} -> {kept[name]:f}: outside_bounds"
        return Barriers(kept["take_profit"], kept["stop_loss"], adjustments)
