"""Candles of the sidecar in Hummingbot's own feed: closed ones only, never a gap, kept through every loss of the connection."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hummingbot.core.network_base import NetworkStatus
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig
from hummingbot.data_feed.market_data_provider import MarketDataProvider

from shared.bot.feed_candles import NAME, RecoveryFeed, feed_of, serves
from shared.domain.feed_status import Mode
from shared.domain.signals import Refusal
from shared.domain.stored import Timeframe
from shared.wire.feed_messages import FeedProtocolError, FeedRefusal, ModeChange
from tests.unit.bot.feed_server import PAIR, START_S, FeedServer, close, on_virtual_time, until, window


def feed(max_records: int = 100, interval: str = "1m", pair: str = PAIR) -> RecoveryFeed:
    """One as Hummingbot makes it."""
    made = CandlesFactory.get_candle(
        CandlesConfig(connector=NAME, trading_pair=pair, interval=interval, max_records=max_records)
    )
    assert isinstance(made, RecoveryFeed)
    return made


def closes(of: RecoveryFeed) -> list[float]:
    return list(of.candles_df["close"])


async def started(*feeds: RecoveryFeed) -> None:
    for each in feeds:
        each.start()
    await until(lambda: all(each.ready for each in feeds))


async def stopped(*feeds: RecoveryFeed) -> None:
    for each in feeds:
        each.stop()
        await each.stop_network()


def test_hummingbot_knows_it_by_name() -> None:
    assert serves(NAME)
    assert not serves("binance")
    assert not serves("")
    made = feed(7)
    assert (made.name, made.interval, made.interval_in_seconds, made.max_records) == (NAME, "1m", 60, 7)
    assert made.candles_df.empty
    assert not made.ready
    assert asyncio.run(made.check_network()) is NetworkStatus.CONNECTED


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"interval": "3d"},
            "interval = 3d: must be one of 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d with recovery_feed",
        ),
        ({"max_records": 0}, "max_records = 0: must be 1 to 1500 with recovery_feed and interval = 1m"),
        ({"max_records": 1501}, "max_records = 1501: must be 1 to 1500 with recovery_feed and interval = 1m"),
        (
            {"interval": "5m", "max_records": 300},
            "max_records = 300: must be 1 to 299 with recovery_feed and interval = 5m",
        ),
        ({"pair": "btc"}, "pair = 'btc': must be a trading pair such as BTC-USDT"),
    ],
)
def test_what_the_sidecar_does_not_serve_is_refused_at_once(asked: dict[str, Any], told: str) -> None:
    with pytest.raises(FeedProtocolError) as refused:
        feed(**asked)
    assert str(refused.value) == told


def test_history_first_then_each_candle_as_it_closes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(server: FeedServer) -> None:
        made = feed(4)
        await started(made)
        frame = made.candles_df
        assert list(frame.columns) == RecoveryFeed.columns
        assert list(frame["timestamp"]) == [START_S - 180, START_S - 120, START_S - 60]
        assert closes(made) == [97, 98, 99]
        assert made.quote == "USD"
        await server.tell(close(0, 100), close(1, 101))
        await until(lambda: len(made.candles_df) == 4 and closes(made)[-1] == 101)
        assert closes(made) == [98, 99, 100, 101]
        await server.tell(close(-1, 50, revision=1), close(-9, 1, revision=1))  # the second lies before the window
        await until(lambda: 50 in closes(made))
        assert closes(made) == [98, 50, 100, 101]
        await stopped(made)

    on_virtual_time(use, tmp_path, monkeypatch, window(3))


def test_a_length_nobody_serves_is_made_of_whole_shorter_candles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(server: FeedServer) -> None:
        made = feed(2, "5m")
        await started(made)
        assert server.asked[-1][0].limit == 14
        assert list(made.candles_df["timestamp"]) == [START_S - 600, START_S - 300]
        assert (made.candles_df[["open", "high", "low", "close", "volume"]].iloc[-1] == [95, 99, 95, 99, 5]).all()
        await server.tell(*(close(place, 200 + place) for place in range(4)))
        await until(lambda: made.view.rows[-1][4] == 203)
        assert list(made.candles_df["timestamp"]) == [START_S - 600, START_S - 300]
        await server.tell(close(4, 150))
        await until(lambda: closes(made)[-1] == 150)
        assert list(made.candles_df["timestamp"]) == [START_S - 300, START_S]
        assert made.candles_df["high"].iloc[-1] == 203
        await stopped(made)

    on_virtual_time(use, tmp_path, monkeypatch, window(50))


def test_a_longer_candle_is_ready_once_one_must_be_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(server: FeedServer) -> None:
        made = feed(50, "5m")
        made.start()
        await until(lambda: made.view.has_window)
        for place in range(8 - 3):
            assert not made.ready
            await server.tell(close(place))
            await until(lambda place=place: made.view.rows[-1][0] == START_S + 60 * place)
        assert not made.ready
        await server.tell(close(5))
        await until(lambda: made.ready)
        assert len(made.candles_df) == 1
        await stopped(made)

    on_virtual_time(use, tmp_path, monkeypatch, window(3))


def test_another_source_replaces_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(server: FeedServer) -> None:
        made = feed()
        await started(made)
        await server.tell(window(2, generation=2, source="binance", quote="USDT"), close(0, 7, generation=2))
        await until(lambda: closes(made)[-1] == 7)
        assert closes(made) == [98, 99, 7]
        assert made.quote == "USDT"
        await stopped(made)

    on_virtual_time(use, tmp_path, monkeypatch, window(50))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{}", id="nothing of the protocol"),
        pytest.param('{"type":"splice"}', id="unknown"),
        pytest.param("[" * 100_000, id="deeply nested"),
        pytest.param(
            '{"type":"candle","pair":"BTC-USDT","interval":"1m","generation":1,"revision":0,'
            f'"candle":[{(START_S + 60) * 1000},"1","1","1","1","1"]}}',
            id="a candle after a hole",
        ),
        pytest.param(
            '{"type":"candle","pair":"BTC-USDT","interval":"1m","generation":2,"revision":0,'
            f'"candle":[{START_S * 1000},"1","1","1","1","1"]}}',
            id="a candle of another window",
        ),
    ],
)
def test_after_what_cannot_be_there_is_a_new_window(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(server: FeedServer) -> None:
        made = feed()
        await started(made)
        server.windows[PAIR, Timeframe.MINUTE] = window(5, generation=8)
        await server.tell_text(text)
        await until(lambda: len(made.candles_df) == 5)
        assert server.handshakes == 2
        await stopped(made)

    on_virtual_time(use, tmp_path, monkeypatch, window(3))


def test_one_connection_serves_all_feeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(server: FeedServer) -> None:
        short, long, hour = feed(2), feed(30), feed(2, "1h")
        await started(short, long, hour)
        assert server.handshakes == 1
        assert {each.limit for each in server.asked[-1]} == {30, 2}
        assert len(closes(short)) == 2
        assert len(closes(long)) == 30
        late = feed(2)  # its subscription was made before; it has its window all the same
        await started(late)
        assert closes(late) == closes(short)
        await stopped(short, late)
        await server.tell(close(0, 7))
        await until(lambda: closes(long)[-1] == 7)
        assert closes(short)[-1] == 99
        await stopped(long, hour)
        server.asked.clear()
        await asyncio.sleep(30)
        assert (server.handshakes, server.asked) == (1, [])

    on_virtual_time(use, tmp_path, monkeypatch, window(50), window(3, interval=Timeframe.HOUR))


def test_a_longer_feed_takes_the_place_of_a_shorter_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Hummingbot's provider does it when a second controller needs more candles."""

    async def use(server: FeedServer) -> None:
        provider = MarketDataProvider({})
        short = provider.get_candles_feed(
            CandlesConfig(connector=NAME, trading_pair=PAIR, interval="1m", max_records=2)
        )
        await until(lambda: provider.ready)
        config = CandlesConfig(connector=NAME, trading_pair=PAIR, interval="1m", max_records=40)
        assert feed_of(provider, config) is not short
        await until(lambda: provider.ready)
        assert len(provider.get_candles_df(NAME, PAIR, "1m", 40)) == 40
        assert list(provider.get_candles_df(NAME, PAIR, "1m", 1)["close"]) == [99]
        assert feed_of(provider, CandlesConfig(connector="nonesuch", trading_pair=PAIR)) is None
        provider.stop()
        await asyncio.sleep(1)

    on_virtual_time(use, tmp_path, monkeypatch, window(50))


def test_it_is_ready_with_what_there_is_and_stays_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One feed that is not ready stops every controller of the process."""

    async def use(server: FeedServer) -> None:
        young, unknown = feed(500), feed(pair="NEW-USDT")
        await started(young)
        await until(lambda: len(server.asked[-1]) == 1)
        unknown.start()
        await until(lambda: server.asked[-1][-1].pair == "NEW-USDT")
        assert not unknown.ready
        await server.tell(FeedRefusal("NEW-USDT", Timeframe.MINUTE, "no source has it"))
        await until(lambda: unknown.ready)
        assert unknown.refusal() is Refusal.FEED_STALE
        await server.stop()
        await asyncio.sleep(3600)
        assert young.ready
        assert len(young.candles_df) == 3
        await stopped(young, unknown)

    on_virtual_time(use, tmp_path, monkeypatch, window(3))


def test_nothing_new_may_rest_on_it_once_it_is_stale_or_degraded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(server: FeedServer) -> None:
        made = feed()
        assert made.refusal() is Refusal.FEED_STALE
        await started(made)
        assert made.refusal() is None
        await server.tell(
            ModeChange(PAIR, Mode.DEGRADED, "no source has candles"), ModeChange("ETH-USDT", Mode.STALE, "")
        )
        await until(lambda: made.refusal() is Refusal.FEED_DEGRADED)
        await server.tell(ModeChange(PAIR, Mode.LIVE, ""))
        await until(lambda: made.refusal() is None)
        await asyncio.sleep(175)
        assert made.refusal() is None
        await asyncio.sleep(10)  # connected, and still no new candle
        assert made.refusal() is Refusal.FEED_STALE
        await server.tell(close(0), close(1), close(2))
        await until(lambda: made.refusal() is None)
        await stopped(made)
        assert made.refusal() is Refusal.FEED_STALE

    on_virtual_time(use, tmp_path, monkeypatch, window(3))


def test_a_long_candle_is_not_stale_before_the_next_is_due_but_a_silent_sidecar_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(server: FeedServer) -> None:
        made = feed(interval="1h")
        await started(made)
        await asyncio.sleep(3500)
        assert made.refusal() is None
        await server.stop()
        await asyncio.sleep(150)
        assert made.refusal() is None
        await asyncio.sleep(40)
        assert made.refusal() is Refusal.FEED_STALE
        await stopped(made)

    on_virtual_time(use, tmp_path, monkeypatch, window(3, interval=Timeframe.HOUR))
