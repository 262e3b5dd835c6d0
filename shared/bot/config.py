"""What a trader writes in conf/controllers: the fields every controller has."""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from hummingbot.core.data_type.common import MarketDict, PositionMode
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig
from hummingbot.strategy_v2.controllers import controller_base
from pydantic import ValidationInfo, field_validator, model_validator

from shared.bot import backtester, config_checks, feed_candles
from shared.bot.config_fields import (
    A_CONNECTOR,
    A_PAIR,
    CONNECTOR,
    INTERVALS_S,
    MAX_POSITIONS,
    MAX_QUOTE,
    MONTH_S,
    PAIR,
    require_kind,
    venues_with_candles,
)
from shared.bot.config_fields import fraction as fraction
from shared.bot.config_fields import setting as setting
from shared.bot.config_fields import timeframe as timeframe
from shared.domain.barrier_bounds import BarrierBounds
from shared.domain.protections import CrashGuard, Protections
from shared.domain.rules import Rule
from shared.paper.injection import base_name

_GUARD_INTERVAL = "5m"
# Which controller it is, not how it trades; and the guard, which opens nothing and is off where a replay has no candles for it.
_NOT_IN_FINGERPRINT = frozenset(
    {"id", "trading_pair", "manual_kill_switch", "candles_config", "initial_positions"}
    | {"crash_guard_pair", "crash_drop_1h", "crash_drop_4h", "crash_drop_24h"}
)


class RecoveryControllerConfig(controller_base.ControllerConfigBase):
    """Fields common to all recovery controllers. Unknown fields are refused (extra="forbid" is inherited)."""

    # The field that says where a position has its target at the latest.
    target_field: ClassVar[str | None] = None

    controller_type: str = "directional_trading"
    phase: int | None = setting("Phase of the recovery plan this is for (empty: normal operation)", None, ge=1, le=4)
    connector_name: str = setting(
        "Connector, e.g. binance_paper_trade", "binance_paper_trade", pattern=CONNECTOR, allowed=A_CONNECTOR
    )
    trading_pair: str = setting("Trading pair, e.g. BTC-USDT", "BTC-USDT", pattern=PAIR, allowed=A_PAIR)
    candles_connector: str = setting(
        f"Connector the candles come from (empty: the trading connector's venue; {feed_candles.NAME}: the sidecar)",
        "",
        allowed="empty or a connector",
    )
    interval: str = timeframe("1m")
    leverage: int = setting("Leverage (1 on spot)", 1, ge=1, le=125)
    position_mode: PositionMode = setting(
        # As text, because Hummingbot's API hands defaults out as text and takes them back.
        "Position mode on perpetuals (HEDGE or ONEWAY)",
        "HEDGE",
        allowed="one of HEDGE, ONEWAY",
        validate_default=True,
    )
    total_amount_quote: Decimal = setting(
        "Size of one position in quote", Decimal(90), updatable=True, gt=0, le=MAX_QUOTE
    )
    min_confidence: Decimal = setting("Confidence a signal must have, 0 to 1", Decimal(0), updatable=True, ge=0, le=1)
    trailing_activation: Decimal | None = fraction("Profit at which the trailing stop starts", None)
    trailing_delta: Decimal | None = fraction("Distance of the trailing stop from the best profit", None)
    time_limit_s: int = setting(
        "Seconds after which a position is closed at market", 86_400, updatable=True, ge=60, le=MONTH_S
    )
    max_positions: int = setting(
        "Positions this controller may have open at once", 1, updatable=True, ge=1, le=MAX_POSITIONS
    )
    cooldown_s: int = setting("Seconds between two positions of this controller", 300, updatable=True, ge=0, le=MONTH_S)
    cooldown_after_stop_s: int | None = setting(
        "Seconds without entry after a stop loss", None, updatable=True, ge=1, le=MONTH_S
    )
    stops_in_a_row: int | None = setting(
        "Stop losses in a row that ban this controller", None, updatable=True, ge=1, le=100
    )
    ban_s: int = setting("Seconds a ban lasts", 86_400, updatable=True, ge=60, le=MONTH_S)
    crash_guard_pair: str | None = setting(
        "Pair whose fall stops entries (empty: no guard)", None, pattern=PAIR, allowed=A_PAIR
    )
    crash_drop_1h: Decimal | None = fraction("Its fall in 1 h that stops entries", None)
    crash_drop_4h: Decimal | None = fraction("Its fall in 4 h that stops entries", None)
    crash_drop_24h: Decimal | None = fraction("Its fall in 24 h that stops entries", None)

    @field_validator("*", mode="before")
    @classmethod
    def _is_of_its_kind(cls, value: Any, info: ValidationInfo) -> Any:
        return require_kind(cls.model_fields[str(info.field_name)].annotation, value)

    @field_validator("position_mode", mode="before")
    @classmethod
    def _read_position_mode(cls, value: Any) -> Any:
        if isinstance(value, str):
            return PositionMode.__members__.get(value.upper(), value)
        return value

    @field_validator("interval")
    @classmethod
    def _known_interval(cls, value: str) -> str:
        if value not in INTERVALS_S:
            raise ValueError(f"must be one of {', '.join(INTERVALS_S)}")
        return value

    @field_validator("candles_connector")
    @classmethod
    def _known_candles(cls, value: str) -> str:
        if value and value not in CandlesFactory._candles_map:
            raise ValueError(f"must be empty or a venue Hummingbot has candles of: {venues_with_candles()}")
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> "RecoveryControllerConfig":
        config_checks.require_sound(self)
        # Filled in here, because Hummingbot's backtester and API read the candles a controller needs from its config;
        # past the assignment check, which would run this validator again.
        self.__dict__["candles_config"] = [self.candles, *([self.guard_candles] if self.crash_guard else [])]
        return self

    # What a strategy adds.

    @property
    def rule(self) -> Rule:
        """The rule with this configuration's thresholds."""
        raise NotImplementedError

    # What the controller reads.

    @property
    def strategy(self) -> str:
        """Name of the rule in the journal."""
        return str(self.controller_name)

    @property
    def interval_s(self) -> int:
        """Length of a candle in seconds."""
        return INTERVALS_S[self.interval]

    @property
    def candles_needed(self) -> int:
        """Closed candles a decision looks at."""
        return self.rule.candles_needed(self.interval_s)

    @property
    def candles(self) -> CandlesConfig:
        """The candle feed, long enough for a decision and the candle in progress."""
        return self._feed(self.trading_pair, self.interval, self.candles_needed)

    @property
    def crash_drops(self) -> Mapping[int, Decimal]:
        """The guard's bounds by span in seconds."""
        drops = {3600: self.crash_drop_1h, 14_400: self.crash_drop_4h, 86_400: self.crash_drop_24h}
        return {span_s: drop for span_s, drop in drops.items() if drop is not None}

    @property
    def crash_guard(self) -> CrashGuard | None:
        """None where it is off."""
        if self.crash_guard_pair is None:
            return None
        return CrashGuard({span_s: float(drop) for span_s, drop in self.crash_drops.items()})

    @property
    def guard_candles(self) -> CandlesConfig:
        """The guard's candle feed. Call where the guard is on."""
        assert self.crash_guard is not None
        return self._feed(self.crash_guard_pair, _GUARD_INTERVAL, self.crash_guard.longest_s // GUARD_INTERVAL_S + 1)

    def _feed(self, pair: str | None, interval: str, closed: int) -> CandlesConfig:
        connector = self.candles_connector or base_name(self.connector_name)
        return CandlesConfig(connector=connector, trading_pair=pair, interval=interval, max_records=closed + 1)

    @property
    def history_needed_s(self) -> int:
        """Seconds of candles there must be before the first decision."""
        feeds = [self.candles, *([self.guard_candles] if self.crash_guard else [])]
        return max(feed.max_records * INTERVALS_S[feed.interval] for feed in feeds)

    @property
    def protections(self) -> Protections:
        return Protections(
            max_positions=self.max_positions,
            cooldown_s=self.cooldown_s,
            cooldown_after_stop_s=self.cooldown_after_stop_s,
            stops_in_a_row=self.stops_in_a_row,
            ban_s=self.ban_s,
        )

    @property
    def is_perpetual(self) -> bool:
        return "perpetual" in self.connector_name

    def update_markets(self, markets: MarketDict) -> MarketDict:
        return markets.add_or_update(self.connector_name, self.trading_pair)

    def get_controller_class(self) -> Any:
        # The backtester asks for the class before it asks the exchange for trading rules; nothing of ours runs earlier.
        backtester.install()
        return super().get_controller_class()

    # As the journal has it.

    def as_text(self) -> dict[str, str]:
        """Every setting as text, by name; money and fractions without trailing zeros."""
        content = self.model_dump(mode="python", exclude={"candles_config", "initial_positions"})
        return {name: _as_text(value) for name, value in sorted(content.items())}

    @property
    def config_id(self) -> str:
        """Fingerprint of how it trades: every setting but which controller and pair it is, and the guard. 12 hex digits."""
        settings = {name: text for name, text in self.as_text().items() if name not in _NOT_IN_FINGERPRINT}
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


class RuleBarriersConfig(RecoveryControllerConfig):
    """Of a strategy whose rule says where stop and target lie: the bounds they are kept within."""

    target_field: ClassVar[str | None] = "max_take_profit"

    min_take_profit: Decimal = fraction("Least take profit, after fees", "0.004")
    max_take_profit: Decimal = fraction("Greatest take profit, after fees", "0.06")
    min_stop_loss: Decimal = fraction("Least stop loss, after fees", "0.006")
    max_stop_loss: Decimal = fraction("Greatest stop loss, after fees", "0.04")

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> "RuleBarriersConfig":
        for name in ("take_profit", "stop_loss"):
            least, most = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            if least > most:
                raise ValueError(f"min_{name} = {least}: must not exceed max_{name} = {most}")
        return self

    @property
    def barrier_bounds(self) -> BarrierBounds:
        return BarrierBounds(self.min_take_profit, self.max_take_profit, self.min_stop_loss, self.max_stop_loss)


GUARD_INTERVAL_S = INTERVALS_S[_GUARD_INTERVAL]
"""Length of the guard's candles in seconds."""


def is_updatable(config_class: type[RecoveryControllerConfig], name: str) -> bool:
    """Whether a setting may change while the bot runs."""
    extra = config_class.model_fields[name].json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("is_updatable", False))


def _as_text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, PositionMode):
        return value.name
    return "" if value is None else str(value)
