"""What a trader writes in conf/controllers: the fields every controller has."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import MarketDict, PositionMode
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig
from hummingbot.strategy_v2.controllers import controller_base
from pydantic import Field, field_validator, model_validator

from shared.paper.injection import base_name
from shared.wire.config_errors import MAX_FRACTION

_INTERVALS_S = {"1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600}


def fraction(description: str, default: str | None, *, updatable: bool = True) -> Any:
    """A pydantic field for a fraction in (0, 0.5)."""
    return Field(
        default=None if default is None else Decimal(default),
        gt=0,
        lt=MAX_FRACTION,
        json_schema_extra={
            "prompt": f"{description} (a fraction, 0.03 is 3 %)",
            "prompt_on_new": True,
            "is_updatable": updatable,
        },
    )


def setting(description: str, default: Any, *, updatable: bool = False, **bounds: Any) -> Any:
    """A pydantic field with the prompt Hummingbot shows for it."""
    extra: dict[str, Any] = {"prompt": description, "prompt_on_new": True, "is_updatable": updatable}
    return Field(default=default, json_schema_extra=extra, **bounds)


class RecoveryControllerConfig(controller_base.ControllerConfigBase):
    """Fields common to all recovery controllers. Unknown fields are refused (extra="forbid" is inherited)."""

    controller_type: str = "directional_trading"
    connector_name: str = setting("Connector, e.g. binance_paper_trade", "binance_paper_trade")
    trading_pair: str = setting("Trading pair, e.g. BTC-USDT", "BTC-USDT", pattern=r"^[A-Z0-9]+-[A-Z0-9]+$")
    candles_connector: str = setting("Connector the candles come from (empty: the trading connector's venue)", "")
    interval: str = setting(f"Candle timeframe ({', '.join(_INTERVALS_S)})", "1m")
    total_amount_quote: Decimal = setting("Size of one position in quote", Decimal(90), updatable=True, gt=0)
    max_positions: int = setting("Positions this controller may have open at once", 1, updatable=True, ge=1)
    cooldown_s: int = setting("Seconds between two positions of this controller", 300, updatable=True, ge=0)
    leverage: int = setting("Leverage (1 on spot)", 1, ge=1, le=125)
    position_mode: PositionMode = setting("Position mode on perpetuals (HEDGE or ONEWAY)", PositionMode.HEDGE)
    take_profit: Decimal = fraction("Take profit above the average entry, after fees", "0.01")
    stop_loss: Decimal = fraction("Stop loss below the average entry, after fees", "0.04")
    trailing_activation: Decimal | None = fraction("Profit at which the trailing stop starts", None)
    trailing_delta: Decimal | None = fraction("Distance of the trailing stop from the best profit", None)
    time_limit_s: int = setting("Seconds after which a position is closed at market", 86_400, updatable=True, ge=60)

    @field_validator("position_mode", mode="before")
    @classmethod
    def _read_position_mode(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value.upper() not in PositionMode.__members__:
                raise ValueError(f"must be one of {', '.join(PositionMode.__members__)}")
            return PositionMode[value.upper()]
        return value

    @field_validator("interval")
    @classmethod
    def _known_interval(cls, value: str) -> str:
        if value not in _INTERVALS_S:
            raise ValueError(f"must be one of {', '.join(_INTERVALS_S)}")
        return value

    @field_validator("candles_connector")
    @classmethod
    def _known_candles(cls, value: str) -> str:
        if value and value not in CandlesFactory._candles_map:
            raise ValueError("is no connector Hummingbot has candles for")
        return value

    @model_validator(mode="after")
    def _trailing_is_whole(self) -> "RecoveryControllerConfig":
        if (self.trailing_activation is None) != (self.trailing_delta is None):
            raise ValueError("trailing_activation and trailing_delta: set both or neither")
        if self.trailing_activation and self.trailing_delta and self.trailing_delta > self.trailing_activation:
            raise ValueError(
                "trailing_delta: must not exceed trailing_activation, or the stop would lie below the entry"
            )
        # Filled in here, because Hummingbot's backtester and API read the candles a controller needs from its config;
        # past the assignment check, which would run this validator again.
        self.__dict__["candles_config"] = [self.candles]
        return self

    @property
    def interval_s(self) -> int:
        """Length of a candle in seconds."""
        return _INTERVALS_S[self.interval]

    @property
    def candles_needed(self) -> int:
        """Closed candles a decision looks at; each strategy says how many."""
        return 1

    @property
    def candles(self) -> CandlesConfig:
        """The candle feed, long enough for a decision and the candle in progress."""
        return CandlesConfig(
            connector=self.candles_connector or base_name(self.connector_name),
            trading_pair=self.trading_pair,
            interval=self.interval,
            max_records=self.candles_needed + 1,
        )

    @property
    def is_perpetual(self) -> bool:
        return "perpetual" in self.connector_name

    def update_markets(self, markets: MarketDict) -> MarketDict:
        return markets.add_or_update(self.connector_name, self.trading_pair)


def read_fields(config: object, names: Iterable[str]) -> dict[str, float]:
    """Some of a configuration's numbers, as a signal stores the thresholds it was decided on."""
    return {name: float(getattr(config, name)) for name in names}
