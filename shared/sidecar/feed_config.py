"""What conf/sidecar.yml says of prices: which sources, which pairs, where the bot gets its candles."""

import ipaddress
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic import field_validator as check

from shared.sidecar.settings import Count, Settings, Switch, setting

_PAIR = re.compile(r"[A-Z0-9]+-[A-Z0-9]+")
SOURCES = ("polygon", "binance", "coingecko")
_A_PAIR = "a trading pair such as BTC-USDT"
_AN_IP_ADDRESS = "an IP address such as 127.0.0.1"


def _read_pair(value: str) -> str:
    if not _PAIR.fullmatch(value):
        raise ValueError(f"must be {_A_PAIR}")
    return value


def _read_ip_address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(f"must be {_AN_IP_ADDRESS}") from None


def _address(*schemes: str) -> Any:
    allowed = " or ".join(f"{scheme}://HOST" for scheme in schemes)

    def read(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"must be an address, {allowed}")
        return value.rstrip("/")

    return AfterValidator(read)


Pair = Annotated[str, AfterValidator(_read_pair)]
RestUrl = Annotated[str, _address("https", "http")]
StreamUrl = Annotated[str, _address("wss", "ws")]


class PolygonConfig(Settings):
    """Polygon, by its present name Massive. Its key is POLYGON_API_KEY in the environment; without one it is left out."""

    rest_url: RestUrl = Field(description="Its REST interface")
    stream_url: StreamUrl = Field(description="Its websocket, without the market")
    calls_per_minute: Count = Field(ge=1, le=6000, description="REST calls the plan allows a minute")


class BinanceConfig(Settings):
    """Binance's public market data; no key."""

    rest_url: RestUrl = Field(description="Its REST interface")
    stream_url: StreamUrl = Field(description="Its websocket")
    weight_per_minute: Count = Field(
        ge=100, le=6000, description="Request weight to use a minute, of the 6,000 an address has"
    )


class CoinGeckoConfig(Settings):
    """CoinGecko: prices to check others against, never bars. Its key, if any, is COINGECKO_API_KEY in the environment."""

    rest_url: RestUrl = Field(description="Its REST interface: that of the demo plan or that of the paid ones")
    calls_per_minute: Count = Field(ge=1, le=1000, description="Calls the plan allows a minute")
    poll_s: Count = Field(ge=10, le=3600, description="Seconds between two looks")


class FeedsConfig(Settings):
    """Where candles come from."""

    sources: Annotated[tuple[str, ...], Field(min_length=1)] = setting(
        "Sources, the preferred one first", f"a list of {', '.join(SOURCES)}"
    )
    pairs: tuple[Pair, ...] = setting("Pairs to record whether a bot asks for them or not", f"a list of {_A_PAIR}")
    canary: Pair = setting("A pair so liquid that each of its minutes has a bar", _A_PAIR)
    max_pairs: Count = Field(ge=1, le=500, description="Pairs served at once")
    shed_to_pairs: Count = Field(ge=1, le=500, description="Pairs kept on one-minute bars while limits bite")
    stale_after_s: Count = Field(ge=60, le=3600, description="Age of the newest bar at which no new entry is allowed")
    polygon: PolygonConfig
    binance: BinanceConfig
    coingecko: CoinGeckoConfig

    @check("sources")
    @classmethod
    def _known_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not set(value) <= set(SOURCES) or len(set(value)) != len(value):
            raise ValueError(f"must be a list of {', '.join(SOURCES)}, each at most once")
        return value


class ServerConfig(Settings):
    """The sidecar's own HTTP address: candles for the bot, /health and /metrics."""

    host: Annotated[str, AfterValidator(_read_ip_address)] = setting(
        "Address to listen on; any but a loopback one needs RECOVERY_SIDECAR_TOKEN", _AN_IP_ADDRESS
    )
    port: Count = Field(ge=0, le=65535, description="Port to listen on; 0 takes a free one")


class AlertsConfig(Settings):
    """Who is told of a change for the worse, or back. A webhook's address is RECOVERY_ALERT_WEBHOOK in the environment."""

    period_s: Count = Field(ge=60, le=86_400, description="At most one alert a cause in this time")
    notify_hummingbot: Switch = Field(description="Tell them in the Hummingbot console too")
