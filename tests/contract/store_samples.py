"""What the stores' tests store: a run with an event of every kind, a trade of any strategy, a candle."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shared.domain import events as ev
from shared.domain.run_record import RunRecord
from shared.domain.signals import Side
from shared.domain.stored import StoredCandle, StoredCounts, Timeframe
from tests.journals import config_applied, phase_changed
from tests.unit.domain.generated_runs import PERPETUAL, TradeBuilder, finished, round_trip, signal

D = Decimal
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
NOON_MS = int(NOON.timestamp() * 1000)
ALWAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def of_strategy(trade: TradeBuilder, strategy: str, at_ms: int = NOON_MS) -> list[ev.Event]:
    """A trade's events, its signal of a strategy of its own, all at one time."""
    return [
        replace(event, at_ms=at_ms, strategy=strategy)
        if isinstance(event, ev.SignalDecided)
        else replace(event, at_ms=at_ms)
        for event in trade.events
    ]


EXIT = ev.ExitDecided(
    at_ms=NOON_MS + 2,
    executor_id="executor-winning",
    signal_id="signal-winning",
    cause="TAKE_PROFIT",
    barrier_price=D("101.0000000000000001"),
    best_price=D("101.00000000"),
    expected_price=D("100.98765432109876543"),
    tick=D("0.01"),
    untouched_at_ms=NOON_MS + 1,
)
CONFIG = config_applied()
EVALUATED = ev.CandlesEvaluated(
    at_ms=NOON_MS,
    controller_id="recovery_swing",
    strategy="recovery_swing",
    pair="ETH-USDT",
    phase=None,
    config_id="fingerprint",
    since_ms=NOON_MS - 3_600_000,
    until_ms=NOON_MS - 60_000,
    evaluated=59,
    unevaluated=1,
)
PHASE = replace(phase_changed(), from_phase=None, to_phase=1, forced=True)


def a_life() -> list[ev.Event]:
    """A run with all kinds of events: trades to either side, one open, levels failed and cancelled, refusals."""
    losing = TradeBuilder("losing", Side.SELL, account=PERPETUAL).open()
    losing.order([(D("61234.56789012"), D("0.00012345"), D("0.00302381"))], amount=D("0.00012345"), limit=D("61234"))
    losing.order([], amount=D("0.001"), limit=D("61300"), end="failed")
    losing.order([(D("61999.99"), D("0.00012345"), D("1E-8"))], amount=D("0.00012345"), closing=True)
    still_open = TradeBuilder("open").open()
    still_open.order([(D("0.1"), D("0.3"), D("0.0003"))], amount=D("0.4"), limit=D("0.1"), end="none")
    refused = [signal("refused", reason="cooldown"), ev.ConfigRefused(at_ms=NOON_MS, reason="drop_threshold = 3")]
    trades = [round_trip("winning"), losing.close("STOP_LOSS"), still_open]
    for trade in trades:
        trade.events = of_strategy(trade, f"strategy_{trade.name}")
    return finished(trades, [PHASE, CONFIG, EVALUATED, *refused, EXIT])


def counts_of(events: Sequence[ev.Event]) -> StoredCounts:
    """What a store should count of a run."""
    record = RunRecord.of(events)
    return StoredCounts(
        signals=len(record.signals),
        orders=len(record.orders),
        fills=sum(isinstance(event, ev.OrderFilled) for event in events),
        trades=len(record.closed_trades),
        dead=0,
    )


def candle(opened_at: datetime, timeframe: Timeframe = Timeframe.MINUTE, **values: Any) -> StoredCandle:
    """A minute of BTC-USDT unless said otherwise."""
    prices = {name: D(value) for name, value in (("open", 10), ("high", 12), ("low", 9), ("close", 11), ("volume", 0))}
    row = {"symbol": "BTC-USDT", "source": "polygon", "quote_currency": "USDT", **prices, **values}
    return StoredCandle(timeframe=timeframe, opened_at=opened_at, **row)
