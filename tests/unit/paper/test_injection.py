"""Our connectors stand where Hummingbot makes its own, once, for every connector of the right kind."""

from collections.abc import Iterator
from typing import Any

import hummingbot.connector.exchange.paper_trade as paper_trade
import hummingbot.core.connector_manager as connector_manager
import pytest
from hummingbot.connector.derivative.binance_perpetual.binance_perpetual_derivative import BinancePerpetualDerivative
from hummingbot.connector.exchange.binance.binance_exchange import BinanceExchange
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig
from hummingbot.data_feed.market_data_provider import MarketDataProvider

from shared.paper import injection
from shared.paper.perpetual import PerpetualPaperConnector
from shared.paper.spot import SpotPaperConnector
from tests.conftest import VirtualRun


@pytest.fixture
def installed() -> Iterator[None]:
    injection.install()
    return


@pytest.mark.usefixtures("installed")
def test_hummingbot_makes_our_connectors() -> None:
    assert paper_trade.create_paper_trade_market is injection.create_paper_trade_market
    assert connector_manager.create_paper_trade_market is injection.create_paper_trade_market


@pytest.mark.usefixtures("installed")
def test_installing_again_changes_nothing() -> None:
    candles, create = dict(CandlesFactory._candles_map), MarketDataProvider._create_non_trading_connector
    injection.install()
    assert candles == CandlesFactory._candles_map
    assert MarketDataProvider._create_non_trading_connector is create


@pytest.mark.usefixtures("installed")
def test_each_candle_feed_is_known_by_its_paper_name_too() -> None:
    feeds = CandlesFactory._candles_map
    real = {name for name in feeds if not name.endswith(injection.SUFFIX)}
    assert {"binance", "binance_perpetual"} <= real
    assert all(feeds[f"{name}{injection.SUFFIX}"] is feeds[name] for name in real)
    assert not any(name.endswith(2 * injection.SUFFIX) for name in feeds)


@pytest.mark.usefixtures("installed")
def test_a_paper_candle_feed_is_the_venues(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        names = ("binance", "binance_paper_trade")
        feeds = [CandlesFactory.get_candle(CandlesConfig(connector=name, trading_pair="BTC-USDT")) for name in names]
        assert type(feeds[0]) is type(feeds[1])

    run_virtual(scenario())


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("asked", "real"), [("binance_paper_trade", BinanceExchange), ("binance", BinanceExchange)])
def test_public_data_comes_from_the_real_connector(asked: str, real: type[Any], run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        connector = MarketDataProvider(connectors={})._create_non_trading_connector(asked)
        assert type(connector) is real

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("name", "mixin", "real"),
    [
        ("binance", SpotPaperConnector, BinanceExchange),
        ("binance_perpetual", PerpetualPaperConnector, BinancePerpetualDerivative),
    ],
)
def test_a_paper_class_is_the_real_class_behind_our_account(name: str, mixin: type[Any], real: type[Any]) -> None:
    found = injection.paper_class(name)
    assert issubclass(found, mixin)
    assert issubclass(found, real)
    assert found.__mro__.index(mixin) < found.__mro__.index(real)
    assert found is injection.paper_class(name)
    assert found.paper_base_name == name


@pytest.mark.parametrize("name", ["nonesuch", "binance_paper_trade"])
def test_an_unknown_connector_is_named(name: str) -> None:
    with pytest.raises(
        injection.UnknownConnector, match=f"connector_name = {name}_paper_trade: Hummingbot has no connector {name}"
    ):
        injection.paper_class(name)


def test_a_connector_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gateway:
        """No order book."""

    injection.paper_class.cache_clear()
    monkeypatch.setattr(injection, "get_connector_class", lambda name: Gateway)
    with pytest.raises(injection.UnknownConnector, match="Gateway is no order-book connector"):
        injection.paper_class("binance")
    injection.paper_class.cache_clear()


@pytest.mark.parametrize(
    ("name", "base"), [("binance_paper_trade", "binance"), ("binance", "binance"), ("paper_trade_x", "paper_trade_x")]
)
def test_base_names(name: str, base: str) -> None:
    assert injection.base_name(name) == base
