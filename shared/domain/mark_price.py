"""The price of a pair at one moment, to check others against: no bar is made of it."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class MarkPrice:
    """What a pair was worth.

    Attributes:
        price: Quote per base, in the pair's own quote; above 0.
        at_ms: When the source last renewed it, UTC epoch milliseconds.
    """

    price: Decimal
    at_ms: int
