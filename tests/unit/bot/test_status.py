"""What a trader needs to see, read from the running strategy."""

from collections import deque
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from shared.bot import status
from shared.bot.status import PairView, snapshot, waiting_for
from tests.unit.bot.status_samples import sample_record
from tests.unit.domain.generated_runs import finished, record, round_trip


def fake_executor(**changes: Any) -> Any:
    filled = SimpleNamespace(is_filled=True)
    waiting = SimpleNamespace(is_filled=False)
    values: dict[str, Any] = {
        "is_closed": False,
        "is_active": True,
        "config": SimpleNamespace(trading_pair="BTC-USDT", take_profit=Decimal("0.01"), stop_loss=Decimal("0.04")),
        "active_open_orders": [filled, waiting],
        "n_levels": 3,
        "current_position_average_price": Decimal(100),
        "open_filled_amount_quote": Decimal(200),
        "net_pnl_quote": Decimal(-1),
        "end_time": 1_060.0,
        "get_net_pnl_pct": lambda: Decimal("-0.005"),
        "get_custom_info": lambda: {"trailing_stop_trigger_pct": None},
    }
    return SimpleNamespace(**values | changes)


def fake_strategy(executors: list[Any]) -> Any:
    controller = SimpleNamespace(
        config=SimpleNamespace(id="c", connector_name="binance_paper_trade", trading_pair="BTC-USDT"),
        outlook=lambda: "waiting for candles",
    )
    ready = SimpleNamespace(ready=True, status_dict={})
    return SimpleNamespace(
        session=SimpleNamespace(record=sample_record()),
        current_timestamp=1_000.0,
        controllers={"c": controller},
        executor_orchestrator=SimpleNamespace(active_executors={"c": executors}),
        connectors={"binance_paper_trade": ready},
        market_data_provider=SimpleNamespace(get_price_by_type=lambda *asked: Decimal(97), candles_feeds={}),
    )


def test_a_snapshot_reads_the_running_strategy() -> None:
    closed, closing = fake_executor(is_closed=True), fake_executor(is_active=False, end_time=None)
    found = snapshot(fake_strategy([fake_executor(), closed, closing]))
    assert found.at_s == 1_000
    assert found.pairs == (PairView("c", "BTC-USDT", Decimal(97), "waiting for candles"),)
    first, second = found.positions
    assert (first.levels_filled, first.levels, first.time_left_s, first.closing) == (1, 3, 60, False)
    assert (first.to_take_profit, first.to_stop_loss) == (Decimal("0.015"), Decimal("0.035"))
    assert (second.time_left_s, second.closing) == (None, True)
    assert (found.pnl_quote, found.fees_quote) == (Decimal("0.849"), Decimal("0.151"))
    assert len(found.last_trades) == 1


def test_the_last_trades_are_the_newest() -> None:
    strategy = fake_strategy([])
    strategy.session.record = record(finished([round_trip(str(number)) for number in range(8)]))
    shown = [trade.opened.executor_id for trade in snapshot(strategy).last_trades]
    assert shown == [f"executor-{number}" for number in range(3, 8)]
    assert status._TRADES_SHOWN == 5


def test_what_is_waited_for_is_named() -> None:
    strategy = fake_strategy([])
    assert waiting_for(strategy) == ""
    strategy.connectors["other"] = SimpleNamespace(ready=False, status_dict={"order_books": False, "balances": True})
    strategy.market_data_provider.candles_feeds = {
        "binance_BTC-USDT_1m": SimpleNamespace(ready=False, _candles=deque([1, 2]), max_records=241),
        "binance_ETH-USDT_1m": SimpleNamespace(ready=True, _candles=deque(), max_records=241),
    }
    assert waiting_for(strategy) == "other (order_books), candles binance_BTC-USDT_1m (2/241)"
