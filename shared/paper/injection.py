"""Put our paper connectors where Hummingbot makes its own, without changing a file of Hummingbot.

Importing `shared.bot` calls `install()`, and scripts and controllers import `shared.bot`, so any bot that runs one of them
has it. Safe to call again.
"""

from decimal import Decimal
from functools import cache
from typing import Any

import hummingbot.connector.exchange.paper_trade as paper_trade
import hummingbot.core.connector_manager as connector_manager
from hummingbot.client.config.config_helpers import get_connector_class
from hummingbot.client.settings import AllConnectorSettings
from hummingbot.connector.exchange_py_base import ExchangePyBase
from hummingbot.connector.perpetual_derivative_py_base import PerpetualDerivativePyBase
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from hummingbot.data_feed.market_data_provider import MarketDataProvider

from shared.paper.perpetual import PerpetualPaperConnector
from shared.paper.spot import SpotPaperConnector

SUFFIX = "_paper_trade"


class UnknownConnector(ValueError):
    """There is no such connector, or it is of a kind that cannot be traded on paper."""


def base_name(connector_name: str) -> str:
    """The real connector behind a paper one, e.g. "binance" for "binance_paper_trade"."""
    return connector_name.removesuffix(SUFFIX)


@cache
def paper_class(exchange_name: str) -> type[Any]:
    """The paper connector over the real connector `exchange_name`.

    Raises:
        UnknownConnector: No connector of that name, or one that is no order-book exchange.
    """
    if exchange_name.endswith(SUFFIX) or exchange_name not in AllConnectorSettings.get_connector_settings():
        raise UnknownConnector(f"connector_name = {exchange_name}{SUFFIX}: Hummingbot has no connector {exchange_name}")
    real = get_connector_class(exchange_name)
    if issubclass(real, PerpetualDerivativePyBase):
        bases: tuple[type, ...] = (PerpetualPaperConnector, real)
    elif issubclass(real, ExchangePyBase):
        bases = (SpotPaperConnector, real)
    else:
        raise UnknownConnector(f"connector_name = {exchange_name}{SUFFIX}: {real.__name__} is no order-book connector")
    return type(f"Paper{real.__name__}", bases, {"paper_base_name": exchange_name})


def create_paper_trade_market(exchange_name: str, trading_pairs: list[str]) -> Any:
    """Make a paper connector; same signature as Hummingbot's function of this name."""
    setting = AllConnectorSettings.get_connector_settings()[exchange_name]
    known = AllConnectorSettings.paper_trade_connectors_names
    if exchange_name not in known:
        # Those of the client settings, no perpetual among them; hbot fails on a connector that has no settings.
        AllConnectorSettings.initialize_paper_trade_settings([*known, exchange_name])
    parameters = setting.conn_init_parameters(
        trading_pairs=trading_pairs,
        trading_required=True,
        api_keys=MarketDataProvider.get_connector_config_map(exchange_name),
        balance_asset_limit={},
        rate_limits_share_pct=Decimal(100),
    )
    return paper_class(exchange_name)(**setting.add_domain_parameter(parameters))


def install() -> None:
    """Make every `*_paper_trade` connector one of ours, and its name known wherever Hummingbot looks names up."""
    # Both modules hold the function under its name (20260126 and 20260922: connector_manager imports it directly).
    paper_trade.create_paper_trade_market = create_paper_trade_market
    connector_manager.create_paper_trade_market = create_paper_trade_market
    candles = CandlesFactory._candles_map
    candles.update({f"{name}{SUFFIX}": feed for name, feed in list(candles.items()) if not name.endswith(SUFFIX)})
    if getattr(MarketDataProvider, "_reads_paper_names", False):
        return
    stock_create = MarketDataProvider._create_non_trading_connector

    def create_public_connector(self: Any, connector_name: str) -> Any:
        return stock_create(self, base_name(connector_name))

    MarketDataProvider._create_non_trading_connector = create_public_connector
    MarketDataProvider._reads_paper_names = True
