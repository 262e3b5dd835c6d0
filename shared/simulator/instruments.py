"""What the venue lists: symbols with Binance's price, size and notional filters, spot and USD-M perpetual.

Filter values are those of Binance's `exchangeInfo` as of early 2025. Prices and sizes are whole ticks and steps
everywhere in this package; an `Instrument` is what turns them into text.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from shared.simulator.errors import UnknownPair

_MAX_STEPS = 10**10
_MAX_TICKS = 10**9

# base: (spot tick, spot step, spot min notional, perpetual tick, perpetual step, perpetual min notional)
_FILTERS: dict[str, tuple[str, str, str, str, str, str]] = {
    "BTC": ("0.01", "0.00001", "5", "0.1", "0.001", "100"),
    "ETH": ("0.01", "0.0001", "5", "0.01", "0.001", "20"),
    "BNB": ("0.01", "0.001", "5", "0.01", "0.01", "5"),
    "SOL": ("0.01", "0.001", "5", "0.001", "1", "5"),
    "XRP": ("0.0001", "1", "5", "0.0001", "0.1", "5"),
    "ADA": ("0.0001", "0.1", "5", "0.0001", "1", "5"),
    "DOGE": ("0.00001", "1", "1", "0.00001", "1", "5"),
    "DOT": ("0.001", "0.01", "5", "0.001", "0.1", "5"),
    "AVAX": ("0.01", "0.01", "5", "0.001", "1", "5"),
    "LINK": ("0.01", "0.01", "5", "0.001", "0.01", "20"),
    "LTC": ("0.01", "0.001", "5", "0.01", "0.001", "20"),
    "POL": ("0.0001", "0.1", "5", "0.0001", "1", "5"),
    "MATIC": ("0.0001", "0.1", "5", "0.0001", "1", "5"),
    "TRX": ("0.0001", "0.1", "5", "0.00001", "1", "5"),
    "ATOM": ("0.001", "0.01", "5", "0.001", "0.01", "5"),
    "UNI": ("0.001", "0.01", "5", "0.001", "1", "5"),
    "NEAR": ("0.001", "0.1", "5", "0.001", "1", "5"),
    "APT": ("0.01", "0.01", "5", "0.001", "0.1", "5"),
    "FIL": ("0.001", "0.01", "5", "0.001", "0.1", "5"),
    "ETC": ("0.01", "0.01", "5", "0.001", "0.01", "20"),
    "BCH": ("0.1", "0.001", "5", "0.01", "0.001", "20"),
    "XLM": ("0.0001", "1", "5", "0.00001", "1", "5"),
    "ALGO": ("0.0001", "1", "5", "0.0001", "0.1", "5"),
    "ARB": ("0.0001", "0.1", "5", "0.0001", "0.1", "5"),
    "OP": ("0.001", "0.01", "5", "0.0001", "0.1", "5"),
    "SUI": ("0.0001", "0.1", "5", "0.0001", "0.1", "5"),
    "AAVE": ("0.01", "0.001", "5", "0.01", "0.1", "5"),
    "INJ": ("0.01", "0.01", "5", "0.001", "0.1", "5"),
    "ICP": ("0.001", "0.01", "5", "0.001", "1", "5"),
    "HBAR": ("0.0001", "1", "5", "0.00001", "1", "5"),
    "VET": ("0.00001", "0.1", "5", "0.00001", "1", "5"),
    "SAND": ("0.0001", "1", "5", "0.0001", "1", "5"),
}
# What a pair costs where the seeded market starts, in quote units (USDT): roughly the prices of January 2025.
_START_PRICES: dict[str, str] = {
    "BTC": "98000", "ETH": "3600", "BNB": "710", "SOL": "215", "XRP": "2.40", "ADA": "1.07", "DOGE": "0.385",
    "DOT": "7.60", "AVAX": "43", "LINK": "23.5", "LTC": "112", "POL": "0.52", "MATIC": "0.52", "TRX": "0.268",
    "ATOM": "7.20", "UNI": "14.7", "NEAR": "5.70", "APT": "10.1", "FIL": "5.90", "ETC": "28.5", "BCH": "465",
    "XLM": "0.44", "ALGO": "0.40", "ARB": "0.83", "OP": "2.10", "SUI": "5.00", "AAVE": "330", "INJ": "24.5",
    "ICP": "11.6", "HBAR": "0.31", "VET": "0.051", "SAND": "0.63",
}  # fmt: skip


def _decimals(unit: Decimal, what: str) -> int:
    sign, digits, exponent = unit.normalize().as_tuple()
    if sign or digits != (1,) or not isinstance(exponent, int) or exponent > 0:
        raise ValueError(f"{what} {unit} is not a power of ten of at most 1")
    return -exponent


@dataclass(frozen=True)
class Instrument:
    """One listed symbol and its filters.

    Attributes:
        symbol: Exchange notation, `BTCUSDT`.
        tick_size: Smallest price change, quote units; a power of ten of at most 1.
        step_size: Smallest size change, base units; a power of ten of at most 1.
        min_quantity: Smallest order, base units.
        min_notional: Smallest order value, quote units.
        start_price: Where the seeded market starts, quote units.
        perpetual: Whether this is the USD-M perpetual rather than the spot pair.

    Raises:
        ValueError: `tick_size` or `step_size` is no power of ten.
    """

    symbol: str
    base: str
    quote: str
    tick_size: Decimal
    step_size: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    start_price: Decimal
    perpetual: bool

    def __post_init__(self) -> None:
        _decimals(self.tick_size, "tick_size")
        _decimals(self.step_size, "step_size")

    @property
    def pair(self) -> str:
        """Hummingbot notation, `BTC-USDT`."""
        return f"{self.base}-{self.quote}"

    @cached_property
    def price_decimals(self) -> int:
        """Digits after the point in a price."""
        return _decimals(self.tick_size, "tick_size")

    @cached_property
    def size_decimals(self) -> int:
        """Digits after the point in a size."""
        return _decimals(self.step_size, "step_size")

    # Both scales are floats: an integer below 2**53 divided by a power of ten and printed with that many decimals
    # gives back the integer's own digits, which is several times faster than Decimal.
    @cached_property
    def price_scale(self) -> float:
        """Ticks in one quote unit."""
        return float(10**self.price_decimals)

    @cached_property
    def size_scale(self) -> float:
        """Steps in one base unit."""
        return float(10**self.size_decimals)

    def price_text(self, ticks: float) -> str:
        """`ticks` as a decimal price."""
        return f"{ticks / self.price_scale:.{self.price_decimals}f}"

    def size_text(self, steps: float) -> str:
        """`steps` as a decimal size."""
        return f"{steps / self.size_scale:.{self.size_decimals}f}"

    def exchange_info(self) -> dict[str, Any]:
        """This symbol's entry in `exchangeInfo`, in the shape of the market it belongs to."""
        return self._perpetual_info() if self.perpetual else self._spot_info()

    def _common_filters(self) -> list[dict[str, Any]]:
        sizes = {
            "minQty": f"{self.min_quantity:f}",
            "maxQty": self.size_text(_MAX_STEPS),
            "stepSize": f"{self.step_size:f}",
        }
        price = {
            "minPrice": f"{self.tick_size:f}",
            "maxPrice": self.price_text(_MAX_TICKS),
            "tickSize": f"{self.tick_size:f}",
        }
        return [
            {"filterType": "PRICE_FILTER", **price},
            {"filterType": "LOT_SIZE", **sizes},
            {"filterType": "MARKET_LOT_SIZE", **sizes},
        ]

    def _spot_info(self) -> dict[str, Any]:
        notional = {
            "filterType": "NOTIONAL",
            "minNotional": f"{self.min_notional:f}",
            "applyMinToMarket": True,
            "maxNotional": "9000000.00000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        }
        return {
            "symbol": self.symbol,
            "status": "TRADING",
            "baseAsset": self.base,
            "baseAssetPrecision": 8,
            "quoteAsset": self.quote,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": [*self._common_filters(), notional],
            "permissions": [],
            "permissionSets": [["SPOT"]],
        }

    def _perpetual_info(self) -> dict[str, Any]:
        return {
            "symbol": self.symbol,
            "pair": self.symbol,
            "contractType": "PERPETUAL",
            "status": "TRADING",
            "baseAsset": self.base,
            "quoteAsset": self.quote,
            "marginAsset": self.quote,
            "pricePrecision": self.price_decimals,
            "quantityPrecision": self.size_decimals,
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "underlyingType": "COIN",
            "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"],
            "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
            "filters": [
                *self._common_filters(),
                {"filterType": "MIN_NOTIONAL", "notional": f"{self.min_notional:f}"},
            ],
        }


def _table(perpetual: bool) -> dict[str, Instrument]:
    table = {}
    for base, filters in _FILTERS.items():
        tick, step, notional = filters[3:] if perpetual else filters[:3]
        table[f"{base}-USDT"] = Instrument(
            symbol=f"{base}USDT",
            base=base,
            quote="USDT",
            tick_size=Decimal(tick),
            step_size=Decimal(step),
            min_quantity=Decimal(step),
            min_notional=Decimal(notional),
            start_price=Decimal(_START_PRICES[base]),
            perpetual=perpetual,
        )
    return table


SPOT: dict[str, Instrument] = _table(perpetual=False)
"""Spot instruments by pair."""

PERPETUAL: dict[str, Instrument] = _table(perpetual=True)
"""USD-M perpetual instruments by pair."""


def instrument_for(pair: str, perpetual: bool) -> Instrument:
    """The instrument of a pair such as `BTC-USDT`.

    Raises:
        UnknownPair: The venue does not list it.
    """
    table = PERPETUAL if perpetual else SPOT
    try:
        return table[pair]
    except KeyError:
        raise UnknownPair(f"The simulated venue does not list {pair!r}; it lists {', '.join(sorted(table))}.") from None
