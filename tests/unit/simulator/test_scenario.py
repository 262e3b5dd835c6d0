"""Scenarios: what is listed, from where, and from when."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shared.simulator.errors import RecordingError, UnknownPair
from shared.simulator.recording import RecordingSpec, parse_replay_spec
from shared.simulator.scenario import DEFAULT_START_MS, replay, simulated

MARKET_DATA = Path(__file__).resolve().parents[3] / "../shared/market_data"
DAY_S = int(datetime(2025, 6, 1, tzinfo=UTC).timestamp())


def recording(folder: Path, pair: str, first_s: int, count: int = 600, price: float = 100.0) -> RecordingSpec:
    rows = [(first_s + 60 * n, price, price + 1, price - 1, price + n % 2, 5.0) for n in range(count)]
    path = folder / f"test_{pair}_1m.csv"
    columns = ["timestamp", "open", "high", "low", "close", "volume"]
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)
    return RecordingSpec(path)


def test_simulated_lists_each_pair_spot_and_perpetual_on_one_path() -> None:
    venue = simulated(["BTC-USDT", "ETH-USDT", "BTC-USDT"], duration_s=3600)
    assert [market.instrument.symbol for market in venue.markets(False)] == ["BTCUSDT", "ETHUSDT"]
    spot, perpetual = (venue.market(kind, "BTCUSDT").path.price_ticks for kind in (False, True))
    assert np.abs(spot - perpetual * 10).max() <= 5
    assert (venue.start_ms, venue.end_ms) == (DEFAULT_START_MS, DEFAULT_START_MS + 3_600_000)
    assert datetime.fromtimestamp(DEFAULT_START_MS / 1000, UTC).isoformat() == "2025-01-06T00:00:00+00:00"


def test_an_unlisted_pair_is_refused() -> None:
    with pytest.raises(UnknownPair, match=r"does not list 'BTC-EUR'; it lists AAVE-USDT"):
        simulated(["BTC-EUR"])


def test_recordings_of_different_dates_start_together(tmp_path: Path) -> None:
    first = recording(tmp_path, "BTC-USDT", DAY_S)
    second = recording(tmp_path, "ETH-USDT", DAY_S - 86_400 * 40, price=50)
    venue = replay([RecordingSpec(first.path, (DAY_S + 6 * 3600) * 1000), second], pairs=["ETH-USDT"])
    start_ms = (DAY_S + 6 * 3600) * 1000
    btc, eth = (venue.market(False, symbol).path for symbol in ("BTCUSDT", "ETHUSDT"))
    assert venue.start_ms == start_ms
    assert (btc.start_ms, eth.start_ms) == (start_ms - 6 * 3_600_000, start_ms - 5 * 3_600_000)
    assert venue.end_ms == btc.end_ms == (DAY_S + 600 * 60) * 1000
    venue.open(start_ms)


def test_a_pair_without_a_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownPair, match="no recording of SOL-USDT; the replay holds BTC-USDT"):
        replay([recording(tmp_path, "BTC-USDT", DAY_S)], pairs=["BTC-USDT", "SOL-USDT"])


def test_two_recordings_of_a_pair_are_refused(tmp_path: Path) -> None:
    spec = recording(tmp_path, "BTC-USDT", DAY_S)
    with pytest.raises(RecordingError, match="Two recordings hold BTC-USDT"):
        replay([spec, spec])
    with pytest.raises(RecordingError, match="at least one recording"):
        replay([])


@pytest.mark.skipif(not MARKET_DATA.is_dir(), reason="the recordings in ../shared/market_data are absent")
def test_a_real_recording_is_replayed_candle_by_candle() -> None:
    path = MARKET_DATA / "binance_us_BTC-USDT_1m_2023-03.csv.gz"
    venue = replay(parse_replay_spec(f"replay:{path}@2023-03-10T00:00"))
    market = venue.market(False, "BTCUSDT")
    market.advance(venue.end_ms)
    klines = market.klines(60, venue.start_ms, venue.end_ms)
    source = pd.read_csv(path)
    source = source[source.timestamp * 1000 >= venue.start_ms]
    np.testing.assert_array_equal(klines.open_ms, source.timestamp * 1000)
    for name in ("open", "high", "low", "close"):
        np.testing.assert_array_equal(getattr(klines, name), np.rint(source[name] * 100))
    np.testing.assert_array_equal(klines.volume, np.rint(source.volume * 1e5))
