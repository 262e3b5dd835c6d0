"""What the feeds, the server and health of a sidecar are made to do, with nothing connected to."""

from types import SimpleNamespace
from typing import Any

import pytest

from shared.domain.stored import Timeframe
from shared.sidecar import health_watch, http_server
from shared.sidecar.feeds import sources
from shared.sidecar.feeds.feeds import Feeds
from shared.sidecar.feeds.wanted import TooManyPairs
from shared.wire.feed_messages import Subscription
from tests.unit.sidecar.feeds.feed_samples import History
from tests.unit.sidecar.feeds.test_prices import Marks
from tests.unit.sidecar.feeds.told_machine import Machine

_MINUTES = Subscription("BTC-USDT", Timeframe.MINUTE, 1)


def watch_feeds(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A list that gets what each source is made of, where the server listens, and whom health tells how often."""
    seen: list[Any] = []

    def made(name: str, thing: Any) -> Any:
        def make(*given: Any, **named: Any) -> Any:
            # A source of chance is no setting.
            plain = [each for each in given if isinstance(each, str | int | None)]
            seen.append((name, plain, named))
            return thing()

        return make

    for name, thing in (
        ("PolygonStream", lambda: Machine("polygon")),
        ("PolygonHistory", History),
        ("BinanceStream", Machine),
        ("BinanceHistory", History),
        ("CoinGeckoPrices", Marks),
    ):
        monkeypatch.setattr(sources, name, made(name, thing))
    monkeypatch.setenv("POLYGON_API_KEY", "a-key")
    for absent in ("RECOVERY_VENUE_URL", "RECOVERY_ALERT_WEBHOOK", "RECOVERY_SIDECAR_TOKEN", "COINGECKO_API_KEY"):
        monkeypatch.delenv(absent, raising=False)

    def listen(config: Any) -> Any:
        seen.append(("listens", config.host, config.port))
        return SimpleNamespace(getsockname=lambda: (config.host, config.port), close=lambda: None)

    def health(_: str, looks: Any, period_s: int, told: list[Any]) -> Any:
        seen.append(("health", period_s, len(told), looks._stale_after_s))
        return SimpleNamespace(name="health", watch=lambda watched: None)

    monkeypatch.setattr(http_server, "_listen", listen)
    monkeypatch.setattr(health_watch, "HealthService", health)
    return seen


def feeds_doings(feeds: Feeds) -> tuple[Any, ...]:
    """Whom they follow, when there is no room, who goes without minutes, and when candles are stale."""
    feeds.wanted.touch("ETH-USDT", 1)
    feeds.wanted.touch("XRP-USDT", 1)
    for _ in range(3):
        feeds.wanted.limited()
    try:
        feeds.wanted.require_room(["ADA-USDT", "DOT-USDT", "SOL-USDT"])
        room = ""
    except TooManyPairs as error:
        room = str(error)
    followed = {source: feeds.wanted.ranked(source) for source in feeds.books}
    return followed, feeds.wanted.shed, room, feeds.serving.window(_MINUTES).stale_after_s
