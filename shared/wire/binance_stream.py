"""Binance's websocket of one-minute klines: no greeting and no key; the limits are the address's.

Five messages a second to the server, pongs among them; 1,024 streams and 24 hours a connection; a blocked country is told by
HTTP 451. See "WebSocket Streams for Binance", general information.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

from shared.domain.bars import Series
from shared.domain.stored import Timeframe
from shared.wire import binance_messages
from shared.wire.dialect import Heard
from shared.wire.link_table import Event
from shared.wire.patience import Patience
from shared.wire.reconnection import Reconnection
from shared.wire.stream_life import StreamLife

# Of the five messages a second two are left for a ping of ours and a pong.
_REQUESTS_A_SECOND = 3
_MOST_STREAMS = 1024
# Ten minutes before Binance ends the connection, perhaps in the middle of a minute's last kline.
_LIFE_S = 24 * 3600.0 - 600.0


class BinanceDialect:
    """Binance's words.

    Args:
        url: Its websocket, e.g. "wss://stream.binance.com:9443".
    """

    source = "binance"
    opening = Event.AUTHENTICATED
    symbols_a_request = 100

    def __init__(self, url: str) -> None:
        self.address = f"{url}/stream"
        self._ids = count(1)

    def credentials(self) -> str:
        """There are none to give."""
        raise NotImplementedError("Binance asks for no key")

    def series(self, symbol: str) -> tuple[str, Series]:
        """Messages call "BTC-USDT" BTCUSDT."""
        return symbol.replace("-", ""), Series(self.source, symbol, Timeframe.MINUTE)

    def subscribe(self, symbols: Sequence[str]) -> str:
        """The message that asks for these symbols' one-minute klines."""
        return self._request("SUBSCRIBE", symbols)

    def unsubscribe(self, symbols: Sequence[str]) -> str:
        """The message that ends that."""
        return self._request("UNSUBSCRIBE", symbols)

    def read(self, message: str | bytes, series: Mapping[str, Series]) -> Sequence[Heard]:
        """What a message says."""
        return binance_messages.read(message, series)

    def _request(self, method: str, symbols: Sequence[str]) -> str:
        streams = [f"{symbol.replace('-', '').lower()}@kline_1m" for symbol in symbols]
        return json.dumps({"method": method, "params": streams, "id": next(self._ids)})


def _with_an_end(patience: Patience) -> Patience:
    return patience if patience.life_s is not None else replace(patience, life_s=_LIFE_S)


class BinanceStream(StreamLife):
    """Binance's one-minute klines of spot pairs. Symbols are in its own quote: "BTC-USDT". Open klines are reported too.

    Args:
        url: Its websocket, e.g. "wss://stream.binance.com:9443".
        rng: Spreads the waits.
        canary: A symbol that is traded in each minute.
        patience: How long things may take; where it gives a connection no end, that is ten minutes before Binance does.
    """

    def __init__(
        self, url: str, rng: random.Random, *, canary: str | None = None, patience: Patience | None = None
    ) -> None:
        super().__init__(
            BinanceDialect(url),
            Reconnection(rng),
            _with_an_end(patience or Patience()),
            canary=canary,
            requests_a_second=_REQUESTS_A_SECOND,
            most_symbols=_MOST_STREAMS,
        )
