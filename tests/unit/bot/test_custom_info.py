"""What Dashboard, Condor and MQTT are shown: less than 1 kB, and the very figures of the journal."""

import asyncio
import json
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.executors.dca_executor.data_types import DCAExecutorConfig, DCAMode
from hummingbot.strategy_v2.models.executors import CloseType

from shared.domain import events as ev
from shared.domain.run_record import RunRecord
from shared.domain.signals import Refusal
from shared.simulator.virtual_time import VirtualClock
from tests.unit.bot.desk import STRATEGIES, Desk, at_lower_line, fallen, flat, risen
from tests.unit.bot.fake_exchange import ACCOUNT, PAIR, START_S

MOST_BYTES = 1_000


def decided(desk: Desk, number: int, reason: str | None = None, controller: str | None = None) -> str:
    """A signal's decision is in the journal; its id."""
    controller_id = controller or desk.config.id
    signal_id = f"{controller_id}@2025-01-06T00:00:00Z/{number}"
    desk.session.append(
        ev.SignalDecided(
            at_ms=number,
            signal_id=signal_id,
            controller_id=controller_id,
            strategy=desk.config.strategy,
            pair=desk.config.trading_pair,
            side=ev.Side.BUY,
            candle_close_ms=number,
            price=100.0,
            confidence=0.5,
            thresholds={},
            values={},
            reason=reason,
        )
    )
    return signal_id


def executor(desk: Desk, signal_id: str, controller: str | None = None) -> Any:
    config = DCAExecutorConfig(
        id=f"executor-{signal_id}",
        timestamp=START_S,
        connector_name=ACCOUNT,
        trading_pair=PAIR,
        side=TradeType.BUY,
        amounts_quote=[Decimal(100)],
        prices=[Decimal(100)],
        mode=DCAMode.MAKER,
        level_id=signal_id,
    )
    config.controller_id = controller or desk.config.id
    made = SimpleNamespace(config=config, close_type=CloseType.TAKE_PROFIT)
    desk.session.executor_opened(made)
    return made


def order(desk: Desk, made: Any, order_id: str, price: str | None, *, closing: bool = False) -> None:
    """An order of 1 base, filled at this price with a fee of 0.1, or refused by the venue."""
    side = TradeType.SELL if closing else TradeType.BUY
    desk.session.order_submitted(
        made, order_id, side=side, order_type="MARKET", price=None, amount=Decimal(1), closing=closing
    )
    if price is None:
        failed = ev.OrderFailed(at_ms=1, order_id=order_id, signal_id=made.config.level_id, code="-2010", message="x")
        desk.session.append(failed)
        return
    desk.session.append(
        ev.OrderFilled(
            at_ms=1,
            trade_id=f"fill-{order_id}",
            order_id=order_id,
            signal_id=made.config.level_id,
            pair=PAIR,
            side=ev.Side.SELL if closing else ev.Side.BUY,
            price=Decimal(price),
            amount=Decimal(1),
            fee_quote=Decimal("0.1"),
        )
    )


def close(desk: Desk, made: Any) -> None:
    desk.session.executor_closed(made, pnl_quote=Decimal(1), fees_quote=Decimal(1))


def trade(desk: Desk, number: int, controller: str | None = None) -> None:
    """A signal was taken, its entry tried twice, filled, and closed 2 quote higher."""
    signal_id = decided(desk, number, controller=controller)
    made = executor(desk, signal_id, controller)
    order(desk, made, f"{signal_id}-1", None)
    order(desk, made, f"{signal_id}-2", "100.25")
    order(desk, made, f"{signal_id}-3", "102.25", closing=True)
    close(desk, made)


def test_before_the_first_candle_there_is_nothing_to_count(clock: VirtualClock) -> None:
    desk = Desk(clock, phase=2)
    assert desk.controller.get_custom_info() == {
        "pair": PAIR,
        "phase": 2,
        "config": desk.config.config_id,
        "funnel": {"signals": 0, "taken": 0, "orders": 0, "failed": 0, "filled": 0, "closed": 0},
        "refused": {},
        "pnl_quote": 0.0,
        "fees_quote": 0.0,
        "health": "waiting for candles",
        "last_signal": None,
        "values": {},
    }


def test_the_funnel_is_this_controllers_and_read_on_from_where_it_was(clock: VirtualClock) -> None:
    desk = Desk(clock)
    trade(desk, 1)
    trade(desk, 1, controller="another")
    shown = desk.controller.get_custom_info()
    assert shown["funnel"] == {"signals": 1, "taken": 1, "orders": 3, "failed": 1, "filled": 2, "closed": 1}
    assert (shown["pnl_quote"], shown["fees_quote"]) == (1.8, 0.2)
    decided(desk, 2, Refusal.COOLDOWN)
    decided(desk, 2, Refusal.COOLDOWN, controller="another")
    made = executor(desk, decided(desk, 3))
    shown = desk.controller.get_custom_info()
    assert shown["funnel"] == {"signals": 3, "taken": 2, "orders": 3, "failed": 1, "filled": 2, "closed": 1}
    assert shown["refused"] == {"cooldown": 1}
    assert shown["last_signal"] == "recovery_dca@2025-01-06T00:00:00Z/3"
    order(desk, made, "o-1", "100")
    assert desk.controller.get_custom_info()["funnel"]["orders"] == 4, "what became of an executor since counts too"
    order(desk, made, "o-2", "90", closing=True)
    close(desk, made)
    shown = desk.controller.get_custom_info()
    assert (shown["funnel"]["closed"], shown["pnl_quote"], shown["fees_quote"]) == (2, -8.4, 0.4)
    assert shown == desk.controller.get_custom_info()


def test_the_three_reasons_that_refused_most_are_shown(clock: VirtualClock) -> None:
    desk = Desk(clock)
    for count, reason in enumerate((Refusal.CAPITAL, Refusal.COOLDOWN, Refusal.STOPPING, Refusal.MAX_POSITIONS), 1):
        for number in range(count):
            decided(desk, 10 * count + number, reason)
    shown = desk.controller.get_custom_info()
    assert shown["refused"] == {"max_positions": 4, "stopping": 3, "cooldown": 2}
    assert shown["funnel"]["signals"] == 10


def test_health_is_that_of_the_feed_and_of_the_journal(clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.show(flat())
    desk.look()
    healths = []
    for later_s in (0, 120, 1):
        clock.jump(later_s)
        healths.append(desk.controller.get_custom_info()["health"])
    desk.session.failure = OSError("no space left")
    healths.append(desk.controller.get_custom_info()["health"])
    assert healths == ["ok", "ok", "stale for 121 s", "journal failed"]


def test_a_value_that_is_no_number_is_none(clock: VirtualClock) -> None:
    """NaN is no JSON, and MQTT's readers choke on it."""
    desk = Desk(clock, "recovery_channel")
    desk.show(flat(101, interval_s=300))
    desk.look()
    shown = desk.controller.get_custom_info()
    assert None in shown["values"].values()
    json.dumps(shown, allow_nan=False)


# The longest names and numbers there are.


def longest_pair(strategy: str) -> dict[str, Any]:
    return {"trading_pair": "1000000MOG-USDT", "id": f"{strategy}_phase2_1000000MOG-USDT", "phase": 2}


CANDLES = {"recovery_dca": lambda _: fallen(), "recovery_swing": risen, "recovery_channel": lambda _: at_lower_line()}


def busy(clock: VirtualClock, strategy: str) -> Desk:
    """Hundreds of signals, refused for the reasons with the longest names, and dozens of trades."""
    desk = Desk(clock, strategy, **longest_pair(strategy))
    desk.market.show(far_up(CANDLES[strategy](desk)), desk.config.interval, desk.config.trading_pair)
    asyncio.run(desk.controller.update_processed_data())
    for number in range(60):
        trade(desk, number)
    longest = sorted(Refusal, key=len, reverse=True)
    for number in range(900):
        decided(desk, 1_000 + number, longest[number % len(longest)])
    return desk


def far_up(candles: Any) -> Any:
    """Prices with as many digits as shown ones can have."""
    factor = 98_765.432109 / 100
    prices = (getattr(candles, name) * factor for name in ("open", "high", "low", "close"))
    return type(candles)(candles.open_time_s, *prices, candles.volume, candles.interval_s)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_busy_controllers_report_is_less_than_a_kilobyte_of_json(strategy: str, clock: VirtualClock) -> None:
    desk = busy(clock, strategy)
    shown = desk.controller.get_custom_info()
    assert len(shown["refused"]) == 3
    assert len(shown["values"]) >= 3
    size = len(json.dumps(shown, allow_nan=False).encode())
    # Room for a hundred times the numbers counted: two more digits each.
    counted = len(shown["funnel"]) + len(shown["refused"]) + 2
    assert size + 2 * counted < MOST_BYTES, (size, shown)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_figure_is_the_journals(strategy: str, clock: VirtualClock) -> None:
    desk = busy(clock, strategy)
    trade(desk, 7, controller="another")
    shown = desk.controller.get_custom_info()
    run = RunRecord.of(desk.session.journal.read("run"))
    own = [signal for signal in run.signals if signal.controller_id == desk.config.id]
    executors = [each for each in run.executors.values() if each.opened.controller_id == desk.config.id]
    orders = [each for one in executors for each in one.orders]
    trades = [each for each in executors if each.is_closed_trade]
    assert shown["funnel"] == {
        "signals": len(own),
        "taken": sum(signal.taken for signal in own),
        "orders": len(orders),
        "failed": sum(each.failed is not None for each in orders),
        "filled": sum(bool(each.fills) for each in orders),
        "closed": len(trades),
    }
    assert shown["funnel"]["closed"] == 60
    assert shown["pnl_quote"] == float(sum(each.pnl_quote for each in trades))
    assert shown["fees_quote"] == float(sum(each.fees_quote for each in trades))
    assert shown["last_signal"] == own[-1].signal_id
    for reason, count in shown["refused"].items():
        assert count == sum(signal.reason == reason for signal in own)
    assert shown["phase"] == 2
    assert shown["config"] == desk.config.config_id
