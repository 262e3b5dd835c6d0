"""Orders on the paper connector over Hummingbot's real Binance classes: no order is silent, none is filled from nothing."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.in_flight_order import OrderState
from hummingbot.core.event.event_forwarder import EventForwarder
from hummingbot.core.event.events import MarketEvent, MarketOrderFailureEvent, OrderCancelledEvent, OrderFilledEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.paper.rejection import VenueRejection
from shared.wire.venue_errors import venue_error_code
from tests.conftest import VirtualRun
from tests.unit.paper.paper_exchange import CREATIONS, ENDS, PAIR, PaperExchange

BUY, SELL = TradeType.BUY, TradeType.SELL
EXCHANGES = ["binance", "binance_perpetual"]
both = pytest.mark.parametrize("name", EXCHANGES)


def pairs(*fills: tuple[str, str]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(amount)) for price, amount in fills]


@both
def test_a_taker_walks_the_book_and_the_rest_rests(name: str, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name)
        order = await exchange.place(BUY, "2", "100.5")
        assert exchange.fills(order) == pairs(("100", "1"))
        assert exchange.end(order) == ""
        tracked = exchange.connector.in_flight_orders[order]
        assert tracked.current_state is OrderState.PARTIALLY_FILLED
        exchange.set_book(bids=[(99, 1)], asks=[(100.4, 0.4), (101, 2)])
        await exchange.tick()
        assert exchange.fills(order) == pairs(("100", "1"), ("100.50", "0.4"))
        exchange.set_book(bids=[(99, 1)], asks=[(100, 9)])
        await exchange.tick()
        assert exchange.fills(order) == pairs(("100", "1"), ("100.50", "0.4"), ("100.50", "0.6"))
        assert exchange.end(order) == "BuyOrderCompletedEvent"
        assert exchange.connector.in_flight_orders == {}

    run_virtual(scenario())


@both
@pytest.mark.parametrize(
    ("side", "price", "fills"),
    [
        (BUY, "101", [("100", "1"), ("101", "1.5")]),
        (SELL, "98", [("99", "1"), ("98", "1.5")]),
    ],
)
def test_a_taker_gets_the_best_price_first(
    name: str, side: TradeType, price: str, fills: list[tuple[str, str]], run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name, usdt=10_000, btc=5)
        order = await exchange.place(side, "2.5", price)
        assert exchange.fills(order) == pairs(*fills)
        assert exchange.end(order) == f"{side.name.capitalize()}OrderCompletedEvent"

    run_virtual(scenario())


@both
def test_a_market_order_walks_the_book(name: str, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name)
        order = await exchange.place(BUY, "1.5")
        assert exchange.fills(order) == pairs(("100", "1"), ("101", "0.5"))
        assert exchange.end(order) == "BuyOrderCompletedEvent"

    run_virtual(scenario())


@both
def test_a_market_order_that_exhausts_the_book_fails_after_its_fills(name: str, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name, usdt=10_000)
        order = await exchange.place(BUY, "5")
        assert exchange.fills(order) == pairs(("100", "1"), ("101", "2"))
        assert exchange.end(order) == "MarketOrderFailureEvent"
        assert venue_error_code(exchange.failure(order)) == "-2010"
        assert "the book is exhausted" in exchange.failure(order)
        assert exchange.of(order)[-1] is exchange.of(order, MarketOrderFailureEvent)[0]
        nothing_left = await exchange.place(BUY, "1")
        assert exchange.fills(nothing_left) == []
        assert venue_error_code(exchange.failure(nothing_left)) == "-2010"

    run_virtual(scenario())


@both
@pytest.mark.parametrize(("side", "price", "crossed"), [(BUY, "99.5", (98, 99.5)), (SELL, "99.5", (99.5, 101))])
def test_a_resting_order_is_filled_at_its_price_when_the_book_crosses_it(
    name: str, side: TradeType, price: str, crossed: tuple[float, float], run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name, usdt=10_000, btc=5)
        order = await exchange.place(side, "1", price)
        await exchange.tick()
        assert exchange.of(order, OrderFilledEvent) == []
        exchange.set_book(bids=[(crossed[0], 3)], asks=[(crossed[1], 3)])
        await exchange.tick()
        assert exchange.fills(order) == pairs(("99.50", "1"))
        assert exchange.end(order) == f"{side.name.capitalize()}OrderCompletedEvent"

    run_virtual(scenario())


@both
@pytest.mark.parametrize(("side", "beyond"), [(BUY, 99.4), (SELL, 99.6)])
def test_a_public_trade_fills_what_it_went_through_and_not_what_it_touched(
    name: str, side: TradeType, beyond: float, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name, usdt=10_000, btc=5)
        order = await exchange.place(side, "1", "99.5")
        await exchange.public_trade(99.5, 50)
        assert exchange.fills(order) == []
        await exchange.public_trade(beyond, 0.3)
        assert exchange.fills(order) == pairs(("99.50", "0.3"))
        await exchange.public_trade(beyond, 50)
        assert exchange.fills(order) == pairs(("99.50", "0.3"), ("99.50", "0.7"))
        assert exchange.end(order) == f"{side.name.capitalize()}OrderCompletedEvent"
        await exchange.public_trade(beyond, 50)
        assert len(exchange.fills(order)) == 2

    run_virtual(scenario())


def test_one_public_trade_is_shared_best_price_first(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(usdt=10_000)
        low, high = await exchange.place(BUY, "1", "99.1"), await exchange.place(BUY, "1", "99.5")
        await exchange.public_trade(99.0, 1.25)
        assert exchange.fills(high) == pairs(("99.50", "1"))
        assert exchange.fills(low) == pairs(("99.10", "0.25"))

    run_virtual(scenario())


@pytest.mark.parametrize(("name", "code"), [("binance", -2010), ("binance_perpetual", -5022)])
@pytest.mark.parametrize(("side", "taking", "resting"), [(BUY, "100", "99.99"), (SELL, "99", "99.01")])
def test_a_post_only_order_that_would_take_is_refused(
    name: str, code: int, side: TradeType, taking: str, resting: str, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name, usdt=10_000, btc=5)
        refused = await exchange.place(side, "1", taking, post_only=True)
        assert exchange.end(refused) == "MarketOrderFailureEvent"
        assert f'"code":{code},' in exchange.failure(refused)
        assert exchange.of(refused, OrderFilledEvent, *CREATIONS) == []
        accepted = await exchange.place(side, "1", resting, post_only=True)
        assert exchange.of(accepted, *CREATIONS)
        assert exchange.end(accepted) == ""

    run_virtual(scenario())


@pytest.mark.parametrize(("name", "code"), [("binance", -2010), ("binance_perpetual", -2019)])
@pytest.mark.parametrize("price", ["99", None])
def test_an_order_the_account_cannot_pay_is_refused(
    name: str, code: int, price: str | None, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name, usdt=100)
        order = await exchange.place(BUY, "2", price)
        assert exchange.end(order) == "MarketOrderFailureEvent"
        assert f'"code":{code},' in exchange.failure(order)
        assert exchange.free("USDT") == exchange.total("USDT") == 100

    run_virtual(scenario())


@both
@pytest.mark.parametrize(("amount", "price"), [("0.0009", "99"), ("0.02", "99"), ("0.0004", None), ("0.02", None)])
def test_an_order_below_the_minimum_is_refused_with_the_venues_code(
    name: str, amount: str, price: str | None, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name)
        order = await exchange.place(BUY, amount, price)
        assert exchange.end(order) == "MarketOrderFailureEvent"
        assert venue_error_code(exchange.failure(order)) == "-1013"

    run_virtual(scenario())


@both
def test_an_order_type_the_connector_lacks_is_refused(name: str, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name)
        kwargs: dict[str, Any] = {"position_action": PositionAction.OPEN}
        order = exchange.connector.buy(PAIR, Decimal(1), OrderType.AMM_SWAP, Decimal(99), **kwargs)
        await asyncio.sleep(1)
        assert venue_error_code(exchange.failure(order)) == "-1116"

    run_virtual(scenario())


@both
def test_a_cancel_frees_the_order_and_tells_of_it(name: str, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name)
        order = await exchange.place(BUY, "1", "99")
        assert exchange.free("USDT") < exchange.total("USDT") == 1_000
        await exchange.cancel(order)
        assert exchange.end(order) == "OrderCancelledEvent"
        assert exchange.free("USDT") == exchange.total("USDT") == 1_000
        await exchange.public_trade(50, 9)
        exchange.set_book(bids=[(49, 1)], asks=[(50, 9)])
        await exchange.tick()
        assert exchange.fills(order) == []

    run_virtual(scenario())


@both
def test_a_cancel_before_the_acknowledgement_leaves_nothing_behind(name: str, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name)
        order = await exchange.place(BUY, "1", "100", wait=False)
        await asyncio.sleep(0)
        await exchange.cancel(order)
        assert exchange.end(order)
        tracked = exchange.connector._order_tracker.fetch_order(order)
        assert exchange.connector._open_orders == {}
        assert tracked.is_done
        assert sum(amount for _, amount in exchange.fills(order)) == tracked.executed_amount_base

    run_virtual(scenario())


@both
def test_cancelling_what_is_not_there_is_refused(name: str, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name)
        order = await exchange.place(BUY, "0.5", "100")
        tracked = exchange.connector._order_tracker.fetch_order(order)
        with pytest.raises(VenueRejection, match="-2011") as refusal:
            await exchange.connector._place_cancel(order, tracked)
        assert refusal.value.code == -2011
        assert exchange.connector._is_order_not_found_during_cancelation_error(refusal.value)

    run_virtual(scenario())


@both
def test_the_status_of_an_order_is_told_while_open_after_its_end_and_refused_if_unknown(
    name: str, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name)
        order = await exchange.place(BUY, "2", "100")
        tracked = exchange.connector.in_flight_orders[order]
        update = await exchange.connector._request_order_status(tracked)
        assert update.new_state is OrderState.PARTIALLY_FILLED
        (trade,) = await exchange.connector._all_trade_updates_for_order(tracked)
        assert (trade.fill_price, trade.fill_base_amount) == (100, 1)
        await exchange.cancel(order)
        assert (await exchange.connector._request_order_status(tracked)).new_state is OrderState.CANCELED
        tracked.client_order_id = "elsewhere"
        with pytest.raises(VenueRejection, match="-2013") as refusal:
            await exchange.connector._request_order_status(tracked)
        assert exchange.connector._is_order_not_found_during_status_update_error(refusal.value)
        assert await exchange.connector._all_trade_updates_for_order(tracked) == []

    run_virtual(scenario())


@both
def test_the_same_offer_is_not_taken_twice(name: str, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name, usdt=10_000)
        first = await exchange.place(BUY, "1", "100")
        second = await exchange.place(BUY, "1", "100")
        assert exchange.fills(first) == pairs(("100", "1"))
        assert exchange.fills(second) == []
        await exchange.tick()
        third = await exchange.place(BUY, "1")
        assert exchange.fills(second) == []
        assert exchange.fills(third) == pairs(("101", "1"))
        exchange.set_book(bids=[(99, 1)], asks=[(100, 0.5), (101, 2)])
        await exchange.tick()
        assert exchange.fills(second) == pairs(("100", "0.5"))

    run_virtual(scenario())


@both
def test_a_fill_is_told_after_its_orders_creation(name: str, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name, usdt=10_000, btc=5)
        for side, price in ((BUY, "100"), (BUY, None), (SELL, "99"), (SELL, None)):
            order = await exchange.place(side, "0.3", price)
            kinds = [type(event).__name__ for event in exchange.of(order)]
            assert kinds == [
                f"{side.name.capitalize()}OrderCreatedEvent",
                "OrderFilledEvent",
                f"{side.name.capitalize()}OrderCompletedEvent",
            ]

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("name", "maker", "taker"), [("binance", "0.001", "0.001"), ("binance_perpetual", "0.0002", "0.0004")]
)
def test_fees_are_the_venues_and_paid_in_quote(name: str, maker: str, taker: str, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name, usdt=10_000)
        order = await exchange.place(BUY, "1.5", "100")
        await exchange.public_trade(99.9, 9)
        assert exchange.fees(order) == [100 * Decimal(taker), 50 * Decimal(maker)]
        (first, _) = exchange.of(order, OrderFilledEvent)
        assert first.trade_fee.flat_fees[0].token == "USDT"
        assert first.trade_fee.percent == 0
        told = exchange.connector.get_fee(
            "BTC",
            "USDT",
            OrderType.LIMIT,
            BUY,
            *([PositionAction.OPEN] if "perp" in name else []),
            Decimal(1),
            Decimal(1),
        )
        assert told.percent == Decimal(taker)
        assert exchange.connector.estimate_fee_pct(True) == Decimal(maker)

    run_virtual(scenario())


@both
def test_hummingbot_sums_what_an_order_paid(name: str, run_virtual: VirtualRun) -> None:
    """Executors read an order's fees through this."""

    async def scenario() -> None:
        exchange = PaperExchange(name)
        order = await exchange.place(BUY, "1.5")
        tracked = exchange.connector._order_tracker.fetch_order(order)
        assert tracked.cumulative_fee_paid("USDT") == sum(exchange.fees(order))
        assert tracked.executed_amount_base == Decimal("1.5")
        assert tracked.average_executed_price == Decimal("150.5") / Decimal("1.5")

    run_virtual(scenario())


ORDERS = st.tuples(
    st.sampled_from([BUY, SELL]),
    st.integers(1, 40).map(lambda tenths: str(Decimal(tenths) / 10)),
    st.sampled_from([None, "97", "98.5", "99", "99.5", "100", "100.5", "101", "103"]),
    st.booleans(),
    st.sampled_from(["", "cancel", "cancel at once", "trade", "book"]),
)


@both
def test_nothing_is_silent(name: str, run_virtual: VirtualRun) -> None:
    """Whatever is sent, each order ends in exactly one event, and fills and fees are all that moved the balances."""

    @settings(max_examples=25)
    @given(st.lists(ORDERS, min_size=1, max_size=6))
    def orders_end(wanted: list[tuple[TradeType, str, str | None, bool, str]]) -> None:
        async def scenario() -> None:
            exchange = PaperExchange(name, usdt=600, btc=0 if "perp" in name else 2)
            if "perp" in name:
                await exchange.set_mode(exchange.connector.supported_position_modes()[0])
            opening = exchange.connector.get_all_balances()
            ids = []
            for side, amount, price, post_only, then in wanted:
                order = await exchange.place(side, amount, price, post_only=post_only, wait=then != "cancel at once")
                ids.append(order)
                if then.startswith("cancel"):
                    await exchange.cancel(order)
                elif then == "trade":
                    await exchange.public_trade(98.7, 0.7)
                elif then == "book":
                    exchange.set_book(bids=[(97.5, 1.1)], asks=[(98, 0.9)])
                    await exchange.tick()
            for order in list(exchange.connector.in_flight_orders):
                await exchange.cancel(order)
            cash, base = Decimal(0), Decimal(0)
            for order in ids:
                assert exchange.end(order), "an order ended without an event"
                heard = exchange.of(order)
                assert isinstance(heard[-1], ENDS)
                if exchange.fills(order):
                    assert isinstance(heard[0], CREATIONS)
                tracked = exchange.connector._order_tracker.fetch_order(order)
                filled = sum((amount for _, amount in exchange.fills(order)), Decimal(0))
                assert filled == tracked.executed_amount_base <= tracked.amount
                sign = 1 if tracked.trade_type is BUY else -1
                base += sign * filled
                cash -= sum((sign * p * a for p, a in exchange.fills(order)), Decimal(0)) + sum(exchange.fees(order))
            if name == "binance":
                assert exchange.total("USDT") == opening["USDT"] + cash
                assert exchange.total("BTC") == opening["BTC"] + base
                assert exchange.free("BTC") == exchange.total("BTC") >= 0
                assert exchange.free("USDT") == exchange.total("USDT") >= 0
            assert exchange.connector._open_orders == {}
            assert exchange.connector._matching.pairs_with_orders() == []

        run_virtual(scenario())

    orders_end()


def test_answers_of_ended_orders_are_kept_within_a_bound(
    monkeypatch: pytest.MonkeyPatch, run_virtual: VirtualRun
) -> None:
    monkeypatch.setattr("shared.paper.connector._ENDED_ORDERS_KEPT", 2)

    async def scenario() -> None:
        exchange = PaperExchange()
        ids = [await exchange.place(BUY, "0.1", "100") for _ in range(3)]
        assert list(exchange.connector._ended_orders) == ids[1:]
        assert list(exchange.connector._trade_updates) == ids[1:]

    run_virtual(scenario())


@both
def test_the_book_may_move_while_a_market_order_travels(name: str, run_virtual: VirtualRun) -> None:
    """It was accepted at 100; by the time it is acknowledged the account can pay a part of it at most."""

    async def scenario() -> None:
        exchange = PaperExchange(name, usdt=102)

        def move(_: Any) -> None:
            exchange.set_book(bids=[(109, 1)], asks=[(110, 1)])

        listener = EventForwarder(move)
        exchange.connector.add_listener(MarketEvent.BuyOrderCreated, listener)
        order = await exchange.place(BUY, "1")
        assert exchange.end(order)
        assert exchange.connector._open_orders == {}

    run_virtual(scenario())


@both
def test_a_cancel_told_twice_is_one_event(name: str, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(name)
        order = await exchange.place(BUY, "1", "99")
        exchange.connector.cancel(PAIR, order)
        exchange.connector.cancel(PAIR, order)
        await asyncio.sleep(1)
        assert len(exchange.of(order, OrderCancelledEvent)) == 1

    run_virtual(scenario())
