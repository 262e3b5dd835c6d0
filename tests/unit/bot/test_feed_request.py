"""Candles of the sidecar without a stream: what is asked for as a whole is given whole, or refused."""

from pathlib import Path
from typing import Any

import pytest
from hummingbot.data_feed.candles_feed.data_types import HistoricalCandlesConfig

from shared.bot.feed_candles import NAME, FeedHistoryError, RecoveryFeed
from shared.domain.stored import Timeframe
from shared.ports import FeedRefused, FeedUnavailable
from tests.unit.bot.feed_server import PAIR, START_S, FeedServer, candle, on_virtual_time, window


def test_history_is_given_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(server: FeedServer) -> None:
        made = RecoveryFeed(PAIR, "1m", 2)

        def asked(since: int, until_s: int = START_S) -> Any:
            return made.get_historical_candles(
                HistoricalCandlesConfig(
                    connector_name=NAME, trading_pair=PAIR, interval="1m", start_time=since, end_time=until_s
                )
            )

        frame = await asked(START_S - 600, START_S - 120)
        assert list(frame["timestamp"]) == list(range(START_S - 600, START_S - 119, 60))
        assert list(frame.columns) == RecoveryFeed.columns
        assert len(await asked(START_S - 50 * 60 - 30)) == 50
        with pytest.raises(FeedHistoryError, match=f"the sidecar has it since {START_S - 3000}"):
            await asked(START_S - 51 * 60)
        for status, error in ((503, FeedUnavailable), (404, FeedRefused)):
            server.refuses = status
            with pytest.raises(error, match=f"HTTP {status}"):
                await asked(START_S - 600)
        await server.stop()
        with pytest.raises(FeedUnavailable, match="cannot be reached"):
            await asked(START_S - 600)

    on_virtual_time(use, tmp_path, monkeypatch, window(50))


def test_candles_of_another_pair_do_not_pass_for_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(server: FeedServer) -> None:
        server.windows[PAIR, Timeframe.MINUTE] = window(3, pair="ETH-USDT")
        with pytest.raises(FeedRefused, match="other candles than those of BTC-USDT 1m"):
            await RecoveryFeed(PAIR).get_historical_candles(
                HistoricalCandlesConfig(
                    connector_name=NAME, trading_pair=PAIR, interval="1m", start_time=START_S - 60, end_time=START_S
                )
            )

    on_virtual_time(use, tmp_path, monkeypatch, window(3, candles=(candle(-1),)))
