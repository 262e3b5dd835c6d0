"""The margin account behind the paper connector: leverage, HEDGE and ONEWAY positions, reduce-only."""

import asyncio
from decimal import Decimal

import pytest
from hummingbot.core.data_type.common import PositionAction, PositionMode, PositionSide, TradeType
from hummingbot.core.event.event_forwarder import EventForwarder
from hummingbot.core.event.events import AccountEvent

from shared.wire.venue_errors import venue_error_code
from tests.conftest import VirtualRun
from tests.unit.paper.paper_exchange import PAIR, PaperExchange

BUY, SELL = TradeType.BUY, TradeType.SELL
OPEN, CLOSE = PositionAction.OPEN, PositionAction.CLOSE


async def perpetual(mode: PositionMode, usdt: int = 1_000, leverage: int = 1) -> PaperExchange:
    exchange = PaperExchange("binance_perpetual", usdt=usdt)
    await exchange.set_mode(mode)
    exchange.connector.set_leverage(PAIR, leverage)
    await asyncio.sleep(1)
    return exchange


def positions(exchange: PaperExchange) -> dict[str, tuple[PositionSide, Decimal, Decimal]]:
    held = exchange.connector.account_positions
    return {key: (position.position_side, position.amount, position.entry_price) for key, position in held.items()}


def test_hedge_holds_long_and_short_side_by_side(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = await perpetual(PositionMode.HEDGE)
        await exchange.place(BUY, "1", action=OPEN)
        await exchange.place(SELL, "0.5", action=OPEN)
        assert positions(exchange) == {
            "BTC-USDTLONG": (PositionSide.LONG, Decimal(1), Decimal(100)),
            "BTC-USDTSHORT": (PositionSide.SHORT, Decimal("-0.5"), Decimal(99)),
        }
        long_position = exchange.connector.account_positions["BTC-USDTLONG"]
        assert long_position.unrealized_pnl == -1
        await exchange.place(SELL, "0.5", action=CLOSE)
        await exchange.place(BUY, "0.5", action=CLOSE)
        assert positions(exchange) == {"BTC-USDTLONG": (PositionSide.LONG, Decimal("0.5"), Decimal(100))}

    run_virtual(scenario())


def test_closing_realises_profit_and_fees_into_the_wallet(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = await perpetual(PositionMode.HEDGE)
        await exchange.place(BUY, "1", action=OPEN)
        assert exchange.total("USDT") == 1_000 - Decimal("0.04")
        exchange.set_book(bids=[(110, 5)], asks=[(111, 5)])
        await exchange.place(SELL, "1", action=CLOSE)
        assert positions(exchange) == {}
        assert exchange.total("USDT") == exchange.free("USDT") == 1_000 + 10 - Decimal("0.04") - Decimal("0.044")
        assert exchange.connector.paper_balances() == {"USDT": Decimal("1009.916")}

    run_virtual(scenario())


def test_oneway_nets_and_flips(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = await perpetual(PositionMode.ONEWAY)
        await exchange.place(BUY, "1", action=OPEN)
        assert positions(exchange) == {PAIR: (PositionSide.LONG, Decimal(1), Decimal(100))}
        await exchange.place(SELL, "0.4", action=CLOSE)
        assert positions(exchange) == {PAIR: (PositionSide.LONG, Decimal("0.6"), Decimal(100))}
        exchange.set_book(bids=[(98, 9)], asks=[(100, 9)])
        await exchange.place(SELL, "1", action=OPEN)
        assert positions(exchange) == {PAIR: (PositionSide.SHORT, Decimal("-0.4"), Decimal(98))}

    run_virtual(scenario())


def test_leverage_divides_what_an_order_and_a_position_hold(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = await perpetual(PositionMode.HEDGE, usdt=100, leverage=10)
        assert exchange.connector.get_leverage(PAIR) == 10
        resting = await exchange.place(BUY, "5", "99")
        assert exchange.free("USDT") == 100 - Decimal("49.5") - Decimal("0.198")
        await exchange.cancel(resting)
        assert exchange.free("USDT") == 100
        await exchange.place(BUY, "1", action=OPEN)
        assert exchange.free("USDT") == 100 - 10 - Decimal("0.04")
        assert exchange.connector.account_positions["BTC-USDTLONG"].leverage == 10

    run_virtual(scenario())


def test_leverage_asked_for_before_the_trading_rules_arrive_is_set_then(run_virtual: VirtualRun) -> None:
    """Scripts ask when they start; the pair's collateral is in its trading rules."""

    async def scenario() -> None:
        exchange = PaperExchange("binance_perpetual")
        rules = dict(exchange.connector._trading_rules)
        exchange.connector._trading_rules.clear()
        exchange.connector.set_leverage(PAIR, 7)
        await asyncio.sleep(30)
        assert exchange.connector.get_leverage(PAIR) == 1
        exchange.connector._trading_rules.update(rules)
        await asyncio.sleep(2)
        assert exchange.connector.get_leverage(PAIR) == 7
        assert exchange.connector._account_of(PAIR).leverage(PAIR) == 7
        told = await exchange.connector._set_trading_pair_leverage("FOO-USDT", 7)
        assert told == (False, "the venue gave no trading rules for FOO-USDT")

    run_virtual(scenario())


def test_margin_is_refused_beyond_the_collateral(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = await perpetual(PositionMode.HEDGE, usdt=100, leverage=2)
        refused = await exchange.place(BUY, "2.1", "99")
        assert venue_error_code(exchange.failure(refused)) == "-2019"
        accepted = await exchange.place(BUY, "2", "99")
        assert exchange.end(accepted) == ""

    run_virtual(scenario())


@pytest.mark.parametrize(("side", "opened", "price"), [(SELL, BUY, None), (BUY, SELL, None), (SELL, BUY, "105")])
def test_hedge_refuses_to_close_more_than_is_held(
    side: TradeType, opened: TradeType, price: str | None, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        exchange = await perpetual(PositionMode.HEDGE)
        nothing_held = await exchange.place(side, "0.5", price, action=CLOSE)
        assert venue_error_code(exchange.failure(nothing_held)) == "-2022"
        await exchange.place(opened, "0.5", action=OPEN)
        too_much = await exchange.place(side, "0.6", price, action=CLOSE)
        assert venue_error_code(exchange.failure(too_much)) == "-2022"
        assert len(positions(exchange)) == 1

    run_virtual(scenario())


def test_closing_needs_no_margin(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        for mode in PositionMode.HEDGE, PositionMode.ONEWAY:
            exchange = await perpetual(mode, usdt=101)
            await exchange.place(BUY, "1", action=OPEN)
            assert exchange.free("USDT") < 1
            closed = await exchange.place(SELL, "1", action=CLOSE)
            assert exchange.end(closed) == "SellOrderCompletedEvent"
            assert positions(exchange) == {}

    run_virtual(scenario())


def test_two_closes_under_way_never_turn_a_long_slot_short(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = await perpetual(PositionMode.HEDGE, usdt=10_000)
        await exchange.place(BUY, "1", action=OPEN)
        exchange.set_book(bids=[(99, 9)], asks=[(100, 9)])
        first = await exchange.place(SELL, "1", action=CLOSE, wait=False)
        second = await exchange.place(SELL, "1", action=CLOSE)
        assert exchange.end(first) == "SellOrderCompletedEvent"
        assert exchange.end(second) == "MarketOrderFailureEvent"
        assert positions(exchange) == {}

    run_virtual(scenario())


def test_the_mode_cannot_change_while_a_position_is_open(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = await perpetual(PositionMode.ONEWAY)
        await exchange.place(BUY, "1", action=OPEN)
        heard: list[object] = []
        listener = EventForwarder(heard.append)
        exchange.connector.add_listener(AccountEvent.PositionModeChangeFailed, listener)
        exchange.connector.set_position_mode(PositionMode.HEDGE)
        await asyncio.sleep(1)
        assert exchange.connector.position_mode is PositionMode.ONEWAY
        assert len(heard) == 1
        assert "-4068" in str(heard[0])

    run_virtual(scenario())


def test_funding_is_never_charged(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = await perpetual(PositionMode.HEDGE)
        timestamp, _, payment = await exchange.connector._fetch_last_fee_payment(PAIR)
        assert (timestamp, payment) == (0, -1)
        await exchange.connector._update_positions()
        assert exchange.connector.account_positions == {}
        assert await exchange.connector._fetch_account_position_mode() is PositionMode.HEDGE

    run_virtual(scenario())
