"""The controller: once per closed candle the rule, then the limits, then an executor; every refusal has its reason."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hummingbot.core.data_type.common import PriceType, TradeType
from hummingbot.strategy_v2.executors.dca_executor.data_types import DCAMode
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction

from controllers.directional_trading.recovery_dca import ENTRY_SLIPPAGE, RecoveryDca, RecoveryDcaConfig
from shared.adapters.memory_journal import MemoryJournal
from shared.bot import session
from shared.bot.controller import RecoveryController
from shared.domain import events as ev
from shared.domain.signals import Refusal
from shared.simulator.virtual_time import VirtualClock, virtual_time
from tests.unit.bot.fake_exchange import ACCOUNT, PAIR, START_S, FakeConnector

CHECKOUT = Path(__file__).resolve().parents[3]
LOOKBACK = 10


class FakeMarketData:
    """Candles and prices as the test wrote them, on the test's clock."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.exchange = FakeConnector()
        self.connectors = {ACCOUNT: self.exchange}
        self.ask: Decimal | None = Decimal(100)
        self.rate_sources: list[Any] = []
        self.asked = 0
        self.frame = self.candles([100.0] * (LOOKBACK + 1))

    def candles(self, closes: list[float], step_s: int = 60) -> pd.DataFrame:
        """Candles up to the one in progress, which is the last."""
        opens = START_S - 60 * (len(closes) - 1) + step_s * np.arange(len(closes))
        columns = dict.fromkeys(("open", "high", "low", "close"), closes)
        return pd.DataFrame({"timestamp": opens, **columns, "volume": 1.0, "quote_asset_volume": 1.0})

    def time(self) -> float:
        return self._clock.time()

    def initialize_rate_sources(self, pairs: list[Any]) -> None:
        self.rate_sources += pairs

    def get_candles_df(self, connector: str, pair: str, interval: str, max_records: int) -> pd.DataFrame:
        self.asked += 1
        assert (connector, pair, interval, max_records) == ("binance", PAIR, "1m", LOOKBACK + 1)
        return self.frame

    def get_price_by_type(self, connector: str, pair: str, kind: PriceType) -> Decimal | None:
        assert (connector, pair, kind) == (ACCOUNT, PAIR, PriceType.BestAsk)
        return self.ask

    def get_trading_rules(self, connector: str, pair: str) -> Any:
        return self.exchange.trading_rules[pair]

    def quantize_order_amount(self, connector: str, pair: str, amount: Decimal) -> Decimal:
        return self.exchange.quantize_order_amount(pair, amount)


class Desk:
    """A DCA controller with its market and its session."""

    def __init__(self, clock: VirtualClock, **changes: Any) -> None:
        content = yaml.safe_load((CHECKOUT / "conf" / "controllers" / "recovery_dca.yml").read_text())
        config = RecoveryDcaConfig(**content | {"lookback_s": LOOKBACK * 60} | changes)
        self.market = FakeMarketData(clock)
        self.session = session.begin(None, MemoryJournal())
        self.controller: Any = RecoveryDca(config, self.market, asyncio.Queue())

    def look(self) -> list[Any]:
        """One turn of Hummingbot's control loop."""
        asyncio.run(self.controller.update_processed_data())
        return self.controller.determine_executor_actions()

    def fall(self, share: float = 0.94) -> None:
        """The newest closed candle closed this low."""
        self.market.frame = self.market.candles([100.0] * (LOOKBACK - 1) + [100 * share, 100.0])

    @property
    def decided(self) -> list[ev.SignalDecided]:
        return [event for event in self.session.journal.read("run") if isinstance(event, ev.SignalDecided)]


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    before = session._current
    with virtual_time(VirtualClock(START_S, None)) as found:
        yield found
    session._current = before


def test_a_fall_opens_a_ladder(clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.fall()
    (action,) = desk.look()
    assert isinstance(action, CreateExecutorAction)
    config: Any = action.executor_config
    (decided,) = desk.decided
    assert (action.controller_id, decided.controller_id) == ("recovery_dca", "recovery_dca")
    assert config.level_id == decided.signal_id == "recovery_dca@2025-01-06T00:00:00Z/BUY"
    assert decided.taken
    assert decided.values == pytest.approx({"drop": 0.06, "window_high": 100.0, "close": 94.0})
    assert decided.thresholds == {"drop_threshold": 0.05, "lookback_s": LOOKBACK * 60}
    assert (config.side, config.mode, config.time_limit) == (TradeType.BUY, DCAMode.MAKER, 86_400)
    assert sum(config.amounts_quote) == 600
    assert config.prices == [100 * (1 + ENTRY_SLIPPAGE), Decimal(99), Decimal(98)]
    assert (config.take_profit, config.stop_loss, config.trailing_stop) == (Decimal("0.01"), Decimal("0.04"), None)
    assert desk.controller.processed_data["signal"] == 1


def test_a_trailing_stop_is_handed_on(clock: VirtualClock) -> None:
    desk = Desk(clock, trailing_activation=0.02, trailing_delta=0.01)
    desk.fall()
    (action,) = desk.look()
    trailing = action.executor_config.trailing_stop
    assert (trailing.activation_price, trailing.trailing_delta) == (Decimal("0.02"), Decimal("0.01"))


def test_the_candle_in_progress_decides_nothing(clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.market.frame = desk.market.candles([100.0] * LOOKBACK + [50.0])
    assert desk.look() == []
    assert desk.decided == []
    assert desk.controller.latest_values["close"] == 100.0


def test_a_closed_candle_decides_once(clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.fall()
    assert len(desk.look()) == 1
    for _ in range(5):
        assert desk.look() == []
    assert len(desk.decided) == 1
    assert desk.market.asked == 1, "nothing is asked before the next candle can have closed"
    clock.jump(60)
    assert desk.look() == []
    assert desk.market.asked == 2
    assert len(desk.decided) == 1, "the feed is late: the same candle is not decided on again"


def test_no_candles_and_too_few_are_waited_for(clock: VirtualClock) -> None:
    desk = Desk(clock)
    assert desk.controller.outlook() == "waiting for candles"
    for count in (0, 1, LOOKBACK - 1):
        desk.market.frame = desk.market.candles([50.0] * count)
        assert desk.look() == []
    assert desk.decided == []


def test_a_gap_is_told_and_not_evaluated(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(clock)
    desk.fall()
    desk.market.frame = desk.market.frame.drop(index=4).reset_index(drop=True)
    assert desk.look() == []
    assert desk.decided == []
    assert "recovery_dca: BTC-USDT 1m: candles are not 60 s apart in ascending order; not evaluated" in caplog.text
    desk.fall()
    assert len(desk.look()) == 1, "it is looked at anew once the feed is whole"


@pytest.mark.parametrize("ask", [None, Decimal("NaN"), Decimal(0), Decimal("Infinity"), Decimal(-1)], ids=str)
def test_without_a_price_a_signal_is_refused(ask: Decimal | None, clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.market.ask = ask
    desk.fall()
    assert desk.look() == []
    assert [decided.reason for decided in desk.decided] == [Refusal.PRICE_UNAVAILABLE]


def test_the_kill_switch_refuses(clock: VirtualClock) -> None:
    desk = Desk(clock, manual_kill_switch=True)
    desk.fall()
    assert desk.look() == []
    assert [decided.reason for decided in desk.decided] == [Refusal.KILL_SWITCH]


@pytest.mark.parametrize(("total", "refused"), [(14, True), ("14.99", True), (16, False)])
def test_a_ladder_with_a_level_the_venue_would_refuse_is_refused(
    total: Any, refused: bool, clock: VirtualClock
) -> None:
    """Three levels of at least 5 quote each, after cutting the amount to the venue's step."""
    desk = Desk(clock, total_amount_quote=total)
    desk.fall()
    assert len(desk.look()) == (0 if refused else 1)
    assert [decided.reason for decided in desk.decided] == [Refusal.BELOW_MINIMUM_ORDER if refused else None]


def test_a_second_signal_while_the_position_is_open_is_refused(clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.fall()
    assert len(desk.look()) == 1
    clock.jump(60)
    desk.market.frame = desk.market.frame.assign(timestamp=desk.market.frame.timestamp + 60)
    desk.market.frame.loc[LOOKBACK - 1, "close"] = 90.0
    assert desk.look() == []
    assert [decided.reason for decided in desk.decided] == [None, Refusal.POSITION_OPEN]


def test_what_dashboard_shows(clock: VirtualClock) -> None:
    desk = Desk(clock)
    assert desk.controller.get_custom_info() == {
        "pair": PAIR,
        "signals": 0,
        "taken": 0,
        "last_signal": None,
        "values": {},
    }
    desk.fall()
    desk.look()
    shown = desk.controller.get_custom_info()
    assert (shown["signals"], shown["taken"], shown["last_signal"]) == (1, 1, "recovery_dca@2025-01-06T00:00:00Z/BUY")
    assert desk.controller.outlook() == "6.00% below the 0.166667 h high, buys at 5.00%"
    assert desk.controller.processed_data["features"]["close"].tolist() == [94.0]


def test_under_a_foreign_script_the_controller_begins_the_runs_record(clock: VirtualClock) -> None:
    desk = Desk(clock)
    assert not desk.session.is_watching
    desk.look()
    desk.look()
    started = [event for event in desk.session.journal.read("run") if isinstance(event, ev.RunStarted)]
    assert [event.script for event in started] == ["recovery_dca"]


def test_rates_of_the_pair_are_asked_for(clock: VirtualClock) -> None:
    (source,) = Desk(clock).market.rate_sources
    assert (source.connector_name, source.trading_pair) == (ACCOUNT, PAIR)


def test_the_hooks_are_a_strategys_to_fill(clock: VirtualClock) -> None:
    desk = Desk(clock)
    base: Any = RecoveryController(desk.controller.config, desk.market, asyncio.Queue())
    for hook, arguments in (("detect", (None,)), ("position_config", (None, None)), ("outlook", ())):
        with pytest.raises(NotImplementedError):
            getattr(base, hook)(*arguments)


def test_hummingbot_finds_our_controller_in_its_module(clock: VirtualClock) -> None:
    """It takes the alphabetically first class it accepts, imported base classes included."""
    assert Desk(clock).controller.config.get_controller_class() is RecoveryDca
