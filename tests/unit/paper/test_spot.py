"""The spot account behind the paper connector: locked while an order is open, moved by its fills, free after its end."""

from decimal import ROUND_DOWN, Decimal

from hummingbot.core.data_type.common import TradeType

from tests.conftest import VirtualRun
from tests.unit.paper.paper_exchange import PaperExchange

BUY, SELL = TradeType.BUY, TradeType.SELL


def test_a_buy_locks_quote_with_its_fee_and_a_sell_locks_base(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(usdt=1_000, btc=3)
        await exchange.place(BUY, "2", "99")
        assert exchange.free("USDT") == 1_000 - 198 - Decimal("0.198")
        assert exchange.total("USDT") == 1_000
        await exchange.place(SELL, "2", "101")
        assert exchange.free("BTC") == 1
        assert exchange.total("BTC") == 3
        assert exchange.connector.paper_balances() == {"USDT": 1_000, "BTC": 3}

    run_virtual(scenario())


def test_fills_move_the_balances_and_the_end_frees_the_rest(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(usdt=1_000)
        order = await exchange.place(BUY, "2", "100")
        assert exchange.total("USDT") == 1_000 - 100 - Decimal("0.1")
        assert exchange.total("BTC") == exchange.free("BTC") == 1
        # What is left of the lock: one base at the limit, with its fee.
        assert exchange.free("USDT") == exchange.total("USDT") - 100 - Decimal("0.1")
        await exchange.cancel(order)
        assert exchange.free("USDT") == exchange.total("USDT") == Decimal("899.9")
        await exchange.place(SELL, "1")
        assert exchange.total("BTC") == exchange.free("BTC") == 0
        assert exchange.total("USDT") == exchange.free("USDT") == Decimal("899.9") + 99 - Decimal("0.099")

    run_virtual(scenario())


def test_a_limit_order_filled_below_its_limit_frees_the_difference(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(usdt=1_000)
        order = await exchange.place(BUY, "1", "500")
        assert exchange.end(order) == "BuyOrderCompletedEvent"
        assert exchange.free("USDT") == exchange.total("USDT") == Decimal("899.9")

    run_virtual(scenario())


def test_what_one_order_holds_another_cannot_use(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange(usdt=1_000)
        held = await exchange.place(BUY, "8", "99")
        refused = await exchange.place(BUY, "3", "99")
        assert exchange.end(refused) == "MarketOrderFailureEvent"
        assert "297.297" in exchange.failure(refused), "it says what was needed"
        await exchange.cancel(held)
        accepted = await exchange.place(BUY, "3", "98")
        assert exchange.end(accepted) == ""

    run_virtual(scenario())


def test_the_client_sets_opening_balances_as_it_reads_them(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange()
        exchange.connector.set_balance("ETH", 0.1)
        assert exchange.total("ETH") == exchange.free("ETH") == Decimal("0.1")

    run_virtual(scenario())


def test_an_order_for_all_the_money_fills_in_parts(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        exchange = PaperExchange()
        rule = exchange.connector._trading_rules["BTC-USDT"]
        rule.min_base_amount_increment = Decimal("0.00001")
        notional = Decimal("99.01") * Decimal("0.1011")
        exchange.connector.set_balance("USDT", notional + (notional / 1000).quantize(Decimal("1e-8"), ROUND_DOWN))
        exchange.set_book(bids=[(98, 1)], asks=[(100, 1)])
        order = await exchange.place(BUY, "0.1011", "99.01")
        assert exchange.free("USDT") == 0
        await exchange.public_trade(99, 0.05055)
        await exchange.public_trade(99, 0.05055)
        assert exchange.end(order) == "BuyOrderCompletedEvent"

    run_virtual(scenario())
