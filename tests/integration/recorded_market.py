"""A controller on recorded candles: Hummingbot's control loop candle by candle, and what the journal then holds."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.data_type.common import PriceType
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig

from shared.adapters.memory_journal import MemoryJournal
from shared.bot import session
from shared.bot.backtesting import CANDLE_COLUMNS
from shared.domain import events as ev
from shared.domain.candles import CandleSeries
from shared.simulator.recording import RecordingSpec, load_recording
from shared.simulator.virtual_time import VirtualClock, virtual_time
from tests.integration.recordings import STRATEGIES, THRESHOLDS, Case, configuration, window
from tests.unit.bot.fake_exchange import ACCOUNT, FakeConnector
from tests.unit.domain.candle_samples import COLUMNS, MARKET_DATA, RECORDINGS

# The guard looks at another pair's candles, which a recording does not have.
_NO_GUARD = dict.fromkeys(("crash_guard_pair", "crash_drop_1h", "crash_drop_4h", "crash_drop_24h"))
_STEP = Decimal("0.000001")


class RecordedMarket:
    """What Hummingbot's provider of market data tells a controller, with a recording behind it.

    Args:
        clock: The bot's clock.
        feed: The one feed of candles the controller may ask for.
        candles: The recording.
    """

    def __init__(self, clock: VirtualClock, feed: CandlesConfig, candles: CandleSeries) -> None:
        self.connectors = {ACCOUNT: FakeConnector()}
        self._clock = clock
        self._feed = feed
        self._candles = candles
        self._place = 0

    def close(self, place: int) -> None:
        """Let the candle at this place be the newest that has closed, a moment ago."""
        self._place = place
        close_s = int(self._candles.open_time_s[place]) + self._candles.interval_s
        self._clock.jump(close_s - self._clock.time())

    def time(self) -> float:
        return self._clock.time()

    def initialize_candles_feed(self, feed: CandlesConfig) -> None:
        assert feed == self._feed

    def initialize_rate_sources(self, pairs: list[Any]) -> None:
        """Nothing is converted here."""

    def get_candles_df(self, connector: str, pair: str, interval: str, max_records: int) -> pd.DataFrame:
        asked = CandlesConfig(connector=connector, trading_pair=pair, interval=interval, max_records=max_records)
        assert asked == self._feed
        closed = window(self._candles, self._place, max_records - 1)
        rows = np.column_stack([getattr(closed, name) for name in COLUMNS])
        # Half the price: whoever takes the candle in progress for a closed one sees a signal, or loses one.
        in_progress = [rows[-1, 0] + closed.interval_s, *rows[-1, 1:5] / 2, 0.0]
        return pd.DataFrame(np.vstack([rows, in_progress]), columns=CANDLE_COLUMNS)

    def get_price_by_type(self, connector: str, pair: str, kind: PriceType) -> Decimal:
        return Decimal(str(self._candles.close[self._place]))

    def get_trading_rules(self, connector: str, pair: str) -> TradingRule:
        return TradingRule(pair, min_order_size=_STEP, min_base_amount_increment=_STEP, min_notional_size=Decimal(5))

    def quantize_order_amount(self, connector: str, pair: str, amount: Decimal) -> Decimal:
        return amount.quantize(_STEP)


def signals_in_bot(case: Case, thresholds: str, places: Iterable[int]) -> list[ev.SignalDecided]:
    """Run a controller over the candles at these places, ascending, each when it has just closed.

    Returns:
        The journal's signals, the refused ones among them.
    """
    pair = load_recording(RecordingSpec(MARKET_DATA / RECORDINGS[case.recording])).pair
    changes = {"trading_pair": pair, "interval": case.interval, **_NO_GUARD}
    config = configuration(case.strategy, THRESHOLDS[thresholds][-1], **changes)
    clock = VirtualClock(float(case.candles.open_time_s[0]), None)
    with virtual_time(clock), _own_session() as bot:
        market = RecordedMarket(clock, config.candles, case.candles)
        controller: Any = STRATEGIES[case.strategy][1](config, market, asyncio.Queue())

        async def look_at_each() -> None:
            for place in places:
                market.close(place)
                await controller.update_processed_data()
                controller.determine_executor_actions()

        asyncio.run(look_at_each())
        return [event for event in bot.journal.read("run") if isinstance(event, ev.SignalDecided)]


@contextmanager
def _own_session() -> Iterator[session.Session]:
    before = session._current
    try:
        yield session.begin(None, MemoryJournal())
    finally:
        session._current = before
