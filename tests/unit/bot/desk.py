"""A controller at its desk: its market, its clock and its session, all in the test's hands."""

import asyncio
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import yaml
from hummingbot.core.data_type.common import PriceType, TradeType
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction
from hummingbot.strategy_v2.models.executors import CloseType

from controllers.directional_trading.recovery_channel import RecoveryChannel, RecoveryChannelConfig
from controllers.directional_trading.recovery_dca import RecoveryDca, RecoveryDcaConfig
from controllers.directional_trading.recovery_swing import RecoverySwing, RecoverySwingConfig
from shared.adapters.memory_journal import MemoryJournal
from shared.bot import session
from shared.domain import events as ev
from shared.domain.candles import CandleSeries
from shared.simulator.virtual_time import VirtualClock
from tests.unit.bot.fake_exchange import PAIR, FakeConnector
from tests.unit.domain.drawn_channels import drawn_channel

CHECKOUT = Path(__file__).resolve().parents[3]
LOOKBACK = 10
"""Candles of the DCA rule's look-back window at this desk."""

PERPETUAL = "binance_perpetual_paper_trade"
STRATEGIES: dict[str, tuple[Any, Any]] = {
    "recovery_dca": (RecoveryDca, RecoveryDcaConfig),
    "recovery_swing": (RecoverySwing, RecoverySwingConfig),
    "recovery_channel": (RecoveryChannel, RecoveryChannelConfig),
}


class FakeMarketData:
    """Candles and prices as the test wrote them, on the test's clock.

    Attributes:
        frames: Candles by pair and timeframe, as Hummingbot's feeds give them: the last is in progress.
        asked: Every request for candles: connector, pair, timeframe, number.
        best: Best price on each side.
    """

    def __init__(self, clock: VirtualClock, account: str) -> None:
        self._clock = clock
        self._account = account
        self.exchange = FakeConnector()
        self.connectors = {account: self.exchange}
        self.frames: dict[tuple[str, str], pd.DataFrame] = {}
        self.asked: list[tuple[str, str, str, int]] = []
        self.best: dict[PriceType, Decimal | None] = {
            PriceType.BestAsk: Decimal(100),
            PriceType.BestBid: Decimal(99),
        }
        self.rate_sources: list[Any] = []

    def show(self, candles: CandleSeries, interval: str, pair: str = PAIR) -> None:
        """These candles have closed by now, the last of them just now; the next one is in progress, far off in price."""
        interval_s = candles.interval_s
        now_s = int(self._clock.time()) // interval_s * interval_s
        columns = {name: getattr(candles, name) for name in ("open", "high", "low", "close", "volume")}
        frame = pd.DataFrame(columns)
        frame.loc[len(frame)] = 1e-3
        frame.insert(0, "timestamp", now_s + interval_s * np.arange(-len(candles), 1))
        self.frames[pair, interval] = frame

    # What a controller asks.

    def time(self) -> float:
        return self._clock.time()

    def initialize_rate_sources(self, pairs: list[Any]) -> None:
        self.rate_sources += pairs

    def get_candles_df(self, connector: str, pair: str, interval: str, max_records: int) -> pd.DataFrame:
        self.asked.append((connector, pair, interval, max_records))
        return self.frames[pair, interval].iloc[-max_records:]

    def get_price_by_type(self, connector: str, pair: str, kind: PriceType) -> Decimal | None:
        assert (connector, pair) == (self._account, PAIR)
        return self.best[kind]

    def get_trading_rules(self, connector: str, pair: str) -> Any:
        return self.exchange.trading_rules[pair]

    def quantize_order_amount(self, connector: str, pair: str, amount: Decimal) -> Decimal:
        return self.exchange.quantize_order_amount(pair, amount)


class Desk:
    """One controller of a strategy with the settings of its normal file, without crash guard unless asked for."""

    def __init__(self, clock: VirtualClock, strategy: str = "recovery_dca", **changes: Any) -> None:
        self.clock = clock
        controller, config = STRATEGIES[strategy]
        content = yaml.safe_load((CHECKOUT / "conf" / "controllers" / f"{strategy}.yml").read_text())
        content |= dict.fromkeys(("crash_guard_pair", "crash_drop_1h", "crash_drop_4h", "crash_drop_24h"))
        if strategy == "recovery_dca":
            content["lookback_s"] = LOOKBACK * 60
        self.config = config(**content | changes)
        self.market = FakeMarketData(clock, self.config.connector_name)
        self.session = session.begin(None, MemoryJournal())
        self.controller: Any = controller(self.config, self.market, asyncio.Queue())

    def look(self) -> list[Any]:
        """One turn of Hummingbot's control loop."""
        asyncio.run(self.controller.update_processed_data())
        return list(self.controller.determine_executor_actions())

    def show(self, candles: CandleSeries) -> None:
        """These candles of the controller's pair have just closed."""
        self.market.show(candles, self.config.interval)

    def wait(self, count: int = 1) -> None:
        """So many candles later."""
        self.clock.jump(count * self.config.interval_s)

    @property
    def decided(self) -> list[ev.SignalDecided]:
        return [event for event in self.session.journal.read("run") if isinstance(event, ev.SignalDecided)]

    def of_kind(self, kind: str) -> list[Any]:
        """Events of the journal."""
        return [event for event in self.session.journal.read("run") if event.kind == kind]

    # What becomes of what it opened.

    def holds(self, config: Any, filled_quote: int = 100, *, is_active: bool = True) -> Any:
        """Hummingbot reports an executor of this configuration, filled so far."""
        info = SimpleNamespace(
            id=config.id,
            timestamp=config.timestamp,
            is_active=is_active,
            filled_amount_quote=Decimal(filled_quote),
            config=config,
        )
        self.controller.executors_info = [*self.controller.executors_info, info]
        return info

    def closes(self, config: Any, by: CloseType = CloseType.TAKE_PROFIT) -> None:
        """An executor of this configuration was opened, filled and closed."""
        made = SimpleNamespace(config=config, close_type=by)
        opened = self.session.record.executors
        if config.id not in opened:
            self.opens(config)
        self.session.executor_closed(made, pnl_quote=Decimal(1), fees_quote=Decimal(0))

    def opens(self, config: Any) -> None:
        """An executor of this configuration was opened, and its one order filled."""
        config.controller_id = self.config.id
        made, order_id, amount = SimpleNamespace(config=config, close_type=None), f"order-{config.id}", Decimal(1)
        self.session.executor_opened(made)
        self.session.order_submitted(
            made, order_id, side=config.side, order_type="LIMIT", price=Decimal(100), amount=amount, closing=False
        )
        self.session.append(
            ev.OrderFilled(
                at_ms=self.session.now_ms(),
                trade_id=f"fill-{config.id}",
                order_id=order_id,
                signal_id=config.level_id,
                pair=PAIR,
                side=ev.Side.BUY if config.side is TradeType.BUY else ev.Side.SELL,
                price=Decimal(100),
                amount=amount,
                fee_quote=Decimal("0.1"),
            )
        )


# Candles that are a signal, or none.


def flat(count: int = LOOKBACK, price: float = 100.0, interval_s: int = 60) -> CandleSeries:
    """A market that stands still."""
    return with_last(np.full(count, price), price, interval_s)


def fallen(share: float = 0.94, count: int = LOOKBACK) -> CandleSeries:
    """A market that stood at 100 and has just closed at this share of it."""
    return with_last(np.full(count, 100.0), 100 * share, 60)


def with_last(closes: Any, last: float, interval_s: int, last_volume: float = 1.0) -> CandleSeries:
    """Candles of one price each, the last of which is another, on a volume of its own."""
    prices = np.array(closes, dtype=np.float64)
    prices[-1] = last
    volume = np.ones(len(prices))
    volume[-1] = last_volume
    return CandleSeries(np.arange(len(prices)) * interval_s, prices, prices, prices, prices, volume, interval_s)


def risen(desk: Desk, share: float = 1.05, volume: float = 3.0) -> CandleSeries:
    """A slowly rising market that has just broken out above its highs, on so much volume."""
    closes = 100 * 1.0005 ** np.arange(desk.config.candles_needed)
    return with_last(closes, closes[-1] * share, desk.config.interval_s, volume)


def at_lower_line(width: float = 0.03) -> CandleSeries:
    """A channel from 100 upwards, whose last close lies on the lower line."""
    return drawn_channel(121, width=width)


def at_upper_line(width: float = 0.03) -> CandleSeries:
    """The same channel, whose last close lies on the upper line."""
    return drawn_channel(131, width=width)


def opened(desk: Desk, candles: CandleSeries) -> Any:
    """The configuration of the executor these candles make the controller open."""
    desk.show(candles)
    (action,) = desk.look()
    assert isinstance(action, CreateExecutorAction)
    return action.executor_config


def reasons(desk: Desk) -> list[str | None]:
    """Of each signal that was decided, why it was refused; None where it was taken."""
    return [decided.reason for decided in desk.decided]
