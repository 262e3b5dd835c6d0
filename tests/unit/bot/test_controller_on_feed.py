"""The controller on the sidecar's candles: all of them are closed, and nothing new rests on stale or degraded ones."""

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, StopExecutorAction

from shared.bot.feed_candles import NAME, RecoveryFeed
from shared.domain.candles import CandleSeries
from shared.domain.feed_status import Mode
from shared.domain.rules import Exit
from shared.domain.signals import Refusal
from shared.domain.stored import Timeframe
from shared.simulator.virtual_time import VirtualClock
from shared.wire.feed_messages import FeedCandle, FeedWindow
from tests.unit.bot.desk import Desk, at_lower_line, fallen, flat, risen

GUARDED = {"crash_guard_pair": "SOL-USDT", "crash_drop_1h": 0.05}


class FeedDesk(Desk):
    """A desk whose market is served by a sidecar.

    Attributes:
        feeds: By pair and timeframe.
        silent_s: Seconds since the sidecar was heard.
    """

    def __init__(self, clock: VirtualClock, strategy: str = "recovery_dca", **changes: Any) -> None:
        super().__init__(clock, strategy, candles_connector=NAME, **changes)
        self.silent_s = 0.0
        self.feeds = {(each.trading_pair, each.interval): self._feed(each) for each in self.config.candles_config}
        market: Any = self.market
        market.get_candles_feed = lambda asked: self.feeds[asked.trading_pair, asked.interval]
        market.get_candles_df = lambda _, pair, interval, count: self.feeds[pair, interval].candles_df.iloc[-count:]

    def _feed(self, asked: CandlesConfig) -> RecoveryFeed:
        feed = RecoveryFeed(asked.trading_pair, asked.interval, asked.max_records)
        link: Any = SimpleNamespace(silent_s=lambda: self.silent_s)
        feed.link = link
        return feed

    def serve(
        self,
        candles: CandleSeries,
        pair: str = "BTC-USDT",
        quote: str = "USDT",
        mode: Mode = Mode.LIVE,
        late_s: int = 0,
    ) -> None:
        """The sidecar serves these candles, the last of which closed so long ago."""
        interval_s = candles.interval_s
        end_s = (int(self.clock.time()) - late_s) // interval_s * interval_s
        interval = next(each for each in Timeframe if each.seconds == interval_s)
        held = tuple(
            FeedCandle(
                (end_s + (place - len(candles)) * interval_s) * 1000,
                *(Decimal(str(getattr(candles, name)[place])) for name in ("open", "high", "low", "close", "volume")),
            )
            for place in range(len(candles))
        )
        window = FeedWindow(pair, interval, "polygon", quote, 1, mode, "", 180, held)
        for feed in self.feeds.values():
            if feed.view.subscription.pair == pair:
                feed.view.take_window(window)

    @property
    def reasons(self) -> list[str | None]:
        return [decided.reason for decided in self.decided]


def test_the_last_candle_decides_because_it_is_closed(clock: VirtualClock) -> None:
    desk = FeedDesk(clock)
    desk.serve(fallen())
    (action,) = desk.look()
    assert isinstance(action, CreateExecutorAction)
    assert desk.decided[0].values["close"] == 94
    assert desk.decided[0].candle_close_ms == int(clock.time()) * 1000


@pytest.mark.parametrize(
    ("served", "silent_s", "reason"),
    [
        ({"late_s": 240}, 0.0, Refusal.FEED_STALE),
        ({"mode": Mode.STALE}, 0.0, Refusal.FEED_STALE),
        ({"mode": Mode.DEGRADED}, 0.0, Refusal.FEED_DEGRADED),
        ({}, 200.0, Refusal.FEED_STALE),
    ],
    ids=str,
)
def test_nothing_new_is_opened_on_candles_that_are_unfit(
    served: dict[str, Any], silent_s: float, reason: Refusal, clock: VirtualClock
) -> None:
    desk = FeedDesk(clock)
    desk.silent_s = silent_s
    desk.serve(fallen(), **served)
    assert desk.look() == []
    assert desk.reasons == [reason]


def test_candles_that_are_too_old_still_tell_a_rule_to_get_out(clock: VirtualClock) -> None:
    """An exit that comes late is better than none; the executor's barriers rest on the venue's prices anyway."""
    desk = FeedDesk(clock)
    desk.serve(fallen())
    (action,) = desk.look()
    held = desk.holds(action.executor_config, filled_quote=0)
    desk.wait(2)
    desk.serve(flat(), mode=Mode.DEGRADED)
    (stop,) = desk.look()
    assert isinstance(stop, StopExecutorAction)
    assert desk.session.exit_causes == {held.id: Exit.ENTRY_UNFILLED}


def test_the_crash_guard_looks_at_the_sidecars_candles(clock: VirtualClock) -> None:
    desk = FeedDesk(clock, **GUARDED)
    assert desk.config.guard_candles.connector == NAME
    desk.serve(flat(65), pair="SOL-USDT")
    desk.serve(fallen())
    assert len(desk.look()) == 1


@pytest.mark.parametrize(
    ("guard", "served", "reason"),
    [
        (fallen(count=65), {}, Refusal.CRASH_GUARD),
        (flat(64), {}, Refusal.CRASH_GUARD_BLIND),
        (flat(65), {"mode": Mode.DEGRADED}, Refusal.CRASH_GUARD_BLIND),
        (flat(65), {"late_s": 240}, Refusal.CRASH_GUARD_BLIND),
    ],
    ids=["a crash", "too few", "degraded", "late"],
)
def test_a_guard_that_sees_a_crash_or_nothing_refuses(
    guard: CandleSeries, served: dict[str, Any], reason: Refusal, clock: VirtualClock
) -> None:
    desk = FeedDesk(clock, **GUARDED)
    desk.serve(guard, pair="SOL-USDT", **served)
    desk.serve(fallen())
    assert desk.look() == []
    assert desk.reasons == [reason]


@pytest.mark.parametrize("strategy", ["recovery_swing", "recovery_channel"])
def test_prices_of_another_quote_tell_how_far_off_a_barrier_lies(strategy: str, clock: VirtualClock) -> None:
    """The candles are in USD at a tenth of the venue's price: taken as they are, stop and target would be absurd."""
    barriers = {}
    for quote, worth in (("USDT", 1.0), ("USD", 0.1)):
        desk = FeedDesk(clock, strategy, interval="15m")
        drawn = risen(desk) if strategy == "recovery_swing" else at_lower_line()
        price = Decimal(str(drawn.close[-1]))
        desk.market.best = dict.fromkeys(desk.market.best, price)
        scaled = CandleSeries(
            np.arange(len(drawn)) * 900,
            *(getattr(drawn, name) * worth for name in ("open", "high", "low", "close")),
            drawn.volume,
            900,
        )
        desk.serve(scaled, quote=quote)
        (action,) = desk.look()
        barriers[quote] = (action.executor_config.take_profit, action.executor_config.stop_loss)
    for own, other in zip(barriers["USDT"], barriers["USD"], strict=True):
        assert float(own) == pytest.approx(float(other), rel=1e-4)


def test_before_any_candle_there_is_nothing_to_decide(clock: VirtualClock) -> None:
    desk = FeedDesk(clock)
    asyncio.run(desk.controller.update_processed_data())
    assert desk.look() == []
    assert desk.decided == []
