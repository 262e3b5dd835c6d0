"""A stream's state machine that does as the test tells it; nothing is connected to."""

import asyncio
from collections.abc import Sequence

from shared.wire.stream import Action, Link, Moved, News


class Machine:
    """A connection's life as the test tells it."""

    def __init__(self, source: str = "binance") -> None:
        self.source = source
        self.link = Link.IDLE
        self.news: list[News] = []
        self.wanted: list[frozenset[str]] = []
        self.renewed: list[frozenset[str]] = []
        self.allowed: list[bool] = []

    @property
    def due_s(self) -> float:
        return asyncio.get_running_loop().time() + 0.5

    def tick(self, now_s: float) -> Sequence[Action]:
        news, self.news = self.news, []
        return news

    def move(self, link: Link, cause: str = "") -> None:
        self.news.append(Moved(self.source, self.link, link, cause))
        self.link = link

    def want(self, symbols: frozenset[str], now_s: float) -> Sequence[Action]:
        self.wanted.append(symbols)
        return ()

    def renew(self, symbols: frozenset[str], now_s: float) -> Sequence[Action]:
        self.renewed.append(symbols)
        return ()

    def allow(self, is_allowed: bool, now_s: float) -> Sequence[Action]:
        self.allowed.append(is_allowed)
        return ()
