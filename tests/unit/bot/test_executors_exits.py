"""Why a position is closed is journaled once, before the order that closes it, with the prices it was decided on.

Prices of barriers are worked out by hand: Hummingbot meets them at a profit after the fees paid so far, 0.1 % of each fill.
"""

import asyncio
from decimal import Decimal

import pytest
from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.executors.position_executor.data_types import TrailingStop
from hummingbot.strategy_v2.models.executors import CloseType

from shared.adapters.memory_journal import MemoryJournal
from shared.bot import session
from shared.bot.executors import RecoveryDcaExecutor
from shared.domain import events as ev
from shared.domain.rules import Exit
from tests.conftest import VirtualRun
from tests.unit.bot.executor_bench import SIGNAL_ID, Bench, dca
from tests.unit.bot.fake_exchange import START_S

BUY, SELL = TradeType.BUY, TradeType.SELL
BARRIERS = {"take_profit": Decimal("0.01"), "stop_loss": Decimal("0.04")}


def decided(bench: Bench) -> ev.ExitDecided:
    """The one decision to close in the journal."""
    assert isinstance(bench.session.journal, MemoryJournal)
    (event,) = (event for event in bench.session.journal.read("run") if isinstance(event, ev.ExitDecided))
    assert bench.record.exit == event
    return event


async def enter(bench: Bench, *fills: int) -> None:
    """Every level is filled, one a second, each at its price."""
    for number, price in enumerate(fills):
        await bench.one_pass()
        bench.exchange.fill(bench.exchange.placed(bench.executor.config.side)[number], price)
        await asyncio.sleep(1)


async def meet(bench: Bench, price: int) -> None:
    """The price jumps between two passes of the executor, a second apart."""
    await bench.one_pass()
    await asyncio.sleep(1)
    bench.exchange.set_price(price)
    await bench.one_pass()


async def close(bench: Bench, price: int) -> None:
    side = SELL if bench.executor.config.side is BUY else BUY
    bench.exchange.fill(bench.exchange.placed(side)[-1], price)
    await bench.one_pass()
    bench.assert_proved()


@pytest.mark.parametrize(
    ("side", "fills", "price", "cause", "barrier_price"),
    [
        # 100 paid, 0.1 in fees: a profit of 1 % after them is 1.1 % above, a loss of 4 % is 3.9 % below.
        (BUY, (100,), 102, "TAKE_PROFIT", "101.1"),
        (BUY, (100,), 96, "STOP_LOSS", "96.1"),
        # Sold at 100, 0.1 in fees: the same distances, the other way round.
        (SELL, (100,), 98, "TAKE_PROFIT", "98.9"),
        (SELL, (100,), 104, "STOP_LOSS", "103.9"),
        # 99 on average, 0.198 in fees on 198.
        (BUY, (100, 98), 101, "TAKE_PROFIT", "100.089"),
        (BUY, (100, 98), 95, "STOP_LOSS", "95.139"),
        (SELL, (100, 102), 99, "TAKE_PROFIT", "99.889"),
        (SELL, (100, 102), 105, "STOP_LOSS", "104.939"),
    ],
)
def test_a_barriers_price_is_that_of_the_fills_and_their_fees(
    side: TradeType,
    fills: tuple[int, ...],
    price: int,
    cause: str,
    barrier_price: str,
    taken: session.Session,
    run_virtual: VirtualRun,
) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(fills, side, **BARRIERS), taken)
        await enter(bench, *fills)
        await meet(bench, price)
        exit_ = decided(bench)
        assert (exit_.cause, exit_.barrier_price) == (cause, Decimal(barrier_price))
        await close(bench, price)
        assert bench.is_closed_by(CloseType[cause])

    run_virtual(scenario())


def test_a_trailing_stop_lies_its_delta_below_the_best_profit(taken: session.Session, run_virtual: VirtualRun) -> None:
    """Bought at 100 with 0.1 in fees; the best was 110, 9.9 % after fees; 1 % below is 8.9 %, met at 109."""

    async def scenario() -> None:
        trailing = TrailingStop(activation_price=Decimal("0.02"), trailing_delta=Decimal("0.01"))
        bench = Bench(RecoveryDcaExecutor, dca(trailing_stop=trailing), taken)
        await enter(bench, 100)
        bench.exchange.set_price(110)
        await meet(bench, 105)
        assert (decided(bench).cause, decided(bench).barrier_price) == ("TRAILING_STOP", Decimal(109))
        await close(bench, 105)

    run_virtual(scenario())


@pytest.mark.parametrize(("side", "price"), [(BUY, 110), (SELL, 90)])
def test_the_book_is_the_one_before_the_close_was_placed(
    side: TradeType, price: int, taken: session.Session, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca((100,), side, **BARRIERS), taken)
        await enter(bench, 100)
        bench.exchange.average_price = Decimal("99.123456789")
        await meet(bench, price)
        exit_ = decided(bench)
        assert (exit_.best_price, exit_.expected_price) == (price, Decimal("99.12345679"))
        assert (exit_.signal_id, exit_.executor_id, exit_.tick) == (SIGNAL_ID, "executor-1", Decimal("0.01"))
        kinds = [event.kind for event in bench.session.journal.read("run")]
        assert kinds[-2:] == ["exit_decided", "order_submitted"]

    run_virtual(scenario())


def test_the_average_is_asked_for_what_is_held_on_the_side_it_is_closed_on(
    taken: session.Session, run_virtual: VirtualRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca((100, 98), SELL, time_limit=60), taken)
        await bench.one_pass()
        bench.exchange.fill(bench.sells[0], 100, "0.4")
        asked = []
        real = bench.exchange.get_vwap_for_volume
        monkeypatch.setattr(
            bench.exchange, "get_vwap_for_volume", lambda *arguments: asked.append(arguments) or real(*arguments)
        )
        bench.executor.early_stop()
        assert asked == [("BTC-USDT", True, Decimal("0.4"))]

    run_virtual(scenario())


def test_when_a_barrier_was_last_seen_untouched_is_told(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(**BARRIERS), taken)
        await enter(bench, 100)
        await meet(bench, 110)
        start_ms = int(START_S * 1000)
        assert (decided(bench).untouched_at_ms, decided(bench).at_ms) == (start_ms + 1_000, start_ms + 2_000)

    run_virtual(scenario())


def test_a_barrier_touched_at_the_first_look_was_never_seen_untouched(
    taken: session.Session, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(time_limit=60), taken)
        bench.strategy.current_timestamp += 60
        await bench.one_pass()
        exit_ = decided(bench)
        assert (exit_.cause, exit_.barrier_price, exit_.untouched_at_ms) == ("TIME_LIMIT", None, None)

    run_virtual(scenario())


def test_a_controllers_reason_is_the_cause(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(**BARRIERS), taken)
        await enter(bench, 100)
        taken.exit_causes["executor-1"] = Exit.CHANNEL_BROKEN
        bench.executor.early_stop()
        assert (decided(bench).cause, decided(bench).barrier_price) == ("channel_broken", None)
        bench.executor.early_stop()
        await close(bench, 100)
        assert bench.is_closed_by(CloseType.EARLY_STOP)
        assert taken.exit_causes == {}
        decided(bench)

    run_virtual(scenario())


def test_a_barrier_that_was_faster_than_the_controller_is_the_cause(
    taken: session.Session, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(**BARRIERS), taken)
        await enter(bench, 100)
        taken.exit_causes["executor-1"] = Exit.CHANNEL_BROKEN
        await meet(bench, 96)
        bench.executor.early_stop()
        assert decided(bench).cause == "STOP_LOSS"

    run_virtual(scenario())


def test_a_stop_by_nobody_in_particular_is_an_early_stop(taken: session.Session, run_virtual: VirtualRun) -> None:
    """The trader stops the bot before the entry was filled: there is nothing to price."""

    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(**BARRIERS), taken)
        await bench.one_pass()
        bench.exchange.acknowledge(bench.buys[0])
        bench.executor.early_stop()
        exit_ = decided(bench)
        assert (exit_.cause, exit_.barrier_price, exit_.expected_price) == ("EARLY_STOP", None, None)
        assert exit_.best_price == 100

    run_virtual(scenario())


def test_a_book_without_prices_has_none_to_tell(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(), taken)
        await enter(bench, 100)
        bench.exchange.prices = dict.fromkeys(bench.exchange.prices, Decimal("NaN"))
        bench.exchange.average_price = Decimal("NaN")
        bench.executor.early_stop()
        exit_ = decided(bench)
        assert (exit_.best_price, exit_.expected_price) == (None, None)

    run_virtual(scenario())


def test_giving_up_is_a_cause_too(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca((100, 99)), taken)
        await enter(bench, 100)
        bench.executor._current_retries = bench.executor._max_retries
        await bench.one_pass()
        assert decided(bench).cause == "FAILED"

    run_virtual(scenario())
