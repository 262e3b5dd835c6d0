"""Polygon's websocket of crypto aggregates: greeting, key, subscriptions, minute bars.

The account has a number of connections, usually one. Polygon accepts one too many, its key and its subscriptions, and only then
says max_connections and closes with 1008; so that counts as a fault of the account, which a new connection only makes worse.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.domain.bars import Series
from shared.domain.stored import Timeframe
from shared.wire import polygon_messages
from shared.wire.dialect import Heard, Said
from shared.wire.link_table import Event
from shared.wire.patience import Patience
from shared.wire.reconnection import Reconnection
from shared.wire.stream import Complaint, Malformed
from shared.wire.stream_life import StreamLife


class PolygonDialect:
    """Polygon's words.

    Args:
        url: Its websocket without the market, e.g. "wss://socket.massive.com".
        api_key: Its key. It leaves this object in `credentials` alone.
    """

    source = "polygon"
    opening = Event.OPENED
    symbols_a_request = 200

    def __init__(self, url: str, api_key: str) -> None:
        if not api_key:
            raise ValueError("Polygon's key is empty: it sends nothing without one")
        self.address = f"{url}/crypto"
        self._api_key = api_key

    def credentials(self) -> str:
        """The message that proves who we are."""
        return json.dumps({"action": "auth", "params": self._api_key})

    def series(self, symbol: str) -> tuple[str, Series]:
        """Messages call "BTC-USD" by that name."""
        return symbol, Series(self.source, symbol, Timeframe.MINUTE)

    def subscribe(self, symbols: Sequence[str]) -> str:
        """The message that asks for these symbols' minute bars."""
        return _request("subscribe", symbols)

    def unsubscribe(self, symbols: Sequence[str]) -> str:
        """The message that ends that."""
        return _request("unsubscribe", symbols)

    def read(self, message: str | bytes, series: Mapping[str, Series]) -> Sequence[Heard]:
        """What a message says. Should it repeat the key, then that is taken out of what may get into a log."""
        return [self._without_key(heard) for heard in polygon_messages.read(message, series)]

    def _without_key(self, heard: Heard) -> Heard:
        match heard:
            case Said():
                return replace(heard, cause=self._hide(heard.cause))
            case Complaint():
                return replace(heard, text=self._hide(heard.text))
            case Malformed():
                return replace(heard, reason=self._hide(heard.reason), excerpt=self._hide(heard.excerpt))
            case _:
                return heard

    def _hide(self, text: str) -> str:
        return text.replace(self._api_key, "(key)")


def _request(action: str, symbols: Sequence[str]) -> str:
    return json.dumps({"action": action, "params": ",".join(f"XA.{symbol}" for symbol in symbols)})


class PolygonStream(StreamLife):
    """Polygon's minute bars of crypto pairs. Symbols are in its own quote: "BTC-USD".

    Args:
        url: Its websocket without the market, e.g. "wss://socket.massive.com".
        api_key: Its key.
        rng: Spreads the waits.
        canary: A symbol that has a bar in each minute.
        patience: How long things may take.
    """

    def __init__(
        self, url: str, api_key: str, rng: random.Random, *, canary: str | None = None, patience: Patience | None = None
    ) -> None:
        super().__init__(
            PolygonDialect(url, api_key), Reconnection(rng), patience or Patience(), canary=canary, requests_a_second=10
        )
