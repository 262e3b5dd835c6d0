"""The screens: one snapshot, counted in the journal's events, shown on any width."""

from collections import deque
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from shared.bot import status
from shared.bot.status import Funnel, PairView, PositionView, Snapshot, funnel_of, snapshot, waiting_for
from shared.bot.status_text import render_text
from shared.domain.run_record import RunRecord
from tests.unit.domain.generated_runs import TradeBuilder, finished, record, round_trip, signal


def sample_record() -> RunRecord:
    refused = TradeBuilder("2").open()
    refused.order([], amount=Decimal(1), limit=Decimal(100), end="failed")
    others = [signal("x", reason="cooldown"), signal("y", reason="cooldown"), signal("z", reason="capital")]
    return record(finished([round_trip("1"), refused.close("FAILED")], others))


POSITION = PositionView(
    pair="BTC-USDT",
    levels_filled=2,
    levels=3,
    average_entry=Decimal("98123.45"),
    amount_quote=Decimal("399.99"),
    pnl_quote=Decimal("-3.21"),
    profit=Decimal("-0.008"),
    to_take_profit=Decimal("0.018"),
    to_stop_loss=Decimal("0.032"),
    trailing_trigger=None,
    time_left_s=5400.0,
    closing=False,
)


def view(*positions: PositionView) -> Snapshot:
    run = sample_record()
    return Snapshot(
        at_s=0.0,
        pairs=(
            PairView(
                "recovery_dca_BTC-USDT", "BTC-USDT", Decimal("97654.3"), "3.21% below the 4 h high, buys at 5.00%"
            ),
            PairView("recovery_dca_XRP-USDT", "XRP-USDT", Decimal("0.51234567"), "waiting for candles"),
        ),
        positions=positions,
        funnel=funnel_of(run),
        pnl_quote=Decimal("0.849"),
        fees_quote=Decimal("0.151"),
        last_trades=tuple(run.closed_trades),
    )


def test_the_funnel_is_counted_in_events() -> None:
    assert funnel_of(sample_record()) == Funnel(
        signals=5, taken=2, refused={"cooldown": 2, "capital": 1}, orders=4, failed={"-2010": 1}, fills=4, trades=1
    )
    assert funnel_of(RunRecord()) == Funnel(0, 0, {}, 0, {}, 0, 0)


def test_every_figure_of_a_position_is_shown() -> None:
    for columns in (110, 54):
        shown = render_text(view(POSITION), columns=columns)
        for figure in ("BTC-USDT", "2/3", "98,123.45", "399.99", "-3.21 (-0.80%)", "1.80%", "3.20%", "1.5 h"):
            assert figure in shown
        assert max(map(len, shown.splitlines())) <= columns


def test_prices_have_the_digits_their_size_needs() -> None:
    shown = render_text(view(), columns=110)
    assert "97,654.30" in shown
    assert "0.512346" in shown
    assert "3.21% below the 4 h high, buys at 5.00%" in shown


def test_the_funnel_and_the_trades_are_shown() -> None:
    shown = render_text(view(), columns=110)
    assert "5 signals -> 2 taken -> 4 orders (1 failed) -> 4 fills -> 1 trades closed, PnL +0.8490" in shown
    assert "refused: 1 capital, 2 cooldown" in shown
    assert "take profit" in shown
    assert "+0.8490" in shown
    assert shown.count("none") == 1, "there is no open position"


def test_an_empty_run_is_shown() -> None:
    nothing = Snapshot(0.0, (), (), funnel_of(RunRecord()), Decimal(0), Decimal(0), ())
    for columns in (110, 54):
        assert render_text(nothing, columns=columns).count("none") == 3


def test_a_closing_position_says_so_and_a_missing_time_limit_too() -> None:
    from dataclasses import replace

    for columns in (110, 54):
        assert "closing" in render_text(view(replace(POSITION, closing=True)), columns=columns)
    assert "1.5 h" not in render_text(view(replace(POSITION, time_left_s=None)), columns=110)


def test_a_refused_edit_is_shown() -> None:
    shown = render_text(view(), "x.yml: levels = 0: must be greater than or equal to 1", columns=110)
    assert "Edit refused, the old values stay: x.yml: levels = 0" in shown


def test_without_a_console_the_lines_are_of_fixed_width(monkeypatch: pytest.MonkeyPatch) -> None:
    from hummingbot.client.hummingbot_application import HummingbotApplication

    monkeypatch.setattr(HummingbotApplication, "_main_app", None)
    assert render_text(view(POSITION)) == render_text(view(POSITION), columns=110)
    pane = SimpleNamespace(window=SimpleNamespace(render_info=SimpleNamespace(window_width=62)))
    console = SimpleNamespace(app=SimpleNamespace(output_field=pane))
    monkeypatch.setattr(HummingbotApplication, "_main_app", console)
    assert render_text(view(POSITION)) == render_text(view(POSITION), columns=60)


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
